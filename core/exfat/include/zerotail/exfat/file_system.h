// A mounted exFAT volume without its data: super block, inode cache, names, and where clusters
// are. It knows no page cache; core/io adds that.
//
// Locks: every public operation that reads or changes metadata takes the volume lock (the
// kernel's s_lock) itself, and inside it the bitmap lock around a change of the bitmap; neither
// is recursive. The locks of the inodes are the callers': a directory's inode lock is held
// exclusively around create, mkdir, unlink, rmdir and rename in it (both directories), a file's
// around anything that moves S or its clusters.
//
// Order: README.md has the table of kLinux and of what each rule of Options::ordering adds. "Sync"
// below means -o sync, or for directories -o sync or -o dirsync: what was changed is written, one
// step waited for after the other, before the call returns. Otherwise a change stays in the buffer
// cache.
//
// A hostile image is answered with an error: every number from the disk is checked before it is
// followed and every walk is bounded by the number of clusters of the volume.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "zerotail/buffer/buffer_cache.h"
#include "zerotail/exfat/allocator.h"
#include "zerotail/exfat/bitmap.h"
#include "zerotail/exfat/boot_region.h"
#include "zerotail/exfat/dentry_set.h"
#include "zerotail/exfat/directory_file.h"
#include "zerotail/exfat/fat.h"
#include "zerotail/exfat/geometry.h"
#include "zerotail/exfat/inode.h"
#include "zerotail/exfat/inode_cache.h"
#include "zerotail/exfat/name.h"
#include "zerotail/exfat/options.h"
#include "zerotail/exfat/upcase.h"
#include "zerotail/sim/world.h"

namespace zerotail::exfat {

struct MapRequest {
  FileCluster first;
  sim::ClusterCount count;  // clusters wanted, at least 1
  bool may_allocate = false;
  bool partial = false;  // fewer than `count` new clusters will do, if at least one is there
};

struct Mapping {
  sim::Cluster cluster;     // of MapRequest::first; 0: a hole (not allocated)
  sim::ClusterCount count;  // contiguous clusters from there, 1..MapRequest::count
  bool allocated = false;   // the call allocated them
  [[nodiscard]] bool hole() const { return cluster.value() == 0; }
};

struct SpaceCount {
  sim::ClusterCount clusters;
  sim::ClusterCount free;
};

// One name of a directory.
struct DirectoryItem {
  std::string name;  // UTF-8
  bool directory = false;
  uint32_t entry_index = 0;
  // The set is broken (a checksum, a missing or misplaced entry): it cannot be opened.
  std::optional<sim::Error> error;
};

struct DirectoryPage {
  std::vector<DirectoryItem> items;  // in the order of the directory
  uint64_t next = 0;                 // the position to go on from
  bool end = false;
};

// What FITRIM is told; a byte is in the cluster whose number it gives divided by the cluster size.
struct TrimRange {
  sim::FilePos start;
  sim::ByteCount length;
  sim::ByteCount min_length;  // shorter free runs stay; below the device's block: that block
};

enum class RenameMode : uint8_t { kReplace, kNoReplace, kExchange };

class FileSystem {
 public:
  // EINVAL: no exFAT volume, or a boot region, bitmap or upcase table that cannot be used; the
  // message names the field. EIO: the device failed. Writes nothing.
  [[nodiscard]] static sim::Result<std::unique_ptr<FileSystem>> mount(sim::World& world,
                                                                      sim::BlockDevice& device,
                                                                      const Options& options);
  // Writes nothing, whatever is dirty: that is a power failure. InodeRefs must be gone.
  ~FileSystem();
  FileSystem(const FileSystem&) = delete;
  FileSystem& operator=(const FileSystem&) = delete;

  // ---- the super block ----

  [[nodiscard]] const Geometry& geometry() const { return boot_.geometry(); }
  [[nodiscard]] const BootRegion& boot_region() const { return boot_; }
  [[nodiscard]] const Options& options() const { return options_; }
  [[nodiscard]] buffer::BufferCache& buffers() { return *cache_; }
  [[nodiscard]] sim::World& world() { return world_; }
  [[nodiscard]] TimeStamp now() const { return time_at(options_.start_time, world_.loop.now()); }
  [[nodiscard]] SpaceCount space() const;
  [[nodiscard]] const AllocationBitmap& bitmap() const { return *bitmap_; }

  // read_only, sync, dirsync and discard; writing back before it is the caller's.
  void set_options(const Options& options);
  // Sets VolumeDirty on disk (PREFLUSH and FUA) unless it is set. EROFS, EIO.
  sim::Status set_dirty();
  // Clears it, after everything else was written; a bit found at mount stays.
  sim::Status clear_dirty();
  // Forced shutdown: from here on nothing is written, nothing is discarded, and what would read or
  // change metadata is EIO. Whoever wants something written does it before.
  void shut_down();
  [[nodiscard]] bool is_shut_down() const { return shut_down_; }
  // UTF-8; empty without an entry. EIO.
  [[nodiscard]] sim::Result<std::string> label();
  // EINVAL: no UTF-8, a character that no name may have, more than 11 units. EROFS, ENOSPC, EIO.
  sim::Status set_label(std::string_view label);
  // Discards free clusters; how many bytes. EINVAL: the range is shorter than a cluster or behind
  // the volume. EOPNOTSUPP: the device has no discard. EIO.
  [[nodiscard]] sim::Result<sim::ByteCount> trim(const TrimRange& range);
  [[nodiscard]] sim::Mutex& volume_lock() { return volume_lock_; }

