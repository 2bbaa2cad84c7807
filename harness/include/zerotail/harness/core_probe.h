// Recovery by the subject itself: mounts a crash state with the core, walks the whole tree, and
// compares what it answers with what the checker reads from the same image.
//
// The walk's outcome depends on the sectors it reads and on nothing else, so it is remembered in a
// decision tree over the picks of the units that were read, in the order of reading: a state whose
// picks lead to a known leaf is not mounted again. A leaf holds the core's answers. They are
// compared with the checker's view of each state, which may rest on sectors that the core does not
// read, once a view.
// Files that the workload touched are also read through the core, in the first state of a leaf.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "zerotail/fault/crash_model.h"
#include "zerotail/harness/check_view.h"
#include "zerotail/harness/finding.h"
#include "zerotail/harness/oracle.h"
#include "zerotail/harness/recording.h"
#include "zerotail/harness/tree_compare.h"

namespace zerotail::harness {

class CoreProbe {
 public:
  CoreProbe(const Recording& recording, const fault::CrashModel& model);
  void move_to(const fault::CrashPoint& point);  // forgets what it remembers
  // Appends what is wrong: kMountable "no-mount" or "core-differs".
  void probe(const fault::CrashImage& image, const VolumeView& view, const Oracle& oracle,
             std::vector<Violation>* out);
  // The units that the recovery of the state probed last has read.
  [[nodiscard]] const std::vector<uint32_t>& units_read() const { return read_; }
  [[nodiscard]] uint64_t mounts() const { return mounts_; }

 private:
  struct Node {
    int32_t unit = -1;                                   // -1: a leaf
    std::map<uint16_t, std::unique_ptr<Node>> children;  // by pick
    CoreAnswers answers;
    std::map<std::pair<bool, sim::Digest>, std::vector<Violation>> verdicts;  // by view
  };
  void forget();
  std::unique_ptr<Node>& root(const fault::CrashState& state);
  Node* recall(const fault::CrashImage& image);
  Node* remember(const fault::CrashImage& image, const std::vector<sim::Sector>& reads,
                 CoreAnswers answers);
  CoreAnswers recover(const fault::CrashImage& image, const VolumeView& view, const Oracle& oracle,
                      std::vector<sim::Sector>* reads, std::vector<Violation>* out);

  const Recording& recording_;
  const fault::CrashModel& model_;
  const fault::Segment* segment_ = nullptr;
  // One tree for the states without a tear, and one for each tear.
  using TearKey = std::tuple<uint64_t, uint32_t, uint32_t, uint32_t, uint32_t, uint32_t>;
  std::map<TearKey, std::unique_ptr<Node>> roots_;
  size_t leaves_ = 0;
  std::vector<uint32_t> read_;
  uint64_t mounts_ = 0;
};

}  // namespace zerotail::harness
