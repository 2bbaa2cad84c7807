#include "zerotail/harness/core_probe.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "zerotail/fault/scratch_disk.h"
#include "zerotail/harness/disk_stack.h"
#include "zerotail/sim/world.h"
#include "zerotail/volume/volume.h"

namespace zerotail::harness {
namespace {

Violation differs(const std::string& path, std::string detail) {
  return {Contract::kMountable, "core-differs", path, std::nullopt, std::move(detail)};
}

// Every set of the directory itself is whole. In a directory with a torn set a driver may show the
// entry, hide it or answer an error: what it must do is end.
bool sound(const DirectoryView& directory) {
  if (!directory.problems.empty()) return false;
  return std::all_of(directory.nodes.begin(), directory.nodes.end(), [](const auto& node) {
    return node->set->usable() && node->set->checksum_ok;
  });
}

// Compares the core's tree with the checker's, directory by directory.
class Walk {
 public:
  Walk(volume::Volume& volume, const VolumeView& view, std::vector<Violation>* out)
      : volume_(volume), view_(view), out_(*out) {}

  void directory(const std::string& path, const DirectoryView& directory, unsigned depth) {
    constexpr unsigned kDeepest = 256;  // deeper than any workload; the image may be a DAG
    if (depth > kDeepest) return;
    const sim::Result<std::vector<volume::ListEntry>> names = volume_.list(path);
    const bool whole = sound(directory);
    if (!names.ok()) {
      if (whole) {
        out_.push_back(differs(path, "the core cannot list it: " + names.error().message()));
      }
      return;
    }
    std::set<std::string> seen;
    for (const volume::ListEntry& entry : *names) {
      seen.insert(entry.name);
      const std::string full = path.empty() ? entry.name : path + "/" + entry.name;
      const std::shared_ptr<const TreeNode> node = view_.find_in(directory, entry.name);
      if (node != nullptr) {
        one(full, entry, *node, depth, whole);
      } else if (whole) {
        out_.push_back(differs(full, "the core lists it, the checker finds no such set"));
      }
    }
    if (!whole) return;
    for (const auto& node : directory.nodes) {
      if (!node->problems.empty()) continue;
      if (!seen.contains(node->set->utf8) && view_.find_in(directory, node->set->utf8) == node) {
        const std::string full = path.empty() ? node->set->utf8 : path + "/" + node->set->utf8;
        out_.push_back(differs(full, "the checker finds a sound set, the core does not list it"));
      }
    }
  }

 private:
  void one(const std::string& path, const volume::ListEntry& entry, const TreeNode& node,
           unsigned depth, bool whole) {
    const sim::Result<volume::Stat> stat = volume_.stat(path);
    if (!stat.ok()) {
      if (whole && node.problems.empty()) {
        out_.push_back(differs(path, "the core cannot stat it: " + stat.error().message()));
      }
      return;
    }
    if (stat->directory != node.set->directory) {
      if (whole) {
        out_.push_back(differs(path, "directory or file: the core and the checker disagree"));
      }
      return;
    }
    if (entry.directory) {
      if (node.child != nullptr) directory(path, *node.child, depth + 1);
    } else if (!whole) {
      return;
    } else if (stat->size != node.set->data_length) {
      out_.push_back(differs(path, fmt::format("the core says size {}, DataLength is {}",
                                               stat->size, node.set->data_length)));
    }
  }

