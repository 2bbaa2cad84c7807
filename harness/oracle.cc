#include "zerotail/harness/oracle.h"

#include <fmt/format.h>

#include <algorithm>

#include "oracle_bytes.h"

namespace zerotail::harness {
namespace {

// Names are compared without case on the volume; the traces' names differ in more than case, so
// folding ASCII is enough to bring the spellings of one name together.
std::string fold(std::string_view path) {
  std::string folded(path.front() == '/' ? path.substr(1) : path);
  for (char& c : folded) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return folded;
}

std::string parent_of(const std::string& path) {
  const size_t slash = path.rfind('/');
  return slash == std::string::npos ? std::string{} : path.substr(0, slash);
}

bool has_name(const std::vector<std::string>& names, const std::string& name) {
  return std::any_of(names.begin(), names.end(),
                     [&](const std::string& other) { return fold(other) == fold(name); });
}

Contract promise_contract(PromiseKind kind) {
  return kind == PromiseKind::kMountOption ? Contract::kSyncMount : Contract::kDurable;
}

// An untouched file that is not found at all.
Contract lost_contract(const Expectation& e) {
  if (e.name_promise != PromiseKind::kStart) return promise_contract(e.name_promise);
  return e.directories_touched ? Contract::kReachable : Contract::kContained;
}

// An untouched file that is found and differs.
Contract content_contract(const Expectation& e) {
  if (e.promise != PromiseKind::kStart) return promise_contract(e.promise);
  return e.directories_touched ? Contract::kDurable : Contract::kContained;
}

uint64_t valid_of(const TreeNode& node) {
  return std::min(node.set->valid_data_length, node.set->data_length);
}

}  // namespace

// A place where something with one of the file's names was found.
struct Oracle::Found {
  std::string path;
  std::shared_ptr<const TreeNode> node;
  bool shared = false;  // another file had this name in its window too
};

Oracle::Oracle(const Recording& recording)
    : history_(*recording.history), poison_(std::byte{recording.trace.header.poison}) {
  for (const auto& [id, file] : history_.files()) {
    for (const FileVersion& version : file.versions) {
      if (version.node == nullptr) continue;
      const auto [place, fresh] = known_since_.try_emplace(fold(version.path), version.since);
      if (!fresh) place->second = std::min(place->second, version.since);
    }
  }
}

Expectation Oracle::expect(const FileHistory& file, OpCounts counts) const {
  Expectation e;
  e.file = &file;
  e.end = counts.issued;
  for (const std::vector<Promise>* promises : {&file.promises, &history_.everything()}) {
    for (const Promise& promise : *promises) {
      if (promise.op >= counts.returned || promise.op + 1 <= e.begin) continue;
      e.begin = promise.op + 1;
      e.promise = promise.kind;
    }
  }
  e.name_begin = e.begin;
  e.name_promise = e.promise;
  for (const Promise& promise : file.name_promises) {
    if (promise.op >= counts.returned || promise.op + 1 <= e.name_begin) continue;
    e.name_begin = promise.op + 1;
    e.name_promise = promise.kind;
  }
  e.only_writes = true;
  for (const Touch& touch : file.touches) {
    if (touch.op < e.begin || touch.op >= e.end) continue;
    e.touched = true;
    if (!touch.write) e.only_writes = false;
    if (touch.name && touch.op >= e.name_begin) e.renamed = true;
  }
  e.only_writes = e.only_writes && e.touched;
  const FileVersion& first = file.at(e.begin);
  e.smallest = UINT64_MAX;
  for (const FileVersion& version : file.versions) {
    if (&version != &first && (version.since <= e.begin || version.since > e.end)) continue;
    if (version.node == nullptr) continue;
    e.window.push_back(&version);
    e.smallest = std::min(e.smallest, version.node->size);
    e.largest = std::max(e.largest, version.node->size);
  }
  add_names(file, &e);
  return e;
}

// The names that it may have, and those that it had and must not have any more.
void Oracle::add_names(const FileHistory& file, Expectation* e) const {
  const FileVersion& first = file.at(e->name_begin);
  for (const FileVersion& version : file.versions) {
    if (&version != &first && (version.since <= e->name_begin || version.since > e->end)) continue;
    if (version.node == nullptr) {
      e->absent_somewhere = true;
      continue;
    }
    if (!has_name(e->paths, version.path)) e->paths.push_back(version.path);
    e->directories_touched =
        e->directories_touched ||
        history_.directory_touched(parent_of(version.path), e->name_begin, e->end);
  }
  for (const FileVersion& version : file.versions) {
    if (version.since >= first.since) break;
    if (version.node == nullptr || has_name(e->paths, version.path)) continue;
    if (!has_name(e->gone_paths, version.path)) e->gone_paths.push_back(version.path);
  }
}

void Oracle::set_context(OpCounts counts, const sim::SectorReader& base_disk,
                         const CheckResult& base) {
  if (have_context_ && counts == counts_ && base_view_ == base.view.get()) return;
  have_context_ = true;
  counts_ = counts;
  base_view_ = base.view.get();
  expectations_.clear();
  by_path_.clear();
  by_gone_path_.clear();
  base_verdicts_.clear();
  remembered_.clear();
  remembered_count_ = 0;
  for (const auto& [id, file] : history_.files()) {
    Expectation e = expect(file, counts);
    if (e.paths.empty() && e.gone_paths.empty()) continue;
    expectations_.push_back(std::move(e));
  }
  for (size_t i = 0; i < expectations_.size(); ++i) {
    const Expectation& e = expectations_[i];
    for (const std::string& path : e.paths) by_path_[fold(path)].push_back(i);
    for (const std::string& path : e.gone_paths) by_gone_path_[fold(path)].push_back(i);
  }
  find_always_there();
  base_verdicts_.resize(expectations_.size());
  remembered_.resize(expectations_.size());
  if (!base.view->mountable()) return;
  for (size_t i = 0; i < expectations_.size(); ++i) {
    judge_file(base_disk, *base.view, expectations_[i], &base_verdicts_[i]);
  }
}

// Names that several files had in the window, one or the other at every moment of it: one of them
// must be found, whichever it is.
void Oracle::find_always_there() {
  always_there_.clear();
  for (const auto& [path, indices] : by_path_) {
    size_t begin = counts_.issued;
    for (const size_t i : indices) begin = std::min(begin, expectations_[i].name_begin);
    if (indices.size() < 2) continue;
    bool always = true;
    for (size_t n = begin; n <= counts_.issued && always; ++n) {
      always = history_.model(n).find(path).has_value();
    }
    if (always) always_there_.push_back(path);
  }
}

// Files other than this one that had the name in their window.
bool Oracle::claimed_by_another(const std::string& path, const Expectation& e) const {
  const auto place = by_path_.find(fold(path));
  if (place == by_path_.end()) return false;
  return std::any_of(place->second.begin(), place->second.end(),
                     [&](size_t i) { return &expectations_[i] != &e; });
}

std::vector<const Expectation*> Oracle::files_named(const std::string& path) const {
  std::vector<const Expectation*> files;
  const auto place = by_path_.find(fold(path));
  if (place == by_path_.end()) return files;
  for (const size_t i : place->second) {
    if (!expectations_[i].file->directory) files.push_back(&expectations_[i]);
  }
  return files;
}

// Marks the files that have a place that differs from the base, or a directory on the way there.
void Oracle::mark_affected(const CheckJudgement& judgement) {
  again_.assign(expectations_.size(), false);
  const auto mark = [this](const std::vector<size_t>& indices) {
    for (const size_t i : indices) again_[i] = true;
  };
  for (const CheckDifference& d : judgement.differences) {
    const std::string changed = fold(d.path);
    const bool directory = (d.base != nullptr && d.base->set->directory) ||
                           (d.now != nullptr && d.now->set->directory);
    const std::string below = changed + "/";
    for (const auto* names : {&by_path_, &by_gone_path_}) {
      const auto place = names->find(changed);
      if (place != names->end()) mark(place->second);
      if (!directory) continue;
      for (auto it = names->lower_bound(below);
           it != names->end() && it->first.compare(0, below.size(), below) == 0; ++it) {
        mark(it->second);
      }
    }
  }
}

void Oracle::judge(const sim::SectorReader& disk, const CheckJudgement& judgement,
                   std::vector<Violation>* out, const DataKey& data) {
  ZT_ASSERT(have_context_);
  if (judgement.everything || !base_view_->mountable()) {
    for (const Expectation& e : expectations_) judge_file(disk, *judgement.view, e, out);
  } else {
    mark_affected(judgement);
    for (size_t i = 0; i < expectations_.size(); ++i) {
      if (again_[i] && data) {
        judge_remembered(disk, *judgement.view, i, data, out);
      } else if (again_[i]) {
        judge_file(disk, *judgement.view, expectations_[i], out);
      } else if (!base_verdicts_[i].empty()) {
        out->insert(out->end(), base_verdicts_[i].begin(), base_verdicts_[i].end());
      }
    }
  }
  for (const std::string& path : always_there_) {
    if (judgement.view->find(path) != nullptr) continue;
    out->push_back({Contract::kAtomic, "neither", path, std::nullopt,
                    "neither the old nor the new file of that name is found"});
  }
  judge_problems(judgement.problems, out);
  judge_unknown_names(judgement, out);
}

// What the checker says of a set or of the clusters of a file of ours. It is judged state by state:
// a cluster can be claimed by another file while nothing of this one differs from the base.
void Oracle::judge_problems(const std::vector<CheckProblem>& problems,
                            std::vector<Violation>* out) const {
  for (const CheckProblem& problem : problems) {
    const bool set =
        problem.kind == CheckClass::kSetChecksum || problem.kind == CheckClass::kSetBroken;
    const bool unmarked =
        problem.kind == CheckClass::kUnmarked || problem.kind == CheckClass::kSystemUnmarked;
    if (unmarked && history_.sync_mount()) {
      out->push_back({Contract::kSyncMount, "unmarked",
                      problem.path.size() > 1 ? problem.path.substr(1) : problem.path, std::nullopt,
                      problem.detail()});
    }
    if (!set && problem.kind != CheckClass::kCrossLink) continue;
    for (const std::string* path : {&problem.path, &problem.other}) {
      if (path->empty() || path->front() != '/') continue;
      const std::string name = path->size() > 1 ? path->substr(1) : *path;
      const auto place = by_path_.find(fold(*path));
      const bool ours = place != by_path_.end();
      const bool untouched =
          ours && std::all_of(place->second.begin(), place->second.end(), [&](size_t i) {
            const Expectation& e = expectations_[i];
            // A broken set has no name: the path is its directory's.
            return !e.touched && !e.directories_touched &&
                   !(set && history_.directory_touched(name, e.begin, e.end));
          });
      if (untouched) {
        out->push_back(
            {Contract::kContained, set ? "set" : "shared", name, std::nullopt, problem.detail()});
      } else if (set) {
        out->push_back({Contract::kAtomic, "mixed-set", name, std::nullopt, problem.detail()});
      }
    }
  }
}

// Names that nothing had yet: what a directory shows that was never written to it.
void Oracle::judge_unknown_names(const CheckJudgement& judgement,
                                 std::vector<Violation>* out) const {
  if (judgement.everything) {
    judge_unknown_below(*judgement.view->root, {}, out);
    return;
  }
  for (const CheckDifference& d : judgement.differences) {
    if (d.now != nullptr) judge_unknown_name(d.path, out);
  }
}

void Oracle::judge_unknown_below(const DirectoryView& directory, const std::string& path,
                                 std::vector<Violation>* out) const {
  for (const auto& node : directory.nodes) {
    if (!node->set->usable()) continue;
    const std::string full = path + "/" + node->set->utf8;
    judge_unknown_name(full, out);
    // Below a name that is not known nothing is.
    if (node->child != nullptr && known_since_.contains(fold(full))) {
      judge_unknown_below(*node->child, full, out);
    }
  }
}

void Oracle::judge_unknown_name(const std::string& path, std::vector<Violation>* out) const {
  const std::string name = fold(path);
  const auto known = known_since_.find(name);
  if (known != known_since_.end() && known->second <= counts_.issued) return;
  out->push_back({Contract::kNoStale, "stale-name", path.front() == '/' ? path.substr(1) : path,
                  std::nullopt, "a name is found that nothing was ever given"});
}

std::vector<Oracle::Found> Oracle::find(const VolumeView& view, const Expectation& e) const {
  std::vector<Found> found;
  for (const std::string& path : e.paths) {
    std::shared_ptr<const TreeNode> node = view.find(path);
    if (node == nullptr || node->set->directory != e.file->directory) continue;
    found.push_back({path, std::move(node), claimed_by_another(path, e)});
  }
  return found;
}

void Oracle::judge_file(const sim::SectorReader& disk, const VolumeView& view, const Expectation& e,
                        std::vector<Violation>* out) {
  judge_gone(view, e, out);
  if (e.paths.empty()) return;
  if (e.touched) {
    judge_touched(disk, view, e, out);
  } else {
    judge_untouched(disk, view, e, out);
  }
}

void Oracle::judge_gone(const VolumeView& view, const Expectation& e,
                        std::vector<Violation>* out) const {
  for (const std::string& path : e.gone_paths) {
    if (claimed_by_another(path, e) || view.find(path) == nullptr) continue;
    out->push_back({promise_contract(e.name_promise), "back", path, std::nullopt,
                    "its removal was promised, and it is there"});
  }
}

void Oracle::judge_untouched(const sim::SectorReader& disk, const VolumeView& view,
                             const Expectation& e, std::vector<Violation>* out) {
  const std::vector<Found> found = find(view, e);
  const ModelNode& want = *e.window.front()->node;
  const std::string& path = e.window.back()->path;
  if (found.empty()) {
    out->push_back({lost_contract(e), "lost", path, std::nullopt,
                    e.file->directory ? "the directory is not found" : "the file is not found"});
    return;
  }
  if (e.file->directory) return;
  const Contract contract = content_contract(e);
  const EntrySet& set = *found.front().node->set;
  if (set.data_length != want.size) {
    out->push_back({contract, "size", path, std::nullopt,
                    fmt::format("DataLength is {}, {} was promised", set.data_length, want.size)});
    return;
  }
  if (set.valid_data_length < want.valid_size || set.valid_data_length > want.valid_size_limit()) {
    out->push_back({contract, "valid-size", path, std::nullopt,
                    fmt::format("ValidDataLength is {}, {} was promised", set.valid_data_length,
                                want.valid_size)});
  }
  const std::vector<std::byte> got = read_found(disk, view, *found.front().node, want.size);
  if (got.size() < want.size) {
    out->push_back({contract, "bytes", path, ByteRange{got.size(), want.size},
                    fmt::format("the cluster chain ends at byte {}", got.size())});
  } else if (const auto foreign = foreign_bytes(got, {&want}, false, false, poison_)) {
    out->push_back({contract, "bytes", path, foreign->range,
                    fmt::format("{} bytes in the range are not those that were promised{}",
                                foreign->count, foreign->all_poison ? ": poison" : "")});
  }
}

void Oracle::judge_touched(const sim::SectorReader& disk, const VolumeView& view,
                           const Expectation& e, std::vector<Violation>* out) {
  const std::vector<Found> found = find(view, e);
  judge_names(e, found, out);
  if (e.file->directory) return;
  for (const Found& place : found) {
    // Once a name: the first that may have it speaks for all.
    if (files_named(place.path).front() == &e) judge_stale(disk, view, place, out);
    if (e.only_writes && !place.shared && e.window.front()->since <= e.begin &&
        !e.absent_somewhere) {
      judge_promised_bytes(disk, view, e, place, out);
    }
  }
}

// Old or new: a file that existed throughout must be found, once, with a size that it had.
void Oracle::judge_names(const Expectation& e, const std::vector<Found>& found,
                         std::vector<Violation>* out) const {
  const std::string& path = e.window.back()->path;
  // At a name that another file had too, only a size that this one had makes it this one.
  std::vector<const Found*> own;
  for (const Found& place : found) {
    const uint64_t size = place.node->set->data_length;
    if (!place.shared || e.file->directory || (size >= e.smallest && size <= e.largest)) {
      own.push_back(&place);
    }
  }
  if (own.empty()) {
    if (e.absent_somewhere) return;
    if (e.only_writes || (!e.renamed && e.name_begin > e.begin)) {
      out->push_back({promise_contract(e.name_promise), "lost", path, std::nullopt,
                      "changed since its promise, but not its name, and not found"});
    } else {
      out->push_back(
          {Contract::kAtomic, "neither", path, std::nullopt, "found under none of its names"});
    }
    return;
  }
  size_t certain = 0;
  for (const Found* place : own) certain += place->shared ? 0 : 1;
  if (certain > 1) {
    out->push_back({Contract::kAtomic, "both", path, std::nullopt,
                    fmt::format("found as '{}' and as '{}'", own[0]->path, own[1]->path)});
  }
  if (!e.file->directory) judge_sizes(e, own, out);
}

void Oracle::judge_sizes(const Expectation& e, const std::vector<const Found*>& own,
                         std::vector<Violation>* out) const {
  const bool written = std::any_of(
      e.file->touches.begin(), e.file->touches.end(),
      [&](const Touch& touch) { return touch.write && touch.op >= e.begin && touch.op < e.end; });
  for (const Found* place : own) {
    const uint64_t size = place->node->set->data_length;
    bool known = false;
    for (const FileVersion* version : e.window) known = known || version->node->size == size;
    if (written) known = size >= e.smallest && size <= e.largest;
    if (!known && !place->shared && !(e.absent_somewhere && size == 0)) {
      out->push_back({Contract::kAtomic, "size", place->path, std::nullopt,
                      fmt::format("DataLength is {}, which it never was", size)});
    }
  }
}

// Every byte below ValidDataLength is zero or was written there, in the window of one file that may
// have this name. Which file it is the size tells, where there are several.
void Oracle::judge_stale(const sim::SectorReader& disk, const VolumeView& view, const Found& found,
                         std::vector<Violation>* out) {
  const uint64_t size = found.node->set->data_length;
  std::vector<const Expectation*> files = files_named(found.path);
  const auto other_size = [&](const Expectation* e) {
    return (size < e->smallest || size > e->largest) && !(e->absent_somewhere && size == 0);
  };
  if (std::all_of(files.begin(), files.end(), other_size)) {
    if (found.shared) {
      out->push_back({Contract::kAtomic, "size", found.path, std::nullopt,
                      fmt::format("DataLength is {}, which no file of that name ever had", size)});
    }
  } else {
    files.erase(std::remove_if(files.begin(), files.end(), other_size), files.end());
  }
  std::optional<Foreign> least;
  for (const Expectation* e : files) {
    std::vector<const ModelNode*> versions;
    for (auto v = e->window.rbegin(); v != e->window.rend(); ++v) {
      versions.push_back((*v)->node.get());
    }
    const std::vector<std::byte> got =
        read_found(disk, view, *found.node, std::min(e->largest, valid_of(*found.node)));
    const auto foreign = foreign_bytes(got, versions, true, false, poison_);
    if (!foreign) return;
    if (!least || foreign->count < least->count) least = foreign;
  }
  out->push_back({Contract::kNoStale, least->all_poison ? "poison" : "stale-bytes", found.path,
                  least->range,
                  fmt::format("{} bytes in the range were never written there", least->count)});
}

// A file that was only written to since its promise: what was promised is there unless a later
// write went over it.
void Oracle::judge_promised_bytes(const sim::SectorReader& disk, const VolumeView& view,
                                  const Expectation& e, const Found& found,
                                  std::vector<Violation>* out) {
  const Contract contract = promise_contract(e.promise);
  const ModelNode& promised = *e.window.front()->node;
  const EntrySet& set = *found.node->set;
  if (set.data_length < promised.size) {
    out->push_back(
        {contract, "size", found.path, std::nullopt,
         fmt::format("DataLength is {}, {} was promised", set.data_length, promised.size)});
    return;
  }
  if (set.valid_data_length < promised.valid_size) {
    out->push_back({contract, "valid-size", found.path, std::nullopt,
                    fmt::format("ValidDataLength is {}, {} was promised", set.valid_data_length,
                                promised.valid_size)});
    return;
  }
  // Past the promised valid size nothing was written yet: what is found there is judge_stale()'s.
  const std::vector<std::byte> got = read_found(disk, view, *found.node, promised.valid_size);
  if (got.size() < promised.valid_size) {
    out->push_back({contract, "bytes", found.path, ByteRange{got.size(), promised.valid_size},
                    fmt::format("the cluster chain ends at byte {}", got.size())});
    return;
  }
  std::vector<const ModelNode*> versions;
  for (const FileVersion* version : e.window) versions.push_back(version->node.get());
  if (const auto foreign = foreign_bytes(got, versions, false, true, poison_)) {
    out->push_back({contract, "bytes", found.path, foreign->range,
                    fmt::format("{} bytes in the range are neither the promised nor a later "
                                "version{}",
                                foreign->count, foreign->all_poison ? ": poison" : "")});
  }
}

std::vector<std::string> Oracle::touched_paths() const {
  std::vector<std::string> paths;
  for (const Expectation& e : expectations_) {
    if (e.touched && !e.file->directory) {
      paths.insert(paths.end(), e.paths.begin(), e.paths.end());
    }
  }
  return paths;
}

// At most `limit` bytes from the start of the file, as a driver shows them.
std::vector<std::byte> Oracle::read_found(const sim::SectorReader& disk, const VolumeView& view,
                                          const TreeNode& node, uint64_t limit) const {
  std::vector<std::byte> bytes(std::min(limit, node.set->data_length));
  const sim::ByteCount got = read_file(disk, *view.geometry, node, sim::FilePos{0}, bytes);
  bytes.resize(got.value());
  return bytes;
}

}  // namespace zerotail::harness
