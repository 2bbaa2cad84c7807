// Which flushes and FUA writes of a log matter: each is left out in turn, and the checker is asked
// again. One that brings no new finding is redundant as far as the budget looked, not proven so.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "zerotail/harness/log_explore.h"

namespace zerotail::harness {

struct LogBarrier {
  size_t entry = 0;            // of the log
  std::string what;            // "flush", "FUA write", "flush and FUA write"
  uint64_t states = 0;         // judged without it
  std::vector<Finding> fresh;  // findings that the whole log does not have
  [[nodiscard]] bool required() const { return !fresh.empty(); }
};

struct LogBarrierReport {
  std::vector<LogBarrier> barriers;  // in the log's order
  uint64_t states = 0;               // judged with all of them
  size_t findings = 0;               // with all of them
  bool complete = true;              // false: the hook asked to stop
};

// Makes the source again, without the barriers of these entries.
using LogLoader = std::function<sim::Result<LogSource>(const std::vector<size_t>& without)>;

// Errors: as of explore_log, and of the loader.
[[nodiscard]] sim::Result<LogBarrierReport> compare_barriers(const LogLoader& load,
                                                             const LogExploreOptions& options,
                                                             const LogHook& hook = {});

}  // namespace zerotail::harness
