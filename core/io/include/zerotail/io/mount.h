// A mounted volume with its data: the exFAT metadata below, page caches beside it, and what is done
// to the volume as a whole.
//
// Locks, outermost first: inode lock, invalidate lock, truncate lock, folio locks, volume lock (in
// exfat). Nothing waits for a folio or for I/O on data with the volume lock held.
#pragma once

#include <map>
#include <memory>

#include "zerotail/exfat/file_system.h"
#include "zerotail/io/flusher.h"
#include "zerotail/mm/folio_pool.h"

namespace zerotail::io {

class FileNode;

// How file data moves: through iomap, or through buffer heads and get_block as before it.
enum class IoPath : uint8_t { kIomap, kBufferHead };

// How files are cached, and by which path. Buffer heads have folios of one page only.
struct CacheOptions {
  sim::ByteCount page_size{4096};  // 4 to 64 KiB, a power of two
  mm::FolioSizes folios = mm::FolioSizes::kSinglePage;
  IoPath path = IoPath::kIomap;
};

class Mount {
 public:
  // Errors as exfat::FileSystem::mount.
  [[nodiscard]] static sim::Result<std::unique_ptr<Mount>> open(sim::World& world,
                                                                sim::BlockDevice& device,
                                                                const exfat::Options& options,
                                                                const CacheOptions& cache);
  // Writes nothing: without quiesce() this is a power failure. A pass of the flusher that is under
  // way ends with the inode that it is at. No InodeRef may be left outside.
  ~Mount();
  Mount(const Mount&) = delete;
  Mount& operator=(const Mount&) = delete;

  [[nodiscard]] exfat::FileSystem& fs() { return *fs_; }
  [[nodiscard]] IoPath path() const { return path_; }
  // What the buffer-head path allows is limited by the heap, what iomap allows by the format.
  [[nodiscard]] sim::FilePos max_file_size() const;
  [[nodiscard]] sim::World& world() { return world_; }
  [[nodiscard]] sim::BlockDevice& device() { return device_; }
  [[nodiscard]] mm::FolioPool& folios() { return pool_; }
  [[nodiscard]] Flusher& flusher() { return *flusher_; }

  // The file's page cache; made when first asked for, and kept as long as the inode is cached.
  [[nodiscard]] FileNode& node(exfat::Inode& inode);

  // sync(2), syncfs(2): data and dentry set inode by inode, then all other metadata; no flush.
  sim::Status sync();
  // What the flusher does when everything has expired: the block device's buffers are older than
  // the files, so metadata goes first, then data, then what writing the files' sets dirtied again.
  sim::Status background_writeback();
  // The work of umount and of remount: everything is written, then VolumeDirty cleared.
  sim::Status quiesce();
  // The flusher's work on one inode; its errors are kept for fsync. Never waits for the inode lock.
  void write_back_unasked(exfat::Inode& inode);
  // drop_caches: clean folios that are not mapped, clean buffers, inodes nobody uses.
  void drop_caches();

 private:
  friend class FileNode;
  Mount(sim::World& world, sim::BlockDevice& device, const CacheOptions& cache);
  // A read-only mount, or one after a forced shutdown.
  [[nodiscard]] bool writes_nothing() const;
  // One dirty inode: VolumeDirty when its dentry set will be written, its data, its set.
  sim::Status write_back(exfat::Inode& inode, bool wait);
  sim::Status write_inodes(bool wait);
  sim::Status write_data_first();
  sim::Status settle_frees();

  sim::World& world_;
  sim::BlockDevice& device_;
  IoPath path_;
  mm::FolioPool pool_;                   // outlives the inodes of fs_
  std::map<uint64_t, FileNode*> nodes_;  // by Inode::number(); nodes enter and leave themselves
  std::unique_ptr<exfat::FileSystem> fs_;
  std::unique_ptr<Flusher> flusher_;
};

// A read, a listing: the access time moves as with relatime.
void touch_access_time(exfat::Inode& inode);
// A change of content: the modification time moves.
void touch_modified_time(exfat::Inode& inode);

}  // namespace zerotail::io
