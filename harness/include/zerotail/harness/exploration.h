// The exploration of one workload in parts that know nothing of each other, so that they can be
// done in any order, by several processes, or again: the same part always gives the same report.
//
// A part is a run of crash points of one segment. Within it states are merged and pruned, and
// recoveries remembered; nothing of that reaches another part. The last part holds the answers that
// the model did not predict.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "zerotail/harness/explore.h"

namespace zerotail::harness {

struct PartReport {
  size_t part = 0;
  StateCounts states;
  fault::TierCounts tiers;
  NestedCounts nested;
  uint64_t core_mounts = 0;
  sim::Digest digest;             // of the ordered (state, verdict)
  std::vector<Finding> findings;  // one a fingerprint, in order of appearance
  bool complete = true;           // false: the hook asked to stop
};

class Exploration {
 public:
  // Records the workload. `after` is the id of the crash state that it starts from, with the
  // separator, when it is itself the continuation of one.
  [[nodiscard]] static sim::Result<std::unique_ptr<Exploration>> create(
      const Workload& workload, const ExploreOptions& options, const std::string& after = {});
  ~Exploration();
  Exploration(const Exploration&) = delete;
  Exploration& operator=(const Exploration&) = delete;

  [[nodiscard]] size_t parts() const;
  // States of a part that will be enumerated, at most; nested ones not counted.
  [[nodiscard]] uint64_t states_of(size_t part) const;
  // The hook gets the number of states of this part.
  [[nodiscard]] PartReport explore(size_t part, const ProgressHook& hook = {});
  // Everything but the sums over the parts.
  [[nodiscard]] const WorkloadReport& heading() const;

 private:
  struct Impl;
  explicit Exploration(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

// The report on a workload from its parts, in their order. Findings are added to `findings`.
[[nodiscard]] WorkloadReport combine(WorkloadReport heading, const std::vector<PartReport>& parts,
                                     FindingSet* findings);

}  // namespace zerotail::harness
