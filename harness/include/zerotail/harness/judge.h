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
  // Parses a state of that point. Returns the digest of the disk on which every sector that neither
  // mount nor checker nor oracle reads is as in the segment's base: states with one such digest and
  // one context have one verdict.
  sim::Digest look_at(const fault::CrashImage& image);
  // The violations of the state that was looked at last, in a stable order.
  [[nodiscard]] const std::vector<Violation>& judge();
  [[nodiscard]] OpCounts counts() const { return counts_; }
  // Changes whenever something else is expected of the same disk.
  [[nodiscard]] uint64_t context() const { return context_; }
  [[nodiscard]] uint64_t core_mounts() const { return probe_ ? probe_->mounts() : 0; }

 private:
  const Recording& recording_;
  const fault::CrashModel& model_;
  uint32_t segment_ = UINT32_MAX;
  OpCounts counts_;
  bool have_counts_ = false;
  uint64_t context_ = 0;
  std::unique_ptr<IncrementalChecker> checker_;
  Oracle oracle_;
  std::unique_ptr<CoreProbe> probe_;
  std::vector<bool> read_;  // clusters (from 2) in any chain of the segment's base
  std::vector<bool> read_now_;
  const fault::CrashImage* image_ = nullptr;
  CheckJudgement judgement_;
  std::vector<Violation> violations_;
};

}  // namespace zerotail::harness