  volume::Volume& volume_;
  const VolumeView& view_;
  std::vector<Violation>& out_;
};

void compare_file(volume::Volume& volume, const sim::SectorReader& disk, const VolumeView& view,
                  const std::string& path, std::vector<Violation>* out) {
  constexpr uint64_t kMost = 1 << 20;
  const std::shared_ptr<const TreeNode> node = view.find(path);
  if (node == nullptr || node->set->directory || !node->problems.empty()) return;
  const size_t slash = path.rfind('/');
  const std::shared_ptr<const DirectoryView> parent =
      slash == std::string::npos ? view.root : view.find(path.substr(0, slash))->child;
  if (parent == nullptr || !sound(*parent)) return;
  const uint64_t length = std::min(node->set->data_length, kMost);
  std::vector<std::byte> want(length);
  want.resize(read_file(disk, *view.geometry, *node, sim::FilePos{0}, want).value());
  if (want.size() != length) return;
  const sim::Result<volume::Fd> fd = volume.open(path, {});
  if (!fd.ok()) {
    out->push_back(differs(path, "the core cannot open it: " + fd.error().message()));
    return;
  }
  std::vector<std::byte> got(length);
  const sim::Result<uint64_t> count = volume.read(*fd, 0, got);
  if (!count.ok()) {
    out->push_back(differs(path, "the core cannot read it: " + count.error().message()));
  } else if (*count != length) {
    out->push_back(differs(path, fmt::format("the core reads {} of {} bytes", *count, length)));
  } else if (got != want) {
    const auto place = std::mismatch(got.begin(), got.end(), want.begin());
    const auto at = static_cast<uint64_t>(place.first - got.begin());
    Violation violation = differs(path, "the core reads other bytes than stand on the image");
    violation.range = ByteRange{at, length};
    out->push_back(std::move(violation));
  }
  const sim::Status closed = volume.close(*fd);
  ZT_ASSERT(closed.ok());
}

}  // namespace

CoreProbe::CoreProbe(const Recording& recording, const fault::CrashModel& model)
    : recording_(recording), model_(model) {}

void CoreProbe::move_to(const fault::CrashPoint& point) {
  segment_ = &model_.segment(point);
  root_ = nullptr;
}

const CoreProbe::Node* CoreProbe::recall(const fault::CrashImage& image) const {
  const Node* node = root_.get();
  const std::vector<uint16_t>& picks = image.state().picks;
  while (node != nullptr && node->unit >= 0) {
    const auto child = node->children.find(picks[static_cast<size_t>(node->unit)]);
    node = child == node->children.end() ? nullptr : child->second.get();
  }
  return node;
}

void CoreProbe::remember(const fault::CrashImage& image, const std::vector<sim::Sector>& reads,
                         std::vector<Violation> verdict) {
  const std::vector<uint16_t>& picks = image.state().picks;
  std::unique_ptr<Node>* place = &root_;
  std::set<int32_t> asked;
  for (const sim::Sector sector : reads) {
    const int32_t unit = segment_->unit_of(sector);
    if (unit < 0 || !asked.insert(unit).second) continue;
    if (*place == nullptr) {
      *place = std::make_unique<Node>();
      (*place)->unit = unit;
    }
    // Recovery is deterministic: with equal answers so far it asks for the same sector next.
    ZT_ASSERT((*place)->unit == unit);
    place = &(*place)->children[picks[static_cast<size_t>(unit)]];
  }
  ZT_ASSERT(*place == nullptr);
  *place = std::make_unique<Node>();
  (*place)->verdict = std::move(verdict);
}

void CoreProbe::probe(const fault::CrashImage& image, const VolumeView& view, const Oracle& oracle,
                      std::vector<Violation>* out) {
  const Node* known = recall(image);
  if (known == nullptr) {
    std::vector<sim::Sector> reads;
    std::vector<Violation> verdict = recover(image, view, oracle, &reads);
    remember(image, reads, std::move(verdict));
    known = recall(image);
    ZT_ASSERT(known != nullptr);
  }
  out->insert(out->end(), known->verdict.begin(), known->verdict.end());
}

std::vector<Violation> CoreProbe::recover(const fault::CrashImage& image, const VolumeView& view,
                                          const Oracle& oracle, std::vector<sim::Sector>* reads) {
  ++mounts_;
  std::vector<Violation> verdict;
  sim::World world(1);
  fault::ScratchDisk disk(image, recording_.log->info());
  disk.record_reads(reads);
  sim::Result<volume::MountOptions> options = mount_options(recording_.trace.header);
  ZT_ASSERT(options.ok());
  const sim::Result<std::unique_ptr<volume::Volume>> mounted =
      volume::Volume::mount(world, disk, *options);
  if (!mounted.ok()) {
    if (view.mountable()) {
      verdict.push_back({Contract::kMountable, "no-mount", "<volume>", std::nullopt,
                         "the core does not mount it: " + mounted.error().message()});
    }
    return verdict;
  }
  if (!view.mountable()) {
    verdict.push_back(differs("<volume>", "the core mounts what the checker calls unmountable"));
    return verdict;
  }
  Walk(**mounted, view, &verdict).directory({}, *view.root, 0);
  disk.record_reads(nullptr);  // contents pass through: which bytes they are changes no path
  for (const std::string& path : oracle.touched_paths()) {
    compare_file(**mounted, image, view, path, &verdict);
  }
  return verdict;
}

}  // namespace zerotail::harness
