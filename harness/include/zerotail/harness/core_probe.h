// Recovery by the subject itself: mounts a crash state with the core, walks the whole tree, and
// compares what it answers with what the checker reads from the same image.
//
// The walk's outcome depends on the sectors it reads and on nothing else, so it is remembered in a
// decision tree over the picks of the units that were read, in the order of reading: a state whose
// picks lead to a known leaf is not mounted again.
// Files that the workload touched are also read through the core, once a leaf.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <vector>

#include "zerotail/fault/crash_model.h"
#include "zerotail/harness/check_view.h"
#include "zerotail/harness/finding.h"
#include "zerotail/harness/oracle.h"
#include "zerotail/harness/recording.h"

namespace zerotail::harness {

class CoreProbe {
 public:
  CoreProbe(const Recording& recording, const fault::CrashModel& model);
  void move_to(const fault::CrashPoint& point);  // a point of another segment
  // Appends what is wrong: kMountable "no-mount", "walk" or "core-differs".
  void probe(const fault::CrashImage& image, const VolumeView& view, const Oracle& oracle,
             std::vector<Violation>* out);
  [[nodiscard]] uint64_t mounts() const { return mounts_; }

 private:
  struct Node {
    int32_t unit = -1;                                   // -1: a leaf
    std::map<uint16_t, std::unique_ptr<Node>> children;  // by pick
    std::vector<Violation> verdict;
  };
  [[nodiscard]] const Node* recall(const fault::CrashImage& image) const;
  void remember(const fault::CrashImage& image, const std::vector<sim::Sector>& reads,
                std::vector<Violation> verdict);
  std::vector<Violation> recover(const fault::CrashImage& image, const VolumeView& view,
                                 const Oracle& oracle, std::vector<sim::Sector>* reads);

  const Recording& recording_;
  const fault::CrashModel& model_;
  const fault::Segment* segment_ = nullptr;
  std::unique_ptr<Node> root_;
  uint64_t mounts_ = 0;
};

}  // namespace zerotail::harness
