#include "zerotail/harness/core_probe.h"

#include <algorithm>
#include <set>

#include "zerotail/fault/scratch_disk.h"
#include "zerotail/harness/disk_stack.h"
#include "zerotail/harness/tree_compare.h"
#include "zerotail/sim/world.h"
#include "zerotail/volume/volume.h"

namespace zerotail::harness {
namespace {
constexpr uint64_t kDirectoriesListed = 1 << 16;  // the image may be a DAG: directories by path
constexpr uint64_t kBytesCompared = 1 << 20;      // of one file
}  // namespace

CoreProbe::CoreProbe(const Recording& recording, const fault::CrashModel& model)
    : recording_(recording), model_(model) {}

void CoreProbe::move_to(const fault::CrashPoint& point) {
  segment_ = &model_.segment(point);
  forget();
}

void CoreProbe::forget() {
  roots_.clear();
  leaves_ = 0;
}

// What is torn looks the same below one tear and one pick of its unit, and only there.
std::unique_ptr<CoreProbe::Node>& CoreProbe::root(const fault::CrashState& state) {
  const fault::Tear& tear = state.tear;
  if (!tear) return roots_[{}];
  const bool unit = model_.options().tear_word != sim::ByteCount{};
  const uint32_t pick = unit ? state.picks[static_cast<size_t>(tear.place)] : 0;
  return roots_[{tear.place, tear.first, tear.count, static_cast<uint32_t>(tear.fill), tear.version,
                 pick}];
}

CoreProbe::Node* CoreProbe::recall(const fault::CrashImage& image) {
  read_.clear();
  Node* node = root(image.state()).get();
  const std::vector<uint16_t>& picks = image.state().picks;
  while (node != nullptr && node->unit >= 0) {
    read_.push_back(static_cast<uint32_t>(node->unit));
    const auto child = node->children.find(picks[static_cast<size_t>(node->unit)]);
    node = child == node->children.end() ? nullptr : child->second.get();
  }
  return node;
}

CoreProbe::Node* CoreProbe::remember(const fault::CrashImage& image,
                                     const std::vector<sim::Sector>& reads, CoreAnswers answers) {
  const std::vector<uint16_t>& picks = image.state().picks;
  std::unique_ptr<Node>* place = &root(image.state());
  std::set<int32_t> asked;
  read_.clear();
  for (const sim::Sector sector : reads) {
    for (const int32_t unit : segment_->units_of(sector)) {
      if (!asked.insert(unit).second) continue;
      read_.push_back(static_cast<uint32_t>(unit));
      if (*place == nullptr) {
        *place = std::make_unique<Node>();
        (*place)->unit = unit;
      }
      // Recovery is deterministic: with equal answers so far it asks for the same sector next.
      ZT_ASSERT((*place)->unit == unit);
      place = &(*place)->children[picks[static_cast<size_t>(unit)]];
    }
  }
  ZT_ASSERT(*place == nullptr);
  *place = std::make_unique<Node>();
  (*place)->answers = std::move(answers);
  return place->get();
}

void CoreProbe::probe(const fault::CrashImage& image, const VolumeView& view, const Oracle& oracle,
                      std::vector<Violation>* out) {
  constexpr size_t kMostLeaves = 1 << 12;  // beyond it the tree is begun anew
  Node* leaf = recall(image);
  if (leaf == nullptr) {
    if (leaves_ == kMostLeaves) forget();
    ++leaves_;
    std::vector<sim::Sector> reads;
    CoreAnswers answers = recover(image, view, oracle, &reads, out);
    leaf = remember(image, reads, std::move(answers));
  }
  // The checker may read what the core does not: its view is a part of the key.
  const sim::Digest key = view.mountable() ? view.root->digest : sim::Digest{};
  const auto [verdict, fresh] = leaf->verdicts.try_emplace({view.mountable(), key});
  if (fresh) verdict->second = compare_answers(leaf->answers, view);
  out->insert(out->end(), verdict->second.begin(), verdict->second.end());
}

CoreAnswers CoreProbe::recover(const fault::CrashImage& image, const VolumeView& view,
                               const Oracle& oracle, std::vector<sim::Sector>* reads,
                               std::vector<Violation>* out) {
  ++mounts_;
  CoreAnswers answers;
  sim::World world(1);
  fault::ScratchDisk disk(image, recording_.log->info());
  disk.record_reads(reads);
  sim::Result<volume::MountOptions> options = mount_options(recording_.trace.header);
  ZT_ASSERT(options.ok());
  const sim::Result<std::unique_ptr<volume::Volume>> mounted =
      volume::Volume::mount(world, disk, *options);
  if (!mounted.ok()) {
    answers.error = mounted.error().message();
    return answers;
  }
  answers.mounted = true;
  list_tree(**mounted, kDirectoriesListed, &answers);
  disk.record_reads(nullptr);  // contents pass through: which bytes they are changes no path
  if (!view.mountable()) return answers;
  for (const std::string& path : oracle.touched_paths()) {
    compare_file(**mounted, image, view, path, kBytesCompared, out);
  }
  return answers;
}

}  // namespace zerotail::harness
