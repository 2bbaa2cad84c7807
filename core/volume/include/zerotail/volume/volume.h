// A mounted exFAT volume as a process sees it: paths, descriptors, system calls. The facade over
// core/io; nothing above it reaches deeper, but for the introspection calls at the end.
//
// Positions and lengths that a caller may get wrong are signed, as in the system calls; they are
// checked here. Errors carry Linux's numbers. Calls may wait, so several tasks can use one volume.
// Destroying a volume that was not unmounted writes nothing: that is a power failure.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "zerotail/exfat/ordering.h"
#include "zerotail/sim/world.h"

namespace zerotail::volume {

// How file data moves: through iomap, or as the driver did before it.
enum class IoPath : uint8_t { kIomap, kBufferHead };
[[nodiscard]] const char* print(IoPath path);  // "iomap", "buffer-head"
// EINVAL: neither.
[[nodiscard]] sim::Result<IoPath> parse_io_path(std::string_view text);

// Whether a folio of the page cache is one page, or as large as writes and readahead make it.
enum class Folios : uint8_t { kSingle, kLarge };
using exfat::Ordering;
using exfat::parse_ordering;
using exfat::print;
using exfat::Rule;

// The flusher and the dirty limits, as the kernel's vm.dirty_* settings.
struct WritebackOptions {
  sim::Nanos expire = sim::millis(30'000);   // data and metadata are written when they are this old
  sim::Nanos interval = sim::millis(5'000);  // how often the flusher looks; 0: never
  // Unwritten bytes of file data: above the first the flusher works at once, above the second
  // writers wait for it. A limit of 0: neither.
  sim::ByteCount background = sim::mib(1638);
  sim::ByteCount limit = sim::mib(3276);
};

struct MountOptions {
  bool read_only = false;
  bool sync = false;     // -o sync
  bool dirsync = false;  // -o dirsync
  bool discard = false;  // -o discard
  IoPath io_path = IoPath::kIomap;
  Ordering ordering = Ordering::kLinux;
  sim::ByteCount page_size{4096};  // 4 to 64 KiB, a power of two
  Folios folios = Folios::kSingle;
  // Seconds since 1970 at virtual time 0; time stamps are this plus the virtual clock.
  uint64_t start_time = 1767225600;  // 2026-01-01 00:00:00 UTC
  WritebackOptions writeback{};
};

struct OpenFlags {
  bool write = false;
  bool create = false;
  bool exclusive = false;  // O_EXCL
  bool truncate = false;   // O_TRUNC
  bool append = false;     // O_APPEND
  bool direct = false;     // O_DIRECT
  bool sync = false;       // O_SYNC
  bool data_sync = false;  // O_DSYNC
};

enum class Fd : int32_t {};

// A user buffer to copy from; reading it faults at byte `fault_at` (counted from its start).
struct Source {
  std::span<const std::byte> bytes;
  std::optional<uint64_t> fault_at{};
  // Bytes by which the buffer misses the device's alignment; O_DIRECT only.
  uint64_t misalignment = 0;
  // The page cache refuses to be dropped before this O_DIRECT write, which then goes through it.
  bool no_invalidate = false;
};

// A write that was submitted and not yet collected.
enum class WriteId : uint64_t {};

struct WriteOutcome {
  sim::Result<uint64_t> count{uint64_t{0}};  // as Volume::write answers
  uint64_t order = 0;  // how many submitted writes of this mount had ended before it
};

enum class MapId : int32_t {};

// A load or store through a shared mapping: as far as it came, and whether SIGBUS stopped it.
struct MapAccess {
  uint64_t count = 0;
  bool sigbus = false;
};

enum class Whence : uint8_t { kSet, kEnd, kData, kHole };

// Since 1970, UTC.
struct FileTime {
  int64_t seconds = 0;
  uint32_t nanoseconds = 0;
  bool operator==(const FileTime&) const = default;
};

struct Stat {
  uint64_t size = 0;
  uint64_t blocks = 0;  // 512-byte units
  uint64_t block_size = 0;
  uint32_t links = 1;
  bool directory = false;
  uint16_t attributes = 0;  // exFAT FileAttributes
  FileTime created;
  FileTime modified;
  FileTime accessed;
};

struct StatFs {
  uint64_t block_size = 0;  // the cluster
  uint64_t blocks = 0;      // clusters in the heap
  uint64_t blocks_free = 0;
  uint64_t name_length = 0;  // 1530
};

struct ListEntry {
  std::string name;  // UTF-8
  bool directory = false;
};

// Part of a directory, in its order.
struct DirectoryListing {
  std::vector<ListEntry> entries;
  uint64_t next = 0;  // the position behind what was read
};

// FITRIM. A byte stands for the cluster whose number it gives divided by the cluster size, as in
// the driver; the heap begins at cluster 2.
struct Trim {
  uint64_t start = 0;
  uint64_t length = UINT64_MAX;
  uint64_t min_length = 0;  // shorter free runs stay
};

// Modes of the forced-shutdown ioctl.
inline constexpr uint32_t kShutdownDefault = 0;   // write everything back first
inline constexpr uint32_t kShutdownFullSync = 1;  // the same
inline constexpr uint32_t kShutdownNoSync = 2;    // what is dirty is lost

enum class RenameMode : uint8_t { kReplace, kNoReplace, kExchange };

// What the core knows of a file beyond stat: for views, reports and the reference model's checks.
struct FileState {
  uint64_t size = 0;
  uint64_t valid_size = 0;
  uint64_t zeroed_size = 0;
  bool no_fat_chain = false;
  struct Run {
    uint64_t file_cluster = 0;
    sim::Cluster first;
    sim::ClusterCount count;
  };
  std::vector<Run> runs;
};

// A piece of a file as a read maps it (core/iomap).
struct FileExtent {
  enum class Kind : uint8_t { kHole, kMapped, kUnwritten };
  uint64_t pos = 0;
  uint64_t length = 0;
  Kind kind = Kind::kHole;
  std::optional<sim::DevPos> addr;  // of `pos`; a hole has none
  // What the device holds from here on is not the file's; set when it lies inside a mapped piece.
  std::optional<uint64_t> zero_from;
};

// What swapon would use: whole pages, in the order of the swap area.
struct SwapExtent {
  uint64_t page = 0;
  uint64_t pages = 0;
  sim::DevPos addr;
};

class Volume {
 public:
  // EINVAL: no exFAT, or a boot region, bitmap or upcase table that cannot be used (where() says
  // which and why). EIO: the device failed.
  [[nodiscard]] static sim::Result<std::unique_ptr<Volume>> mount(sim::World& world,
                                                                  sim::BlockDevice& device,
                                                                  const MountOptions& options);
  ~Volume();
  Volume(const Volume&) = delete;
  Volume& operator=(const Volume&) = delete;

  // Waits for submitted writes, writes everything back, clears VolumeDirty (unless it was set at
  // mount). Open descriptors are closed. Afterwards only the destructor may be called.
  sim::Status unmount();
  // mount -o remount: only read_only, sync, dirsync and discard can change. EBUSY: to read-only
  // while a file is open for writing.
  sim::Status remount(const MountOptions& options);

  sim::Result<Fd> open(std::string_view path, const OpenFlags& flags);
  sim::Status close(Fd fd);
  // `misalignment`: as in Source.
  sim::Result<uint64_t> read(Fd fd, int64_t pos, std::span<std::byte> out,
                             uint64_t misalignment = 0);
  // With O_APPEND `pos` is ignored. Short counts as the kernel gives them; an error only when
  // nothing was written.
  sim::Result<uint64_t> write(Fd fd, int64_t pos, const Source& source);
  // O_DIRECT without waiting: returns when everything is on its way. What goes wrong, also before
  // anything was sent, is told when it is collected. EBADF, EISDIR; EINVAL: not open with O_DIRECT.
  // The descriptor may be closed meanwhile.
  sim::Result<WriteId> submit_write(Fd fd, int64_t pos, const Source& source);
  // Waits for a submitted write and forgets it. Each is collected at most once.
  WriteOutcome collect_write(WriteId id);
  sim::Status truncate(Fd fd, int64_t size);
  sim::Status truncate(std::string_view path, int64_t size);
  sim::Status fallocate(Fd fd, uint32_t mode, int64_t pos, int64_t length);
  sim::Status fsync(Fd fd, bool data_only);
  sim::Result<uint64_t> seek(Fd fd, int64_t offset, Whence whence);

  // FIBMAP: the block of the device (in units of the volume's sector) that holds the file's block
  // `block`, or none where nothing was ever written or behind the size. Writes dirty data first.
  // EBADF; EINVAL: negative, or a directory.
  sim::Result<std::optional<uint64_t>> bmap(Fd fd, int64_t block);
  // How a read maps [pos, pos + length). EBADF, EISDIR, EINVAL: negative.
  sim::Result<std::vector<FileExtent>> map_range(Fd fd, int64_t pos, int64_t length);
  // Syncs the file and says where its pages are, as swapon does. EBADF: not open for writing;
  // EISDIR; EINVAL: bytes that were never written (fallocate alone makes no swap file), or no page.
  sim::Result<std::vector<SwapExtent>> swap_map(Fd fd);

  // Maps the whole file, and any size it will have, shared. The mapping outlives the descriptor; it
  // is writable when the descriptor is. EISDIR, EBADF.
  sim::Result<MapId> mmap(Fd fd);
  sim::Status munmap(MapId map);  // EINVAL: no such mapping
  sim::Status msync(MapId map);   // MS_SYNC of the whole mapping
  sim::Result<MapAccess> load(MapId map, int64_t pos, std::span<std::byte> out);
  // EACCES: the mapping is read-only.
  sim::Result<MapAccess> store(MapId map, int64_t pos, std::span<const std::byte> bytes);

  sim::Status mkdir(std::string_view path);
  sim::Status rmdir(std::string_view path);
  sim::Status unlink(std::string_view path);
  sim::Status rename(std::string_view from, std::string_view to, RenameMode mode);
  sim::Result<Stat> stat(std::string_view path);
  sim::Result<Stat> stat(Fd fd);  // also of a file whose name is gone (links 0)
  sim::Result<StatFs> statfs();
  // Sorted by name (bytes of UTF-8).
  sim::Result<std::vector<ListEntry>> list(std::string_view path);
  // From a position on, in bytes of the directory, rounded up to an entry: 0 is the start, a
  // position past the end gives nothing. ENOTDIR.
  sim::Result<DirectoryListing> read_directory(std::string_view path, uint64_t pos);
  // Opens a directory and fsyncs it.
  sim::Status fsync_directory(std::string_view path);

  // FileAttributes. Only read-only, hidden, system and archive can be set, other bits are ignored;
  // a directory stays one. EINVAL: of the root; EPERM: a system file, or to make one, without
  // CAP_LINUX_IMMUTABLE (`privileged`); EROFS. The calls of this class are root's: a read-only file
  // can be written.
  sim::Result<uint16_t> attributes(std::string_view path);
  sim::Status set_attributes(std::string_view path, uint32_t attributes, bool privileged = true);
  // Times outside 1980 to 2107 become the nearest ones; access times have two seconds, modification
  // times ten milliseconds. EROFS.
  sim::Status set_times(std::string_view path, const std::optional<FileTime>& accessed,
                        const std::optional<FileTime>& modified);
  // The volume label, UTF-8. EINVAL: no UTF-8, a character that no name may have, more than 11
  // UTF-16 units; ENOSPC: no room in the root directory; EROFS.
  sim::Result<std::string> label();
  sim::Status set_label(std::string_view label);
  // Bytes discarded. EINVAL: shorter than a cluster, or behind the volume; EOPNOTSUPP: a device
  // without discard.
  sim::Result<uint64_t> trim(const Trim& range);
  // Forced shutdown; see the modes. Afterwards nothing is written any more, also not by unmount:
  // VolumeDirty stays as it is. Every further call is EIO (a load or store a bus error), but close,
  // munmap, unmount, sync, drop_caches and another shutdown, which are 0. EINVAL: no such mode;
  // EIO: what should be written first cannot be, and the volume goes on.
  sim::Status shutdown(uint32_t mode);

  sim::Status sync();  // sync(2): everything written back; no flush under kLinux
  sim::Status syncfs();
  // Drops clean pages and metadata buffers (echo 3 > drop_caches after a sync).
  void drop_caches();
  // Writes back everything that is dirty, as the flusher does when all of it has expired; no flush.
  sim::Status background_writeback();
  // Changes the flusher's settings while mounted, as sysctl does.
  void set_writeback(const WritebackOptions& options);

  [[nodiscard]] const MountOptions& options() const;
  sim::Result<FileState> inspect(std::string_view path);

 private:
  struct Impl;
  explicit Volume(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace zerotail::volume
