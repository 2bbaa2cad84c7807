// Which barriers of a workload matter: every flush, PREFLUSH and FUA of the recorded log is taken
// away in turn, and a flush is put wherever there is none; the crash states are judged each time.
// Only the log is changed (fault::BarrierChange), never the core: what is written, and in which
// order, stays as it was.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "zerotail/harness/explore.h"

namespace zerotail::harness {

enum class BarrierVerdict : uint8_t {
  kRequired,   // without it a contract breaks that holds with it
  kRedundant,  // without it nothing breaks that holds with it
  kMissing,    // there is none; with one, a contract holds that is broken without
};
[[nodiscard]] const char* name_of(BarrierVerdict verdict);

struct Barrier {
  fault::BarrierChange change;
  BarrierVerdict verdict = BarrierVerdict::kRedundant;
  std::string what;   // "flush", "preflush", "fua"
  std::string place;  // "request 7 (boot), during operation 3: ..."
  // Required: what appears without it; missing: what disappears with it. Their repro lines rebuild
  // states that show them.
  std::vector<Finding> findings;
};

struct BarrierReport {
  std::string workload;
  uint64_t requests = 0;
  uint64_t flushes = 0;
  size_t findings = 0;            // as recorded
  std::vector<Barrier> barriers;  // in the order of the log
};
// Device, ordering, budget and seed as `options` says.
[[nodiscard]] sim::Result<BarrierReport> examine_barriers(const Workload& workload,
                                                          const ExploreOptions& options);

}  // namespace zerotail::harness