  // ---- inodes ----

  [[nodiscard]] InodeRef root() { return InodeRef(*root_); }
  // Every cached inode that is dirty, in the order in which they became dirty.
  [[nodiscard]] std::vector<InodeRef> dirty_inodes();
  // The one that became dirty first; none when all are clean.
  [[nodiscard]] InodeRef first_dirty_inode();
  // Called when an inode or a buffer becomes dirty while no other is: the flusher's alarm clock.
  void set_dirty_hook(const std::function<void()>& hook);
  void mark_dirty(Inode& inode, DirtyBits bits);
  void clear_dirty(Inode& inode, DirtyBits bits);
  // Frees the clusters of unlinked inodes whose last reference was dropped. unlink, rmdir and
  // rename do it themselves; a close of an unlinked file calls it. The first error; all are freed.
  sim::Status free_unlinked();
  // Forgets cached inodes that nobody holds and that are clean (drop_caches).
  void drop_inodes();

  // Puts the inode's state into its dentry set (DataLength = max(S, V), ValidDataLength =
  // min(V, S), first cluster, flags, times, attributes, checksum); `wait`: and writes the set.
  // VolumeDirty is set first. Nothing to do for the root and for unlinked inodes. Clears kTimes
  // and kMetadata.
  sim::Status write_inode(Inode& inode, bool wait);

  // Calls `name` one component of a path; see Name::parse for the errors of names.
  // ENOENT; ENOTDIR: `directory` is none; EIO: the directory or the set is broken.
  [[nodiscard]] sim::Result<InodeRef> lookup(Inode& directory, std::string_view name);
  // EEXIST, ENOSPC, EROFS, EINVAL (an invalid character), EIO.
  sim::Result<InodeRef> create(Inode& directory, std::string_view name);
  sim::Result<InodeRef> mkdir(Inode& directory, std::string_view name);
  // EISDIR: a directory.
  sim::Status unlink(Inode& directory, std::string_view name);
  // ENOTDIR, ENOTEMPTY.
  sim::Status rmdir(Inode& directory, std::string_view name);
  // Within or across directories; an existing target is replaced. ENOENT, EEXIST (kNoReplace),
  // EINVAL (kExchange, a directory into itself, an invalid character), EISDIR, ENOTDIR, ENOTEMPTY.
  sim::Status rename(Inode& from_directory, std::string_view from, Inode& to_directory,
                     std::string_view to, RenameMode mode);
  // At most `limit` names from entry `pos` on; a position past the end gives none.
  [[nodiscard]] sim::Result<DirectoryPage> read_directory(Inode& directory, uint64_t pos,
                                                          size_t limit);
  // Directories in a directory, for st_nlink.
  [[nodiscard]] sim::Result<uint64_t> subdirectory_count(Inode& directory);

  // ---- clusters ----

  // The contiguous clusters that hold a part of a file. Existing clusters first: a request that
  // starts in them gets the existing run, never new ones. At or past the last cluster: a hole, or,
  // with may_allocate, up to first + count is allocated (VolumeDirty is set first) and the first
  // new run from `first` on returned. ENOSPC with no cluster taken: fewer are free than asked, or
  // with `partial` none at all. EIO: the chain is broken.
  [[nodiscard]] sim::Result<Mapping> map_clusters(Inode& inode, const MapRequest& request);
  // Grows the file to `total` clusters (truncate up, fallocate, a gap). VolumeDirty is not set
  // here, as the driver does not either. ENOSPC and EIO with nothing changed.
  sim::Status extend(Inode& inode, sim::ClusterCount total);
  // Frees the clusters past S, as truncate and a failed write do: VolumeDirty, dentry set, FAT
  // cut, bitmap. S and V must have been set before. Errors are returned; what was done stays.
  sim::Status shrink(Inode& inode);
  // Every run of the file's clusters.
  [[nodiscard]] sim::Result<std::vector<ClusterRun>> runs(Inode& inode);

  // ---- buffers ----

  // Every dirty buffer, one pass (sync_blockdev); no flush.
  sim::Status write_buffers() { return cache_->write_all(); }
  // Flushes the device. Clusters whose free waited for it are free then, in the buffers.
  sim::Status flush();

  // ---- ordering ----

