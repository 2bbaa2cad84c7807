// Which barriers of a workload matter: every flush, PREFLUSH and FUA of the recorded log is taken
// away in turn, and a flush is put wherever there is none; the crash states are judged each time.
// Only the log is changed (fault::BarrierChange), never the core: what is written, and in which
// order, stays as it was. Each barrier is changed alone: two that are redundant may be needed
// together. What breaks is compared operation by operation, so that the third fsync's flush is
// judged by the third fsync.
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
  std::string kind;   // of the request: "boot", "directory"; empty for flushes and ends of calls
  std::string call;   // the operation under way, by its name in traces
  std::string place;  // "request 7 (boot), during operation 3: ..."
  bool exhaustive = false;  // every state with and without it was judged, or known to be like one
  // Required: what appears without it; missing: what disappears with it; one for a contract, kind
  // and file, graver contracts first. Their repro lines rebuild states that show them.
  std::vector<Finding> findings;
};

struct BarrierReport {
  std::string workload;
  uint64_t requests = 0;
  uint64_t flushes = 0;
  size_t findings = 0;            // as recorded: contracts, kinds and files
  std::vector<Barrier> barriers;  // in the order of the log
};
// Device, ordering, budget and seed as `options` says.
[[nodiscard]] sim::Result<BarrierReport> examine_barriers(const Workload& workload,
                                                          const ExploreOptions& options);

}  // namespace zerotail::harness
