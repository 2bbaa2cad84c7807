#include "zerotail/harness/tree_compare.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <set>

namespace zerotail::harness {
namespace {

Violation core_differs(const std::string& path, std::string detail) {
  return {Contract::kMountable, "core-differs", path, std::nullopt, std::move(detail)};
}

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";  // U+FFFD

// Every set of the directory itself is whole, and has a name that can be asked for: one with half a
// surrogate pair is shown without it.
bool sound(const DirectoryView& directory) {
  if (!directory.problems.empty()) return false;
  return std::all_of(directory.nodes.begin(), directory.nodes.end(), [](const auto& node) {
    const EntrySet& set = *node->set;
    return set.usable() && set.checksum_ok && set.name_ok &&
           set.utf8.find(kReplacement) == std::string::npos;
  });
}

bool sound(const TreeNode& node) { return node.problems.empty() && node.set->problems.empty(); }

// The core's tree as far as it lists it, directory by directory.
class Walk {
 public:
  Walk(volume::Volume& volume, uint64_t limit) : volume_(volume), limit_(limit) {}

  void directory(const std::string& path, unsigned depth) {
    constexpr unsigned kDeepest = 256;  // deeper than any workload
    if (depth > kDeepest || answers_.size() >= limit_) return;
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
  uint64_t limit_;
  std::map<std::string, CoreAnswers::Directory> answers_;
};

// Trailing dots of a path's component are dropped before it is looked up, so a name that has them
// on disk is listed, and no path leads to it.
bool reachable(const std::string& path) {
  return !path.ends_with('.') && path.find("./") == std::string::npos;
}

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
      if (whole) out_.push_back(core_differs(path, "the core cannot list it: " + answer.error));
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
        out_.push_back(core_differs(full, "the core lists it, the checker finds no such set"));
      }
    }
    if (!whole) return;
    for (const auto& node : directory.nodes) {
      if (!sound(*node)) continue;
      if (!seen.contains(node->set->utf8) && view_.find_in(directory, node->set->utf8) == node) {
        const std::string full = path.empty() ? node->set->utf8 : path + "/" + node->set->utf8;
        out_.push_back(
            core_differs(full, "the checker finds a sound set, the core does not list it"));
      }
    }
  }

 private:
  void one(const std::string& path, const CoreAnswers::Entry& entry, const TreeNode& node,
           unsigned depth, bool whole) {
    // A driver looks a name up by its hash: with a wrong one it may find another set, or none.
    if (!reachable(path) || !node.set->name_hash_ok) return;
    if (!entry.error.empty()) {
      if (whole && sound(node)) {
        out_.push_back(core_differs(path, "the core cannot stat it: " + entry.error));
      }
      return;
    }
    if (entry.directory != node.set->directory) {
      if (whole) {
        out_.push_back(core_differs(path, "directory or file: the core and the checker disagree"));
      }
      return;
    }
    if (entry.listed_directory) {
      if (node.child != nullptr) directory(path, *node.child, depth + 1);
    } else if (whole && entry.size != node.set->data_length) {
      out_.push_back(core_differs(path, fmt::format("the core says size {}, DataLength is {}",
                                                    entry.size, node.set->data_length)));
    }
  }

  const CoreAnswers& answers_;
  const VolumeView& view_;
  std::vector<Violation>& out_;
};

}  // namespace

void list_tree(volume::Volume& volume, uint64_t limit, CoreAnswers* answers) {
  Walk walk(volume, limit);
  walk.directory({}, 0);
  answers->directories = walk.take();
}

std::vector<Violation> compare_answers(const CoreAnswers& answers, const VolumeView& view) {
  std::vector<Violation> verdict;
  if (!answers.mounted) {
    if (view.mountable()) {
      verdict.push_back({Contract::kMountable, "no-mount", "<volume>", std::nullopt,
                         "the core does not mount it: " + answers.error});
    }
  } else if (!view.mountable()) {
    verdict.push_back(
        core_differs("<volume>", "the core mounts what the checker calls unmountable"));
  } else {
    Comparison(answers, view, &verdict).directory({}, *view.root, 0);
  }
  return verdict;
}

void compare_file(volume::Volume& volume, const sim::SectorReader& disk, const VolumeView& view,
                  const std::string& path, uint64_t limit, std::vector<Violation>* out) {
  const std::shared_ptr<const TreeNode> node = view.find(path);
  if (node == nullptr || node->set->directory || !sound(*node) || !reachable(path)) return;
  const size_t slash = path.rfind('/');
  const std::shared_ptr<const DirectoryView> parent =
      slash == std::string::npos ? view.root : view.find(path.substr(0, slash))->child;
  if (parent == nullptr || !sound(*parent)) return;
  const uint64_t length = std::min(node->set->data_length, limit);
  std::vector<std::byte> want(length);
  want.resize(read_file(disk, *view.geometry, *node, sim::FilePos{0}, want).value());
  if (want.size() != length) return;
  const sim::Result<volume::Fd> fd = volume.open(path, {});
  if (!fd.ok()) {
    out->push_back(core_differs(path, "the core cannot open it: " + fd.error().message()));
    return;
  }
  std::vector<std::byte> got(length);
  const sim::Result<uint64_t> count = volume.read(*fd, 0, got);
  if (!count.ok()) {
    out->push_back(core_differs(path, "the core cannot read it: " + count.error().message()));
  } else if (*count != length) {
    out->push_back(
        core_differs(path, fmt::format("the core reads {} of {} bytes", *count, length)));
  } else if (length != 0 && std::memcmp(got.data(), want.data(), length) != 0) {
    const auto place = std::mismatch(got.begin(), got.end(), want.begin());
    const auto at = static_cast<uint64_t>(place.first - got.begin());
    Violation violation = core_differs(path, "the core reads other bytes than stand on the image");
    violation.range = ByteRange{at, length};
    out->push_back(std::move(violation));
  }
  const sim::Status closed = volume.close(*fd);
  ZT_ASSERT(closed.ok());
}

}  // namespace zerotail::harness