  [[nodiscard]] bool has(Rule rule) const { return options_.ordering.has(rule); }
  // For the rule data-first: every byte of the file below `valid` has been written to the device.
  // False, and nothing is noted, when V went down since `cuts` was read.
  bool data_written(Inode& inode, sim::FilePos valid, uint64_t cuts);
  // A file's data must be written, below V, before write_inode() can store its V.
  [[nodiscard]] bool needs_data_first(const Inode& inode) const;
  // Freed clusters wait for flush() with every directory written.
  [[nodiscard]] bool frees_wait() const { return allocator_->waiting() > 0; }

 private:
  // A set in a directory, and its name.
  struct Found {
    uint32_t entry = 0;
    DentrySet set;
  };
  // What rename() works on.
  struct Renaming;

  FileSystem(sim::World& world, std::unique_ptr<buffer::BufferCache> cache, const BootRegion& boot,
             const Options& options);

  // mount.cc
  sim::Status load_system();
  sim::Status load_root();
  sim::Status load_bitmap(const BitmapDentry& entry);
  sim::Status load_upcase(const UpcaseDentry& entry);
  [[nodiscard]] sim::Result<std::vector<ClusterRun>> system_runs(const char* what,
                                                                 sim::Cluster first,
                                                                 sim::ByteCount length);

  // directory.cc
  [[nodiscard]] DirectoryFile open_directory(Inode& directory);
  [[nodiscard]] sim::Result<DirectoryIndex*> index_of(Inode& directory);
  sim::Status find(Inode& directory, const Name& name, std::optional<Found>& found);
  [[nodiscard]] sim::Result<InodeRef> instantiate(Inode& directory, const Found& found);
  sim::Status fill_inode(Inode& inode, const DentrySet& set);
  [[nodiscard]] sim::Result<uint32_t> make_room(Inode& directory, uint32_t count);
  sim::Status grow_directory(Inode& directory);
  [[nodiscard]] uint32_t hash_of(const DentrySet& set) const;
  // What stands at `end` is an end mark, if the set before it takes the place of the old one.
  sim::Status keep_end_mark(Inode& directory, uint32_t end);
  sim::Status add_set(Inode& directory, const DentrySet& set, uint32_t entry);
  sim::Status remove_set(Inode& directory, const Found& found, bool sync);
  sim::Status rewrite_set(Inode& directory, uint32_t entry, const DentrySet& old,
                          const DentrySet& set, bool sync);
  sim::Status touch_directory(Inode& directory, bool wait);

  // volume_label.cc
  [[nodiscard]] sim::Result<std::optional<uint32_t>> label_entry();

  // namei.cc
  sim::Status check_new_name(const Name& name) const;
  [[nodiscard]] sim::Result<InodeRef> make(Inode& directory, std::string_view name,
                                           bool is_directory);
  [[nodiscard]] sim::Result<ClusterChain> new_directory_cluster();
  sim::Status remove_name(Inode& directory, std::string_view name, bool is_directory);
  [[nodiscard]] sim::Result<bool> is_empty(Inode& directory);
  sim::Status evict(Inode& inode);

  // rename.cc
  sim::Status check_rename(const Renaming& work);
  sim::Status rename_entries(Renaming& work);
  sim::Status rename_beside(Renaming& work, const DentrySet& renamed, sim::Status& written);
  sim::Status rename_onto(Renaming& work, const DentrySet& renamed);
  sim::Status rename_by_copy(Renaming& work, const DentrySet& renamed);

  // clusters.cc; the caller holds the volume lock, as for all above
  [[nodiscard]] sim::Status check_alive() const;
  sim::Status set_volume_dirty();
  sim::Status store_inode(Inode& inode, bool wait);
  sim::Status allocate_for(Inode& inode, sim::ClusterCount count);
  sim::Status free_runs(std::vector<ClusterRun> runs, std::optional<sim::Cluster> end);
  void forget_buffers(std::span<const ClusterRun> runs);
  // Of a deleted set: the clusters of its vendor allocations are freed. Those of a broken chain are
  // lost, as nobody could be told.
  void free_vendor_clusters(const DentrySet& set);

  // ordered.cc: what the rules add to the driver's order
  [[nodiscard]] uint32_t set_alignment() const;
  sim::Status add_aligned_set(Inode& directory, const DentrySet& set, uint32_t entry);
  sim::Status write_unused(Inode& directory, uint32_t entry, uint32_t end);
  sim::Status harden_all(buffer::IoKinds kinds, bool written);
  sim::Status before_set(Inode& inode);
  [[nodiscard]] sim::FilePos storable_valid_size(Inode& inode) const;
  sim::Status before_directory_cluster(std::span<const ClusterRun> runs, bool of_root);
  sim::Status harden_name(Inode& directory, uint32_t entry, uint32_t count);

  sim::World& world_;
  std::unique_ptr<buffer::BufferCache> cache_;
  BootRegion boot_;
  Options options_;
  Fat fat_;
  std::optional<AllocationBitmap> bitmap_;
  std::optional<Allocator> allocator_;
  Upcase upcase_;
  sim::Mutex volume_lock_;
  InodeCache inodes_;
  Inode* root_ = nullptr;
  bool shut_down_ = false;
};

}  // namespace zerotail::exfat
