// The options of every sub-command that mounts for a trace: how the page cache is made.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

#include "zerotail/harness/repro_id.h"

namespace zerotail::cli {

struct CacheOptions {
  std::string page_size;  // empty: as the trace's header says
  std::string folios;
};

// Declares --page-size and --folios.
void add_cache_options(CLI::App& command, CacheOptions* options);
// EINVAL naming the option and what it takes.
[[nodiscard]] sim::Result<harness::CacheConfig> cache_config(const CacheOptions& options);

}  // namespace zerotail::cli
