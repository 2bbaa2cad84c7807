#include "zerotail/harness/executor.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "zerotail/harness/disk_stack.h"
#include "zerotail/harness/pattern.h"

namespace zerotail::harness {
namespace {

using sim::Errno;
using sim::Error;
using volume::Fd;
using volume::OpenFlags;
using volume::Whence;

constexpr int64_t kMaxSleepMillis = int64_t{1} << 40;
// What direct I/O asks of memory.
constexpr uint64_t kMemoryAlignment = 512;

OpResult unsupported(const std::string& what) {
  return failure(Error(Errno::kOpNotSupp, what + " is not supported yet"));
}

OpResult outcome(const sim::Status& status) {
  return status.ok() ? OpResult{} : failure(status.error());
}

OpResult counted(const sim::Result<uint64_t>& count) {
  if (!count.ok()) return failure(count.error());
  OpResult result;
  result.ret = static_cast<int64_t>(count.value());
  return result;
}

// What also works after a mount that failed.
bool mounts_itself(OpKind kind) {
  return kind == OpKind::kRemount || kind == OpKind::kCrash || kind == OpKind::kEdit;
}

}  // namespace

Executor::Executor(sim::World& world, sim::BlockDevice& device, const TraceHeader& header)
    : world_(world), device_(device), header_(header) {}

Executor::~Executor() = default;

sim::Status Executor::mount() {
  ZT_ASSERT(!mounted());
  ZT_ASSIGN(const volume::MountOptions options, mount_options(header_));
  ZT_ASSIGN(volume_, volume::Volume::mount(world_, device_, options));
  return {};
}

sim::Status Executor::unmount() {
  ZT_ASSERT(mounted());
  for (auto& [path, handles] : handles_) close_handles(handles);
  handles_.clear();
  pending_.clear();  // their results are nobody's; the unmount waits for them
  const sim::Status status = volume_->unmount();
  volume_.reset();
  return status;
}

volume::Volume& Executor::volume() {
  ZT_ASSERT(mounted());
  return *volume_;
}

OpResult Executor::run(const Operation& op) {
  if (!mounted() && !mounts_itself(op.kind)) {
    return failure(Error(Errno::kNoDev, "nothing is mounted"));
  }
  OpResult result = op.task ? run_in_task(op) : dispatch(op);
  if (!header_.keep) {
    close_path(op.path);
    if (op.kind == OpKind::kRename) close_path(op.to);
  }
  return result;
}

std::vector<OpResult> Executor::run_all(const std::vector<Operation>& ops,
                                        const ExecutorHooks& hooks) {
  std::vector<OpResult> results;
  results.reserve(ops.size());
  for (size_t i = 0; i < ops.size(); ++i) {
    if (hooks.before) hooks.before(i, ops[i]);
    results.push_back(run(ops[i]));
    if (hooks.after) hooks.after(i, ops[i], results.back());
  }
  return results;
}

OpResult Executor::dispatch(const Operation& op) {
  switch (op.kind) {
    case OpKind::kCreate:
      return run_create(op);
    case OpKind::kMkdir:
      return outcome(volume_->mkdir(op.path));
    case OpKind::kUnlink:
      close_path(op.path);
      return outcome(volume_->unlink(op.path));
    case OpKind::kUnlinkKeep:
      return outcome(volume_->unlink(op.path));
    case OpKind::kRmdir:
      return outcome(volume_->rmdir(op.path));
    case OpKind::kRename:
      return run_rename(op);
    case OpKind::kWrite:
      return run_write(op, Use::kBuffered);
    case OpKind::kDwrite:
      return op.async ? run_submit(op) : run_write(op, Use::kDirect);
    case OpKind::kAppend:
      return run_write(op, Use::kAppend);
    case OpKind::kRead:
      return run_read(op, Use::kBuffered);
    case OpKind::kDread:
      return run_read(op, Use::kDirect);
    case OpKind::kMwrite:
      return run_map_write(op);
    case OpKind::kMread:
      return run_map_read(op);
    case OpKind::kMsync:
    case OpKind::kMunmap:
      return run_map_call(op);
    case OpKind::kTruncate:
    case OpKind::kFallocate:
      return run_resize(op);
    case OpKind::kFsync:
      return run_fsync(op, /*data_only=*/false);
    case OpKind::kFdatasync:
      return run_fsync(op, /*data_only=*/true);
    case OpKind::kClose:
      close_path(op.path);
      return {};
    case OpKind::kSync:
      return outcome(volume_->sync());
    case OpKind::kDropCaches:
      volume_->drop_caches();
      return {};
    case OpKind::kRemount:
      return run_remount(op);
    case OpKind::kSeekHole:
      return run_seek(op, Whence::kHole);
    case OpKind::kSeekData:
      return run_seek(op, Whence::kData);
    case OpKind::kSeekEnd:
      return run_seek(op, Whence::kEnd);
    case OpKind::kStat:
      return run_stat(op);
    case OpKind::kStatfs:
      return run_statfs();
    case OpKind::kList:
      return run_list(op);
    case OpKind::kDirent:
      return run_dirent(op);
    case OpKind::kRawRead:
      return run_raw_read(op);
    case OpKind::kOpenSync:
      return run_open_sync(op);
    case OpKind::kFsyncDir:
      return outcome(volume_->fsync_directory(op.path));
    case OpKind::kSyncfs:
      return outcome(volume_->syncfs());
    case OpKind::kWriteback:
      return outcome(volume_->background_writeback());
    case OpKind::kSleep:
      return run_sleep(op);
    case OpKind::kBmap:
      return run_bmap(op);
    case OpKind::kMap:
      return run_map(op);
    case OpKind::kSwapMap:
      return run_swap_map(op);
    case OpKind::kWait:
      return run_wait(op);
    case OpKind::kRemountRo:
      return run_mode_change(/*read_only=*/true);
    case OpKind::kRemountRw:
      return run_mode_change(/*read_only=*/false);
    case OpKind::kReaddir:
      return run_readdir(op);
    case OpKind::kLabel:
      return run_label(op);
    case OpKind::kAttributes:
      return run_attributes(op);
    case OpKind::kFitrim:
      return run_fitrim(op);
    case OpKind::kShutdown:
      return run_shutdown(op);
    case OpKind::kCrash:
      return run_crash(op);
    case OpKind::kEdit:
      return run_edit(op);
  }
  return unsupported("operation " + std::string(op_name(op.kind)));
}

OpResult Executor::run_create(const Operation& op) {
  OpenFlags flags;
  flags.write = true;
  flags.create = true;
  flags.exclusive = (op.mode & kCreateExclusive) != 0;
  flags.truncate = (op.mode & kCreateTruncate) != 0;
  const sim::Result<Fd> fd = volume_->open(op.path, flags);
  if (!fd.ok()) return failure(fd.error());
  Handles& handles = handles_[op.path];
  if (handles.buffered || handles.sync_mode != 0) {
    return outcome(volume_->close(fd.value()));
  }
  handles.buffered = fd.value();
  return {};
}

OpResult Executor::run_rename(const Operation& op) {
  volume::RenameMode mode = volume::RenameMode::kReplace;
  if ((op.mode & kRenameNoReplace) != 0) mode = volume::RenameMode::kNoReplace;
  if ((op.mode & kRenameExchange) != 0) mode = volume::RenameMode::kExchange;
  const sim::Status status = volume_->rename(op.path, op.to, mode);
  if (status.ok() && op.path != op.to) move_handles(op.path, op.to);
  return outcome(status);
}

OpResult Executor::run_write(const Operation& op, Use use) {
  const sim::Result<Fd> fd = handle(op.path, use);
  if (!fd.ok()) return failure(fd.error());
  uint64_t from = static_cast<uint64_t>(op.off);
  if (use == Use::kAppend) {
    const sim::Result<volume::Stat> stat = volume_->stat(fd.value());
    if (!stat.ok()) return failure(stat.error());
    from = stat.value().size;
  }
  const std::vector<std::byte> data = pattern(op.seed, from, static_cast<uint64_t>(op.len));
  const volume::Source source{.bytes = data,
                              .fault_at = op.fault_at,
                              .misalignment = op.moff % kMemoryAlignment,
                              .no_invalidate = op.no_invalidate};
  return counted(volume_->write(fd.value(), op.off, source));
}

OpResult Executor::run_read(const Operation& op, Use use) {
  const sim::Result<Fd> fd = handle(op.path, use);
  if (!fd.ok()) return failure(fd.error());
  std::vector<std::byte> data(static_cast<size_t>(op.len));
  OpResult result = counted(volume_->read(fd.value(), op.off, data, op.moff % kMemoryAlignment));
  if (result.ret < 0) return result;
  const auto got = std::span<const std::byte>(data).first(static_cast<size_t>(result.ret));
  describe_bytes(result, got, static_cast<uint64_t>(op.len), std::byte{header_.poison});
  return result;
}

OpResult Executor::run_map_write(const Operation& op) {
  const sim::Result<volume::MapId> map = mapping(op.path);
  if (!map.ok()) return failure(map.error());
  const std::vector<std::byte> data =
      pattern(op.seed, static_cast<uint64_t>(op.off), static_cast<uint64_t>(op.len));
  const sim::Result<volume::MapAccess> stored = volume_->store(map.value(), op.off, data);
  if (!stored.ok()) return failure(stored.error());
  OpResult result;
  result.ret = static_cast<int64_t>(stored.value().count);
  if (stored.value().sigbus) result.set("sigbus", int64_t{1});
  return result;
}

OpResult Executor::run_map_read(const Operation& op) {
  const sim::Result<volume::MapId> map = mapping(op.path);
  if (!map.ok()) return failure(map.error());
  std::vector<std::byte> data(static_cast<size_t>(op.len));
  const sim::Result<volume::MapAccess> loaded = volume_->load(map.value(), op.off, data);
  if (!loaded.ok()) return failure(loaded.error());
  OpResult result;
  result.ret = static_cast<int64_t>(loaded.value().count);
  if (loaded.value().sigbus) result.set("sigbus", int64_t{1});
  const auto got = std::span<const std::byte>(data).first(loaded.value().count);
  describe_bytes(result, got, static_cast<uint64_t>(op.len), std::byte{header_.poison});
  return result;
}

// Without a mapping there is nothing to do, and that is no error.
OpResult Executor::run_map_call(const Operation& op) {
  const auto known = handles_.find(op.path);
  if (known == handles_.end() || !known->second.mapping) return {};
  const volume::MapId map = *known->second.mapping;
  if (op.kind == OpKind::kMsync) return outcome(volume_->msync(map));
  known->second.mapping.reset();
  return outcome(volume_->munmap(map));
}

OpResult Executor::run_resize(const Operation& op) {
  const sim::Result<Fd> fd = handle(op.path, Use::kBuffered);
  if (!fd.ok()) return failure(fd.error());
  if (op.kind == OpKind::kTruncate) return outcome(volume_->truncate(fd.value(), op.size));
  return outcome(volume_->fallocate(fd.value(), op.mode, op.off, op.len));
}

OpResult Executor::run_seek(const Operation& op, Whence whence) {
  const sim::Result<Fd> fd = handle(op.path, Use::kBuffered);
  if (!fd.ok()) return failure(fd.error());
  return counted(volume_->seek(fd.value(), op.off, whence));
}

OpResult Executor::run_stat(const Operation& op) {
  const auto it = handles_.find(op.path);
  const bool by_fd = it != handles_.end() && it->second.buffered.has_value();
  const sim::Result<volume::Stat> stat =
      by_fd ? volume_->stat(*it->second.buffered) : volume_->stat(op.path);
  if (!stat.ok()) return failure(stat.error());
  OpResult result;
  result.set("size", static_cast<int64_t>(stat.value().size));
  result.set("blocks", static_cast<int64_t>(stat.value().blocks));
  result.set("blksize", static_cast<int64_t>(stat.value().block_size));
  result.set("dir", int64_t{stat.value().directory ? 1 : 0});
  result.set("nlink", int64_t{stat.value().links});
  return result;
}

OpResult Executor::run_statfs() {
  const sim::Result<volume::StatFs> stat = volume_->statfs();
  if (!stat.ok()) return failure(stat.error());
  OpResult result;
  result.set("bsize", static_cast<int64_t>(stat.value().block_size));
  result.set("blocks", static_cast<int64_t>(stat.value().blocks));
  result.set("bfree", static_cast<int64_t>(stat.value().blocks_free));
  result.set("namelen", static_cast<int64_t>(stat.value().name_length));
  return result;
}

OpResult Executor::run_list(const Operation& op) {
  const sim::Result<std::vector<volume::ListEntry>> list = volume_->list(op.path);
  if (!list.ok()) return failure(list.error());
  std::vector<std::string> names;
  for (const volume::ListEntry& entry : list.value()) {
    names.push_back(entry.directory ? entry.name + "/" : entry.name);
  }
  OpResult result;
  result.ret = static_cast<int64_t>(names.size());
  result.set("names", std::move(names));
  return result;
}

OpResult Executor::run_fsync(const Operation& op, bool data_only) {
  const sim::Result<Fd> fd = handle(op.path, Use::kBuffered);
  if (fd.code() == Errno::kIsDir) return outcome(volume_->fsync_directory(op.path));
  if (!fd.ok()) return failure(fd.error());
  return outcome(volume_->fsync(fd.value(), data_only));
}

OpResult Executor::run_open_sync(const Operation& op) {
  Handles& handles = handles_[op.path];
  close_handles(handles);
  handles.sync_mode = op.mode;
  const sim::Result<Fd> fd = handle(op.path, Use::kBuffered);
  if (fd.ok()) return {};
  handles_.erase(op.path);
  return failure(fd.error());
}

OpResult Executor::run_sleep(const Operation& op) {
  if (op.len < 0 || op.len > kMaxSleepMillis) return failure(Error(Errno::kInval, "len"));
  world_.scheduler.sleep(sim::millis(static_cast<uint64_t>(op.len)));
  return {};
}

OpResult Executor::run_remount(const Operation& op) {
  const sim::Result<volume::MountOptions> options =
      mount_options(header_, op.mount.value_or(header_.mount));
  if (!options.ok()) return failure(options.error());
  if (mounted()) {
    if (const sim::Status status = unmount(); !status.ok()) return failure(status.error());
  }
  sim::Result<std::unique_ptr<volume::Volume>> mounted_volume =
      volume::Volume::mount(world_, device_, options.value());
  if (!mounted_volume.ok()) return failure(mounted_volume.error());
  volume_ = std::move(mounted_volume).value();
  return {};
}

OpResult Executor::run_mode_change(bool read_only) {
  volume::MountOptions options = volume_->options();
  options.read_only = read_only;
  return outcome(volume_->remount(options));
}

sim::Result<Fd> Executor::handle(const std::string& path, Use use) {
  const auto known = handles_.find(path);
  const uint32_t sync_mode = known == handles_.end() ? 0 : known->second.sync_mode;
  if (known != handles_.end()) {
    if (const std::optional<Fd>& fd = known->second.of(use)) return *fd;
  }
  OpenFlags flags;
  flags.write = true;
  flags.append = use == Use::kAppend;
  flags.direct = use == Use::kDirect;
  flags.sync = (sync_mode & kOpenSync) != 0;
  flags.data_sync = (sync_mode & kOpenDataSync) != 0;
  sim::Result<Fd> fd = volume_->open(path, flags);
  if (fd.code() == Errno::kRofs) {
    flags.write = false;
    fd = volume_->open(path, flags);
  }
  if (fd.ok()) handles_[path].of(use) = fd.value();
  return fd;
}

// The mapping of a path; made through a descriptor that is closed again.
sim::Result<volume::MapId> Executor::mapping(const std::string& path) {
  const auto known = handles_.find(path);
  if (known != handles_.end() && known->second.mapping) return *known->second.mapping;
  OpenFlags flags;
  flags.write = true;
  sim::Result<Fd> fd = volume_->open(path, flags);
  if (fd.code() == Errno::kRofs) {
    flags.write = false;
    fd = volume_->open(path, flags);
  }
  if (!fd.ok()) return fd.error();
  sim::Result<volume::MapId> map = volume_->mmap(fd.value());
  const sim::Status closed = volume_->close(fd.value());
  ZT_ASSERT(closed.code() != Errno::kBadf);
  if (map.ok()) handles_[path].mapping = map.value();
  return map;
}

// A late write error at close is nobody's result; a descriptor that is not open is our mistake.
void Executor::close_handles(Handles& handles) {
  if (handles.mapping) {
    const sim::Status status = volume_->munmap(*handles.mapping);
    ZT_ASSERT(status.code() != Errno::kInval);
    handles.mapping.reset();
  }
  for (const Use use : {Use::kBuffered, Use::kDirect, Use::kAppend}) {
    std::optional<Fd>& fd = handles.of(use);
    if (!fd) continue;
    const sim::Status status = volume_->close(*fd);
    ZT_ASSERT(status.code() != Errno::kBadf);
    fd.reset();
  }
}

void Executor::close_path(const std::string& path) {
  const auto it = handles_.find(path);
  if (it == handles_.end()) return;
  close_handles(it->second);
  handles_.erase(it);
}

void Executor::move_handles(const std::string& from, const std::string& to) {
  const std::string below = from + "/";
  std::vector<std::pair<std::string, Handles>> moved;
  for (auto it = handles_.begin(); it != handles_.end();) {
    const std::string& path = it->first;
    if (path != from && !path.starts_with(below)) {
      ++it;
      continue;
    }
    moved.emplace_back(to + path.substr(from.size()), std::move(it->second));
    it = handles_.erase(it);
  }
  close_path(to);
  for (auto& [path, handles] : moved) {
    close_path(path);
    handles_[path] = std::move(handles);
  }
}

sim::Result<std::vector<OpResult>> run_trace(sim::World& world, sim::BlockDevice& device,
                                             const Trace& trace, const ExecutorHooks& hooks) {
  Executor executor(world, device, trace.header);
  ZT_TRY(executor.mount());
  std::vector<OpResult> results = executor.run_all(trace.ops, hooks);
  if (executor.mounted()) ZT_TRY(executor.unmount());
  return results;
}

}  // namespace zerotail::harness
