// A finding made small: the trace, its arguments, the fault plan and the crash state together,
// until nothing can be left out (docs/MINIMISING.md).
//
// What stays is the finding: contract, kind, path and circumstances (circumstances.h), and with
// them fingerprint and group. Two weaknesses can look alike even so; then they are told apart by
// the rules of an ordering that cure them: when no rule that cured the finding in the whole trace
// cures it in the minimal one, it is minimised again, and one of those rules must go on curing it.
// A smaller trace shows it when one of its crash states does, whichever: the states like the one at
// hand are looked at first, then what explore would look at, within a budget. At the end the
// complete judge confirms the state, from its repro id alone. Deterministic.
#pragma once

#include <functional>
#include <string>

#include "zerotail/harness/explore.h"

namespace zerotail::harness {

// What is sought in states.
struct Wanted {
  Contract contract = Contract::kMountable;
  std::string kind;
  std::string path;
  Circumstances circumstances;
};
[[nodiscard]] Wanted wanted(const Finding& finding);

struct MinimiseOptions {
  RecordOptions record;              // as the finding was found; its device and so on are the id's
  uint64_t states = 1'000'000;       // judged, at most
  uint64_t states_per_trace = 2048;  // of one trace, at most (and at least 8 a crash point)
  uint64_t tries = 4000;             // traces, at most
  bool look_for_cures = true;
};

// The single rules of an ordering (exfat/ordering.h) with which no crash state of the trace that
// the budget looks at shows the finding: those that cure it, and those that change so much that the
// trace does not get there.
struct Cures {
  std::vector<volume::Rule> rules;
  bool careful = false;  // all rules together
};

// How large a case is. Sectors are those on the shorter side: kept while the rest of what is
// pending is lost, or lost while the rest is kept.
struct CaseSize {
  size_t operations = 0;
  size_t recorded = 0;  // of them behind the setup
  size_t rules = 0;     // of the fault plan
  uint64_t sectors = 0;
  bool torn = false;
};

struct MinimalCase {
  Workload workload;  // of the minimal trace; io_path, ordering and faults stand in its header
  ReproId id;
  Finding finding;          // as the minimal trace shows it
  std::string description;  // of the crash state, for people
  CaseSize before;
  CaseSize after;
  uint64_t traces = 0;   // that were tried
  uint64_t states = 0;   // that were judged
  bool complete = true;  // false: a budget was used up first
  Cures cures_before;    // of the whole trace
  Cures cures;           // of the minimal one
  // A first attempt slipped into another finding that looks alike; this rule, which cures the one
  // sought, kept the second on its way.
  std::optional<volume::Rule> held_by;
  sim::Snapshot disk;  // the crash state
};

struct MinimiseProgress {
  uint64_t states = 0;
  uint64_t traces = 0;
  size_t operations = 0;  // of the smallest trace so far
};
// Return false to stop; what is smallest by then is the result.
using MinimiseHook = std::function<bool(const MinimiseProgress&)>;

// The crash state `id` of the workload shows `what`. Errors: it does not, it is a crash after a
// crash, the workload cannot be recorded.
[[nodiscard]] sim::Result<MinimalCase> minimise(const Workload& workload, const ReproId& id,
                                                const Wanted& what,
                                                const MinimiseOptions& options = {},
                                                const MinimiseHook& hook = {});

// What a crash state of a workload shows, with circumstances: for choosing what to minimise.
[[nodiscard]] sim::Result<std::vector<Finding>> findings_of(const Workload& workload,
                                                            const ReproId& id,
                                                            const RecordOptions& options);

}  // namespace zerotail::harness
