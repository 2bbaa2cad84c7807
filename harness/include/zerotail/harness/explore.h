// Crash exploration: every crash state that a budget allows, rebuilt, mounted, judged.
//
// For each crash point of the recorded log the states are enumerated (fault/crash_model.h), made as
// an overlay, told apart by digest, judged by the checker (structure), by the oracle (files and
// names) and by a mount and walk of the core itself. Deterministic: the same workload,
// configuration and budget give the same states in the same order and the same digest.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "zerotail/fault/crash_model.h"
#include "zerotail/harness/finding.h"
#include "zerotail/harness/recording.h"
#include "zerotail/harness/repro_id.h"

namespace zerotail::harness {

// What is explored: a trace, and how many of its operations only prepare the volume.
struct Workload {
  std::string name;
  Trace trace;
  size_t setup = 0;
  // Findings carry it instead of the name, and their fingerprints rest on their group instead of
  // the path: what breaks alike in a family is one finding. Empty: no family.
  std::string family{};
  bool family_tells_touch = true;  // the last operation on the file makes a difference, too
};
// A trace as a workload: `setup` from its header, the name for repro ids from its content.
[[nodiscard]] Workload workload_from_trace(Trace trace);
// The name that findings of a workload carry, and that their fingerprints rest on: it does not
// change with the trace's operations. Of a fault plan only the kinds are in it.
[[nodiscard]] std::string name_in_findings(const Workload& workload, const RecordOptions& options);

struct ExploreOptions {
  RecordOptions record;
  uint64_t budget = 4096;  // states enumerated a workload, at most (and at least 8 a crash point)
  fault::EnumerationOptions tiers;
  // Crash states a workload, at most, from which the core goes on working to crash again, and the
  // budget of states of each of those.
  uint64_t nested = 0;
  uint64_t nested_budget = 64;
  std::string faults_before;  // of a crash after a crash: the words that repeat the first run's
  std::array<bool, kContractCount> contracts;  // which are judged
  bool core_probe = true;                      // mount and walk with the core, too
  // Findings of different operations (issued and returned at the crash) are different findings, by
  // their fingerprints too: to tell one exploration of a workload from another in all places.
  bool by_operation = false;
  bool prune = true;  // false: judge every state (an audit of pruning)
  ExploreOptions() { contracts.fill(true); }
};

// Counts of one workload, or their sum. considered = checked + merged + pruned + left_out, as long
// as left_out is not saturated.
struct StateCounts {
  double log2 = 0;          // size of the model: log2 of the number of states
  uint64_t considered = 0;  // states of the model, saturated at kStateLimit a crash point
  uint64_t checked = 0;     // judged
  uint64_t merged = 0;      // same disk and same expectations as one that was judged
  uint64_t pruned = 0;      // differ from one that was judged only in sectors that nothing reads
  uint64_t left_out = 0;    // beyond the budget
  void add(const StateCounts& other);
};
inline constexpr uint64_t kStateLimit = uint64_t{1} << 40;

// Crashes after a crash: the states of the model of what the core wrote on a crash state.
struct NestedCounts {
  uint64_t continued = 0;  // crash states on which the core went on working
  uint64_t of = 0;         // those that could have been: crash states enumerated
  uint64_t unusable = 0;   // chosen, but too damaged to go on (docs/CONTRACTS.md)
  StateCounts states;
  void add(const NestedCounts& other);
};

struct WorkloadReport {
  std::string workload;
  DeviceConfig device;
  StateCounts states;
  uint64_t points = 0;
  uint64_t epochs = 0;
  uint64_t requests = 0;
  uint64_t flushes = 0;
  fault::TierCounts tiers;
  NestedCounts nested;
  uint64_t core_mounts = 0;  // recoveries run by the core
  std::string digest;        // of the ordered (workload, state, verdict), 32 hex digits
  uint64_t workloads = 1;    // that it is about: more than one where a group shares a line
  void add(const WorkloadReport& other);  // of the same group
};
// Which line of a report a workload belongs to: its name, or of an enumerated sequence what comes
// before the arguments of its first step.
[[nodiscard]] std::string report_group(const std::string& workload);

struct ExploreProgress {
  uint64_t states = 0;  // of this workload so far
  uint64_t total = 0;   // enumerated
};
// Return false to stop; the report then covers what was done and its digest says so no longer.
// Called after every state, crashes after a crash included.
using ProgressHook = std::function<bool(const ExploreProgress&)>;

// Runs the workload and judges its crash states; findings are added to `findings`.
[[nodiscard]] sim::Result<WorkloadReport> explore(const Workload& workload,
                                                  const ExploreOptions& options,
                                                  FindingSet* findings,
                                                  const ProgressHook& hook = {});

// One state, rebuilt: for `repro` and `export`.
struct RebuiltState {
  Recording recording;
  sim::Snapshot disk;
  std::vector<Violation> violations;
  std::string description;  // the crash point: operation, write, what is kept
  OpCounts counts;          // operations at the crash point
};
// Where a nested state's id is cut: what stands before it is the crash state that was continued.
inline constexpr char kNestedSeparator = '/';
// Errors: the workload cannot be recorded, or it has no such state.
[[nodiscard]] sim::Result<RebuiltState> rebuild(const Workload& workload, const ReproId& id,
                                                RecordOptions options);

}  // namespace zerotail::harness
