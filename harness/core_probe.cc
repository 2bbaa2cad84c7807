#include "zerotail/harness/core_probe.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
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

// The core's tree as far as it lists it, directory by directory.
class Walk {
 public:
  explicit Walk(volume::Volume& volume) : volume_(volume) {}

  void directory(const std::string& path, unsigned depth) {
    constexpr unsigned kDeepest = 256;  // deeper than any workload
    constexpr size_t kMost = 1 << 16;   // the image may be a DAG: directories by path
    if (depth > kDeepest || answers_.size() >= kMost) return;
    CoreAnswers::Directory& directory = answers_[path];
    const sim::Result<std::vector<volume::ListEntry>> names = volume_.list(path);
    if (!names.ok()) {
      directory.error = names.error().message();
      return;
    }
    directory.listed = true;
    std::vector<std::string> below;
    for (const volume::ListEntry& entry : *names) {
      const std::string full = path.empty() ? entry.name : path + "/" + entry.name;
      CoreAnswers::Entry answer;
      answer.listed_directory = entry.directory;
      const sim::Result<volume::Stat> stat = volume_.stat(full);
      if (stat.ok()) {
        answer.directory = stat->directory;
        answer.size = stat->size;
      } else {
        answer.error = stat.error().message();
      }
      if (entry.directory && stat.ok() && stat->directory) below.push_back(full);
      directory.entries.emplace_back(entry.name, std::move(answer));
    }
    for (const std::string& child : below) this->directory(child, depth + 1);
  }
  [[nodiscard]] std::map<std::string, CoreAnswers::Directory> take() { return std::move(answers_); }

 private:
  volume::Volume& volume_;
  std::map<std::string, CoreAnswers::Directory> answers_;
};

// Compares the core's answers with what the checker sees.
class Comparison {
 public:
  Comparison(const CoreAnswers& answers, const VolumeView& view, std::vector<Violation>* out)
      : answers_(answers), view_(view), out_(*out) {}

  void directory(const std::string& path, const DirectoryView& directory, unsigned depth) {
    constexpr unsigned kDeepest = 256;
    const auto place = answers_.directories.find(path);
    if (depth > kDeepest || place == answers_.directories.end()) return;
    const CoreAnswers::Directory& answer = place->second;
    const bool whole = sound(directory);
    if (!answer.listed) {
      if (whole) out_.push_back(differs(path, "the core cannot list it: " + answer.error));
      return;
    }
    std::set<std::string> seen;
    for (const auto& [name, entry] : answer.entries) {
      seen.insert(name);
      const std::string full = path.empty() ? name : path + "/" + name;
      const std::shared_ptr<const TreeNode> node = view_.find_in(directory, name);
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
  void one(const std::string& path, const CoreAnswers::Entry& entry, const TreeNode& node,
           unsigned depth, bool whole) {
    if (!entry.error.empty()) {
      if (whole && node.problems.empty()) {
        out_.push_back(differs(path, "the core cannot stat it: " + entry.error));
      }
      return;
    }
    if (entry.directory != node.set->directory) {
      if (whole) {
        out_.push_back(differs(path, "directory or file: the core and the checker disagree"));
      }
      return;
    }
    if (entry.listed_directory) {
      if (node.child != nullptr) directory(path, *node.child, depth + 1);
    } else if (whole && entry.size != node.set->data_length) {
      out_.push_back(differs(path, fmt::format("the core says size {}, DataLength is {}",
                                               entry.size, node.set->data_length)));
    }
  }

  const CoreAnswers& answers_;
  const VolumeView& view_;
  std::vector<Violation>& out_;
};

std::vector<Violation> compare(const CoreAnswers& answers, const VolumeView& view) {
  std::vector<Violation> verdict;
  if (!answers.mounted) {
    if (view.mountable()) {
      verdict.push_back({Contract::kMountable, "no-mount", "<volume>", std::nullopt,
                         "the core does not mount it: " + answers.error});
    }
  } else if (!view.mountable()) {
    verdict.push_back(differs("<volume>", "the core mounts what the checker calls unmountable"));
  } else {
    Comparison(answers, view, &verdict).directory({}, *view.root, 0);
  }
  return verdict;
}

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
  } else if (length != 0 && std::memcmp(got.data(), want.data(), length) != 0) {
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
  leaves_ = 0;
}

CoreProbe::Node* CoreProbe::recall(const fault::CrashImage& image) {
  read_.clear();
  Node* node = root_.get();
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
  std::unique_ptr<Node>* place = &root_;
  std::set<int32_t> asked;
  read_.clear();
  for (const sim::Sector sector : reads) {
    const int32_t unit = segment_->unit_of(sector);
    if (unit < 0 || !asked.insert(unit).second) continue;
    read_.push_back(static_cast<uint32_t>(unit));
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
  (*place)->answers = std::move(answers);
  return place->get();
}

void CoreProbe::probe(const fault::CrashImage& image, const VolumeView& view, const Oracle& oracle,
                      std::vector<Violation>* out) {
  constexpr size_t kMostLeaves = 1 << 12;  // beyond it the tree is begun anew
  Node* leaf = recall(image);
  if (leaf == nullptr) {
    if (++leaves_ > kMostLeaves) {
      root_ = nullptr;
      leaves_ = 1;
    }
    std::vector<sim::Sector> reads;
    CoreAnswers answers = recover(image, view, oracle, &reads, out);
    leaf = remember(image, reads, std::move(answers));
  }
  // The checker may read what the core does not: its view is a part of the key.
  const sim::Digest key = view.mountable() ? view.root->digest : sim::Digest{};
  const auto [verdict, fresh] = leaf->verdicts.try_emplace({view.mountable(), key});
  if (fresh) verdict->second = compare(leaf->answers, view);
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
  Walk walk(**mounted);
  walk.directory({}, 0);
  answers.directories = walk.take();
  disk.record_reads(nullptr);  // contents pass through: which bytes they are changes no path
  if (!view.mountable()) return answers;
  for (const std::string& path : oracle.touched_paths()) {
    compare_file(**mounted, image, view, path, out);
  }
  return answers;
}

}  // namespace zerotail::harness
