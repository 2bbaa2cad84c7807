#include "zerotail/harness/history.h"

#include <algorithm>

namespace zerotail::harness {
namespace {

std::string parent_of(const std::string& path) {
  const size_t slash = path.rfind('/');
  return slash == std::string::npos ? std::string{} : path.substr(0, slash);
}

// What an operation does to the thing it names.
enum class Effect : uint8_t { kNone, kWrite, kChange, kName };

Effect effect_of(OpKind kind) {
  switch (kind) {
    case OpKind::kWrite:
    case OpKind::kDwrite:
    case OpKind::kMwrite:
    case OpKind::kAppend:
      return Effect::kWrite;
    case OpKind::kTruncate:
    case OpKind::kFallocate:
    case OpKind::kAttributes:
    case OpKind::kEdit:
      return Effect::kChange;
    case OpKind::kCreate:
    case OpKind::kMkdir:
    case OpKind::kUnlink:
    case OpKind::kUnlinkKeep:
    case OpKind::kRmdir:
    case OpKind::kRename:
      return Effect::kName;
    case OpKind::kRead:
    case OpKind::kDread:
    case OpKind::kMread:
    case OpKind::kFsync:
    case OpKind::kFdatasync:
    case OpKind::kMsync:
    case OpKind::kMunmap:
    case OpKind::kClose:
    case OpKind::kSync:
    case OpKind::kDropCaches:
    case OpKind::kRemount:
    case OpKind::kSeekHole:
    case OpKind::kSeekData:
    case OpKind::kSeekEnd:
    case OpKind::kStat:
    case OpKind::kStatfs:
    case OpKind::kList:
    case OpKind::kDirent:
    case OpKind::kRawRead:
    case OpKind::kReaddir:
    case OpKind::kOpenSync:
    case OpKind::kFsyncDir:
    case OpKind::kSyncfs:
    case OpKind::kWriteback:
    case OpKind::kSleep:
    case OpKind::kRemountRo:
    case OpKind::kRemountRw:
    case OpKind::kLabel:
    case OpKind::kFitrim:
    case OpKind::kShutdown:
    case OpKind::kBmap:
    case OpKind::kMap:
    case OpKind::kSwapMap:
    case OpKind::kCrash:
    case OpKind::kWait:
      return Effect::kNone;
  }
  return Effect::kNone;
}

bool has_option(const TraceHeader& header, const char* option) {
  return std::find(header.mount.begin(), header.mount.end(), option) != header.mount.end();
}

}  // namespace

const FileVersion& FileHistory::at(size_t model) const {
  size_t found = 0;
  for (size_t i = 0; i < versions.size() && versions[i].since <= model; ++i) found = i;
  return versions[found];
}

History::History(Model start, const TraceHeader& header, bool promise_mount)
    : header_(header), promise_mount_(promise_mount) {
  models_.push_back(std::move(start));
  snapshot_versions();
}

std::string History::record(const Operation& op, const OpResult& answer) {
  const size_t index = op_count();
  Model next = models_.back();
  const std::string wrong = disagreement(next.apply(op), answer);
  models_.push_back(std::move(next));
  snapshot_versions();
  texts_.push_back(print_operation(op));
  names_.emplace_back(harness::op_name(op.kind));
  note_touches(op, index);
  note_flights(op, index);
  const bool done = answer.ret >= 0;
  // A write that failed may have filled the gap before it, or written a part.
  if (!done && effect_of(op.kind) == Effect::kWrite) mark_loose(op, index);
  if (done) note_promises(op, index);
  note_descriptors(op, done);
  return wrong;
}

void History::record_unmount(bool succeeded) {
  const size_t index = op_count();
  models_.push_back(models_.back());
  texts_.emplace_back("umount");
  names_.emplace_back("umount");
  if (succeeded) promise_everything(index);
}

bool History::sync_mount() const { return promise_mount_ && has_option(header_, "sync"); }

std::string History::op_name(size_t op) const { return names_[op]; }

// Adds a version to every file that differs in the newest model. Nodes are immutable and shared, so
// an unchanged file costs a comparison of pointers and paths.
void History::snapshot_versions() {
  const size_t now = models_.size() - 1;
  const Model& model = models_.back();
  std::set<FileId> alive;
  for (const Model::Entry& entry : model.entries()) {
    alive.insert(entry.id);
    FileHistory& file = files_[entry.id];
    if (file.versions.empty()) {
      file.id = entry.id;
      file.directory = entry.directory;
      if (now > 0) file.versions.push_back({0, nullptr, {}});
    }
    std::shared_ptr<const ModelNode> node = model.node(entry.id);
    if (file.versions.empty() || file.versions.back().node != node ||
        file.versions.back().path != entry.path) {
      file.versions.push_back({now, std::move(node), entry.path});
    }
  }
  for (auto& [id, file] : files_) {
    if (!alive.contains(id) && file.versions.back().node != nullptr) {
      file.versions.push_back({now, nullptr, {}});
    }
  }
}

void History::touch(FileId id, const Touch& touch) {
  const auto place = files_.find(id);
  if (place == files_.end()) return;  // never had a name: an operation that failed
  place->second.touches.push_back(touch);
  place->second.named = true;
}

void History::touch_directories(const std::string& path, size_t op) {
  std::string directory = parent_of(path);
  while (true) {
    directory_touches_[directory].push_back(op);
    if (directory.empty()) return;
    directory = parent_of(directory);
  }
}

void History::note_touches(const Operation& op, size_t index) {
  const Effect effect = effect_of(op.kind);
  if (effect == Effect::kNone) return;
  const Model& before = models_[index];
  const Model& after = models_[index + 1];
  std::set<FileId> touched;
  for (const std::string* path : {&op.path, &op.to}) {
    if (path->empty()) continue;
    for (const Model* model : {&before, &after}) {
      if (const auto entry = model->find(*path)) touched.insert(entry->id);
      touched.merge(model->open_files(*path));
    }
    if (effect == Effect::kName) touch_directories(*path, index);
  }
  // O_TRUNC is a truncate; a create of an existing file without it changes nothing but is counted.
  for (const FileId id : touched)
    touch(id, {index, effect == Effect::kWrite, effect == Effect::kName});
}

bool History::in_flight(FileId id) const {
  return std::any_of(flights_.begin(), flights_.end(),
                     [id](const Flight& flight) { return flight.id == id; });
}

void History::note_flights(const Operation& op, size_t index) {
  if (op.kind == OpKind::kDwrite && op.async) {
    if (const auto entry = models_[index + 1].find(op.path))
      flights_.push_back({entry->id, op.task});
    return;
  }
  const bool all = op.kind == OpKind::kRemount;
  if (op.kind != OpKind::kWait && !all) return;
  std::vector<Flight> others;
  for (const Flight& flight : flights_) {
    if (!all && op.task && flight.task != op.task) {
      others.push_back(flight);
    } else {
      touch(flight.id, {.op = index, .write = true, .name = false});
    }
  }
  flights_ = std::move(others);
}

void History::promise(FileId id, const Promise& promise) {
  // A sync does not wait for direct writes that are under way.
  if (in_flight(id)) return;
  const auto place = files_.find(id);
  if (place == files_.end()) return;
  place->second.promises.push_back(promise);
  promising_.insert(promise.op);
}

void History::promise_name(FileId id, const Promise& promise) {
  const auto place = files_.find(id);
  if (place == files_.end()) return;
  place->second.name_promises.push_back(promise);
  promising_.insert(promise.op);
}

// Every file that the operation may have written to.
void History::mark_loose(const Operation& op, size_t index) {
  if (op.len == 0) return;
  for (const size_t model : {index, index + 1}) {
    loose_.merge(models_[model].open_files(op.path));
    if (const auto entry = models_[model].find(op.path)) loose_.insert(entry->id);
  }
}

void History::promise_everything(size_t op) {
  if (!flights_.empty()) return;  // as promise() of one file; too little rather than too much
  everything_.push_back({op, PromiseKind::kCall, true});
  promising_.insert(op);
}

// The file that an operation on a descriptor is about: that of the path's descriptors, else that of
// the name. Nothing when they are of several files.
std::optional<FileId> History::subject_of(const Operation& op, size_t index) const {
  std::set<FileId> files = models_[index].open_files(op.path);
  files.merge(models_[index + 1].open_files(op.path));
  if (files.size() == 1) return *files.begin();
  if (!files.empty()) return std::nullopt;
  const auto entry = models_[index + 1].find(op.path);
  return entry ? std::optional<FileId>(entry->id) : std::nullopt;
}

void History::note_promises(const Operation& op, size_t index) {
  const auto entry = models_[index + 1].find(op.path);
  const std::optional<FileId> subject = subject_of(op, index);
  const Effect effect = effect_of(op.kind);
  switch (op.kind) {
    case OpKind::kSync:
    case OpKind::kSyncfs:
    case OpKind::kRemount:
    case OpKind::kRemountRo:
      promise_everything(index);
      loose_.clear();
      return;
    case OpKind::kMsync:
      if (!models_[index].mapped(op.path)) return;  // nothing to do, and nothing done
      [[fallthrough]];
    case OpKind::kFsync:
    case OpKind::kFdatasync:
    case OpKind::kFsyncDir:
      if (subject) promise(*subject, {index, PromiseKind::kCall, false});
      if (subject) loose_.erase(*subject);
      if (!entry || entry->directory) promise_names(op.path, index);
      return;
    case OpKind::kMwrite:  // a store through a mapping waits for nothing, whatever the mount
      mark_loose(op, index);
      return;
    case OpKind::kOpenSync:
      return;
    default:
      break;
  }
  const bool sync = has_option(header_, "sync");
  if (effect == Effect::kWrite && op.len == 0) return;  // nothing to do, and nothing done
  if (effect == Effect::kWrite && (synchronous_.contains(op.path) || sync) && subject) {
    // A write on a sync mount ends with a flush, as with O_SYNC: a promise on every device.
    const bool option = promise_mount_ && !synchronous_.contains(op.path);
    const Promise made{index, option ? PromiseKind::kMountOption : PromiseKind::kCall, false};
    if (loose_.contains(*subject)) {
      promise_name(*subject, made);
    } else {
      promise(*subject, made);
    }
    return;
  }
  if (effect == Effect::kWrite) mark_loose(op, index);
  if (!promise_mount_ || effect == Effect::kNone) return;
  const bool names = sync || has_option(header_, "dirsync");
  if ((effect == Effect::kName && names) || (effect == Effect::kChange && sync)) {
    std::set<FileId> subjects;
    for (const std::string* path : {&op.path, &op.to}) {
      for (const size_t model : {index, index + 1}) {
        if (path->empty()) continue;
        if (const auto named = models_[model].find(*path)) subjects.insert(named->id);
      }
    }
    for (const FileId id : subjects) {
      const Promise made{index, PromiseKind::kMountOption, false};
      // dirsync is about names: of bytes written before a rename it promises nothing.
      if (sync && !loose_.contains(id)) {
        promise(id, made);
      } else {
        promise_name(id, made);
      }
    }
  }
}

// An fsynced directory has the names it has and none that it had before. A file that moved to
// another directory is not there any more, but where it is now is that directory's promise.
void History::promise_names(const std::string& directory, size_t op) {
  for (auto& [id, file] : files_) {
    const FileVersion& now = file.versions.back();
    const bool there = now.node != nullptr && parent_of(now.path) == directory;
    const bool gone = now.node == nullptr &&
                      std::any_of(file.versions.begin(), file.versions.end(), [&](const auto& v) {
                        return v.node != nullptr && parent_of(v.path) == directory;
                      });
    if (there || gone) file.name_promises.push_back({op, PromiseKind::kCall, false});
  }
  promising_.insert(op);
}

void History::move_descriptors(const std::string& from, const std::string& to) {
  const auto below = [](const std::string& path, const std::string& directory) {
    return path == directory || path.starts_with(directory + "/");
  };
  std::set<std::string> after;
  for (const std::string& path : synchronous_) {
    if (below(path, from)) {
      after.insert(to + path.substr(from.size()));
    } else if (!below(path, to)) {
      after.insert(path);
    }
  }
  synchronous_ = std::move(after);
}

// Which paths have descriptors with O_SYNC or O_DSYNC after the operation. Opening and removing
// close those of their path first, also when they then fail.
void History::note_descriptors(const Operation& op, bool done) {
  if (!header_.keep) return;  // closed after each operation
  switch (op.kind) {
    case OpKind::kOpenSync:
      synchronous_.erase(op.path);
      if (done && (op.mode & (kOpenSync | kOpenDataSync)) != 0) synchronous_.insert(op.path);
      break;
    case OpKind::kClose:
    case OpKind::kUnlink:
      synchronous_.erase(op.path);
      break;
    case OpKind::kRename:
      if (done && op.path != op.to) move_descriptors(op.path, op.to);
      break;
    case OpKind::kRemount:
      if (done) synchronous_.clear();
      break;
    default:
      break;
  }
}

bool History::directory_touched(const std::string& path, size_t begin, size_t end) const {
  // touch_directories() enters every directory above the name, so one look-up a directory is
  // enough; the directories above `path` are asked too, because the way to a file leads through
  // them.
  std::string directory = path;
  while (true) {
    const auto place = directory_touches_.find(directory);
    if (place != directory_touches_.end()) {
      const std::vector<size_t>& ops = place->second;
      const auto first = std::lower_bound(ops.begin(), ops.end(), begin);
      if (first != ops.end() && *first < end) return true;
    }
    if (directory.empty()) return false;
    directory = parent_of(directory);
  }
}

}  // namespace zerotail::harness
