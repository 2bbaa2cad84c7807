// The verdict on one crash state: all contracts, from the checker, the oracle and the core.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "zerotail/fault/crash_model.h"
#include "zerotail/harness/check_incremental.h"
#include "zerotail/harness/core_probe.h"
#include "zerotail/harness/finding.h"
#include "zerotail/harness/oracle.h"
#include "zerotail/harness/recording.h"

namespace zerotail::harness {

// Appends what the checker alone can say of a state: mountable, flagged, consistent.
void judge_structure(const CheckJudgement& judgement, std::vector<Violation>* out);

class Judge {
 public:
  Judge(const Recording& recording, const fault::CrashModel& model, bool core_probe);

  // Goes to a crash point; points ascend.
  void move_to(const fault::CrashPoint& point);
  // Forgets what was remembered of other states: what follows does not depend on it.
  void forget();
  // Parses a state of that point.
  void look_at(const fault::CrashImage& image);
  // The violations of the state that was looked at last, in a stable order.
  [[nodiscard]] const std::vector<Violation>& judge();
  // The units of the point's segment that lie outside everything that its base reaches, ascending:
  // they are read only where a state points to them.
  [[nodiscard]] const std::vector<uint32_t>& far_units() const { return far_; }
  // Those of them that mount, checker, oracle or core have read of the state that was judged last,
  // ascending. Two states of one context that agree in all units but far ones that one of them
  // does not read have one verdict.
  [[nodiscard]] std::vector<uint32_t> far_units_read() const;
  [[nodiscard]] OpCounts counts() const { return counts_; }
  // Changes whenever something else is expected of the same disk.
  [[nodiscard]] uint64_t context() const { return context_; }
  [[nodiscard]] uint64_t core_mounts() const { return probe_ ? probe_->mounts() : 0; }

 private:
  void find_far_units(const fault::Segment& segment);

  const Recording& recording_;
  const fault::CrashModel& model_;
  uint32_t segment_ = UINT32_MAX;
  OpCounts counts_;
  bool have_counts_ = false;
  uint64_t context_ = 0;
  std::unique_ptr<IncrementalChecker> checker_;
  Oracle oracle_;
  std::unique_ptr<CoreProbe> probe_;
  std::vector<uint32_t> far_;
  const fault::CrashImage* image_ = nullptr;
  CheckJudgement judgement_;
  std::vector<Violation> violations_;
};

}  // namespace zerotail::harness
