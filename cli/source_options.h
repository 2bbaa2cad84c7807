// Where a crash state comes from: the options that repro, export and minimize share.
#pragma once

#include <string>

#include "zerotail/cli/commands.h"
#include "zerotail/cli/fault_options.h"
#include "zerotail/harness/explore.h"

namespace zerotail::cli {

struct SourceOptions {
  std::string trace;
  std::string base_image;
  bool keep_free = false;
  FaultOptions faults;

  void add_to(CLI::App& command);
  // The workload that the id names: a built-in one, or that of --trace.
  [[nodiscard]] sim::Result<harness::Workload> workload(const harness::ReproId& id) const;
  // Image and faults.
  [[nodiscard]] sim::Result<harness::RecordOptions> record() const;
};

}  // namespace zerotail::cli
