#include "trace_table.h"

#include <array>
#include <string>

#include "zerotail/sim/assert.h"

namespace zerotail::harness {
namespace {

constexpr int64_t kMinInt = std::numeric_limits<int64_t>::min();
constexpr uint64_t kMaxInt = static_cast<uint64_t>(std::numeric_limits<int64_t>::max());
constexpr uint64_t kMaxUint = std::numeric_limits<uint64_t>::max();
constexpr uint64_t kMaxUint32 = std::numeric_limits<uint32_t>::max();

using F = FieldId;

constexpr std::array<FieldSpec, kFieldCount> kFields = {{
    {F::kPath, "path", 0, 0, "below the root, no leading slash; \"\" is the root"},
    {F::kTo, "to", 0, 0, "the new path"},
    {F::kMode, "mode", 0, kMaxUint32, "bits; their meaning depends on the operation"},
    {F::kOff, "off", kMinInt, kMaxInt, "byte offset in the file"},
    {F::kDataLen, "len", 0, static_cast<uint64_t>(kMaxDataLength), "bytes of the buffer"},
    {F::kRangeLen, "len", kMinInt, kMaxInt, "bytes"},
    {F::kSize, "size", kMinInt, kMaxInt, "the new size in bytes"},
    {F::kMinLen, "minlen", 0, kMaxInt, "free runs that are shorter stay"},
    {F::kSeed, "seed", 0, kMaxUint, "of the data pattern"},
    {F::kMoff, "moff", 0, 1 << 20, "misalignment of the memory in bytes"},
    {F::kPos, "pos", 0, kMaxInt, "position in the directory"},
    {F::kValue, "value", kMinInt, kMaxInt, "the new value"},
    {F::kText, "label", 0, 0, "the new volume label"},
    {F::kField, "field", 0, 0, "the on-disk field's name"},
    {F::kState, "state", 0, 0, "a crash state"},
    {F::kMount, "mount", 0, 0, "mount options: ro, sync, dirsync, discard"},
    {F::kFaultAt, "fault_at", 0, kMaxInt, "the source buffer faults at this byte"},
    {F::kNoInvalidate, "no_invalidate", 0, 1, "1: the cache refuses to be invalidated"},
    {F::kTask, "task", 0, 1024, "the task that issues it"},
    {F::kAsync, "async", 0, 1, "1: do not wait for the direct write"},
}};

constexpr std::array<F, 0> kNone = {};
constexpr std::array kPathOnly = {F::kPath};
constexpr std::array kPathTo = {F::kPath, F::kTo};
constexpr std::array kModeOnly = {F::kMode};
constexpr std::array kTaskOnly = {F::kTask};
constexpr std::array kModeTask = {F::kMode, F::kTask};
constexpr std::array kPathMode = {F::kPath, F::kMode};
constexpr std::array kPathOff = {F::kPath, F::kOff};
constexpr std::array kPathLenSeed = {F::kPath, F::kDataLen, F::kSeed};
constexpr std::array kPathOffLen = {F::kPath, F::kOff, F::kDataLen};
constexpr std::array kPathOffLenSeed = {F::kPath, F::kOff, F::kDataLen, F::kSeed};
constexpr std::array kPathOffRange = {F::kPath, F::kOff, F::kRangeLen};
constexpr std::array kPathOffRangeMode = {F::kPath, F::kOff, F::kRangeLen, F::kMode};
constexpr std::array kPathSize = {F::kPath, F::kSize};
constexpr std::array kPathPos = {F::kPath, F::kPos};
constexpr std::array kPathValue = {F::kPath, F::kValue};
constexpr std::array kOffRange = {F::kOff, F::kRangeLen};
constexpr std::array kMinLenTask = {F::kMinLen, F::kTask};
constexpr std::array kRangeOnly = {F::kRangeLen};
constexpr std::array kTextOnly = {F::kText};
constexpr std::array kFieldValue = {F::kField, F::kValue};
constexpr std::array kEditMore = {F::kPath, F::kPos};
constexpr std::array kStateOnly = {F::kState};
constexpr std::array kMountOnly = {F::kMount};
constexpr std::array kWriteMore = {F::kFaultAt, F::kTask};
constexpr std::array kReadMore = {F::kTask};
constexpr std::array kDirectRead = {F::kMoff, F::kNoInvalidate, F::kTask};
constexpr std::array kDirectWrite = {F::kMoff, F::kFaultAt, F::kNoInvalidate, F::kTask, F::kAsync};

constexpr std::array<OpSpec, kOpKindCount> kOperations = {{
    {OpKind::kCreate, "create", "make a file; mode 1 = O_EXCL, 2 = O_TRUNC", true, kPathOnly,
     kModeTask},
    {OpKind::kMkdir, "mkdir", "make a directory", true, kPathOnly, kTaskOnly},
    {OpKind::kUnlink, "unlink", "close the path's descriptors and remove the file", true, kPathOnly,
     kTaskOnly},
    {OpKind::kUnlinkKeep, "unlink_keep", "remove the file; its descriptors stay usable", true,
     kPathOnly, kTaskOnly},
    {OpKind::kRmdir, "rmdir", "remove an empty directory", true, kPathOnly, kTaskOnly},
    {OpKind::kRename, "rename", "mode 1 = NOREPLACE, 2 = EXCHANGE", true, kPathTo, kModeTask},
    {OpKind::kWrite, "write", "buffered write of the seed's pattern", true, kPathOffLenSeed,
     kWriteMore},
    {OpKind::kDwrite, "dwrite", "O_DIRECT write", true, kPathOffLenSeed, kDirectWrite},
    {OpKind::kMwrite, "mwrite", "store through a shared mapping", true, kPathOffLenSeed, kTaskOnly},
    {OpKind::kAppend, "append", "O_APPEND write; the pattern's offset is the size before", true,
     kPathLenSeed, kWriteMore},
    {OpKind::kRead, "read", "buffered read", false, kPathOffLen, kReadMore},
    {OpKind::kDread, "dread", "O_DIRECT read", false, kPathOffLen, kDirectRead},
    {OpKind::kMread, "mread", "load through a shared mapping", false, kPathOffLen, kReadMore},
    {OpKind::kTruncate, "truncate", "set the size", true, kPathSize, kTaskOnly},
    {OpKind::kFallocate, "fallocate", "mode as in fallocate(2)", true, kPathOffRangeMode,
     kTaskOnly},
    {OpKind::kFsync, "fsync", "fsync a file or directory", false, kPathOnly, kTaskOnly},
    {OpKind::kFdatasync, "fdatasync", "fdatasync a file", false, kPathOnly, kTaskOnly},
    {OpKind::kMsync, "msync", "msync the mapping", false, kPathOnly, kTaskOnly},
    {OpKind::kMunmap, "munmap", "drop the mapping", false, kPathOnly, kTaskOnly},
    {OpKind::kClose, "close", "close every descriptor of the path", false, kPathOnly, kTaskOnly},
    {OpKind::kSync, "sync", "sync(2)", false, kNone, kTaskOnly},
    {OpKind::kDropCaches, "drop_caches", "forget clean pages and metadata buffers", false, kNone,
     kNone},
    {OpKind::kRemount, "remount", "umount and mount; with other options if given", false, kNone,
     kMountOnly},
    {OpKind::kSeekHole, "seek_hole", "lseek SEEK_HOLE", false, kPathOff, kTaskOnly},
    {OpKind::kSeekData, "seek_data", "lseek SEEK_DATA", false, kPathOff, kTaskOnly},
    {OpKind::kSeekEnd, "seek_end", "lseek SEEK_END", false, kPathOff, kTaskOnly},
    {OpKind::kStat, "stat", "size, blocks, blksize, dir, nlink", false, kPathOnly, kTaskOnly},
    {OpKind::kStatfs, "statfs", "bsize, blocks, bfree, namelen", false, kNone, kTaskOnly},
    {OpKind::kList, "list", "names of a directory, sorted", false, kPathOnly, kTaskOnly},
    {OpKind::kDirent, "dirent", "the directory entry on the disk", false, kPathOnly, kNone},
    {OpKind::kRawRead, "raw_read", "the file's clusters on the disk, past the page cache", false,
     kPathOffLen, kNone},
    {OpKind::kReaddir, "readdir", "names from a position on, in bytes of the directory", false,
     kPathPos, kTaskOnly},
    {OpKind::kOpenSync, "open_sync",
     "how writes that follow are opened: mode 1 = O_SYNC, 2 = O_DSYNC, 0 = neither", false,
     kPathMode, kTaskOnly},
    {OpKind::kFsyncDir, "fsync_dir", "fsync a directory", false, kPathOnly, kTaskOnly},
    {OpKind::kSyncfs, "syncfs", "syncfs(2)", false, kNone, kTaskOnly},
    {OpKind::kWriteback, "writeback", "the flusher writes back what is dirty; no flush", false,
     kNone, kNone},
    {OpKind::kSleep, "sleep", "let len milliseconds of virtual time pass", false, kRangeOnly,
     kNone},
    {OpKind::kRemountRo, "remount_ro", "mount -o remount,ro", false, kNone, kNone},
    {OpKind::kRemountRw, "remount_rw", "mount -o remount,rw", false, kNone, kNone},
    {OpKind::kLabel, "label", "set the volume label; mode 1 = only tell it", true, kTextOnly,
     kModeTask},
    {OpKind::kAttributes, "attributes", "set the FileAttributes; mode 1 = only tell them", true,
     kPathValue, kModeTask},
    {OpKind::kFitrim, "fitrim", "discard free clusters", true, kOffRange, kMinLenTask},
    {OpKind::kShutdown, "shutdown",
     "forced shutdown; mode 0 or 1 = write everything first, 2 = write nothing", true, kNone,
     kModeOnly},
    {OpKind::kBmap, "bmap", "the device block of a file block", false, kPathOff, kTaskOnly},
    {OpKind::kMap, "map", "the iomap view of a range", false, kPathOffRange, kTaskOnly},
    {OpKind::kSwapMap, "swap_map", "the extents a swap file would use", false, kPathOnly,
     kTaskOnly},
    {OpKind::kEdit, "edit", "change a named on-disk field", true, kFieldValue, kEditMore},
    {OpKind::kCrash, "crash", "lose power and mount what is left", true, kNone, kStateOnly},
    {OpKind::kWait, "wait", "collect an asynchronous write", false, kNone, kTaskOnly},
}};

}  // namespace

const FieldSpec& field_spec(FieldId id) {
  const FieldSpec& spec = kFields[static_cast<size_t>(id)];
  ZT_ASSERT(spec.id == id);
  return spec;
}

const OpSpec& op_spec(OpKind kind) {
  const OpSpec& spec = kOperations[static_cast<size_t>(kind)];
  ZT_ASSERT(spec.kind == kind);
  return spec;
}

const OpSpec* find_op(std::string_view name) {
  for (const OpSpec& spec : kOperations) {
    if (spec.name == name) return &spec;
  }
  return nullptr;
}

std::span<const OpSpec> all_ops() { return kOperations; }

std::string_view op_name(OpKind kind) { return op_spec(kind).name; }
bool op_changes(OpKind kind) { return op_spec(kind).changes; }

std::string trace_help() {
  std::string out;
  for (const OpSpec& spec : kOperations) {
    out += spec.name;
    for (const FieldId id : spec.required) out += " " + std::string(field_spec(id).name);
    for (const FieldId id : spec.optional) out += " [" + std::string(field_spec(id).name) + "]";
    out += ": " + std::string(spec.help) + "\n";
  }
  return out;
}

}  // namespace zerotail::harness
