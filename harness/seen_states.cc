#include "seen_states.h"

#include <algorithm>

namespace zerotail::harness {
namespace {

// Beyond it everything is forgotten, so that memory does not grow with the number of states: a
// state may then be judged twice.
constexpr size_t kMostStates = 1 << 20;

sim::Digest sum(const fault::CrashImage& image, const std::vector<uint32_t>& units) {
  sim::Digest total;
  for (const uint32_t unit : units) total += image.delta(unit);
  return total;
}

}  // namespace

void SeenStates::begin(std::vector<uint32_t> far_units) {
  far_ = std::move(far_units);
  disks_.clear();
  groups_.clear();
  size_ = 0;
}

sim::Digest SeenStates::near(const fault::CrashImage& image) const {
  return image.digest() - sum(image, far_);
}

SeenStates::Known SeenStates::look_up(const fault::CrashImage& image) {
  if (size_ >= kMostStates) begin(std::move(far_));
  if (!disks_.insert(image.digest()).second) return Known::kSame;
  ++size_;
  if (far_.empty()) return Known::kNo;
  const sim::Digest near_units = near(image);
  const auto groups = groups_.find(near_units);
  if (groups == groups_.end()) return Known::kNo;
  for (const Group& group : groups->second) {
    if (group.states.contains(near_units + sum(image, group.read))) return Known::kEquivalent;
  }
  return Known::kNo;
}

void SeenStates::add(const fault::CrashImage& image, const std::vector<uint32_t>& read) {
  if (far_.empty()) return;
  const sim::Digest near_units = near(image);
  std::vector<Group>& groups = groups_[near_units];
  auto group = std::find_if(groups.begin(), groups.end(),
                            [&](const Group& other) { return other.read == read; });
  if (group == groups.end()) group = groups.insert(groups.end(), {read, {}});
  group->states.insert(near_units + sum(image, read));
  ++size_;
}

}  // namespace zerotail::harness
