// fsync, sync, the flusher, and what umount writes.
#include <mutex>

#include "zerotail/exfat/file_system.h"
#include "zerotail/io/file_ops.h"
#include "zerotail/io/mount.h"
#include "zerotail/iomap/writeback.h"

namespace zerotail::io {

namespace {

constexpr exfat::DirtyBits kOnDisk = exfat::DirtyBits::kTimes | exfat::DirtyBits::kMetadata;

sim::Status write_data(FileNode& node, sim::FilePos first, sim::FilePos last) {
  sim::Status status = iomap::writeback(node, first, last);
  if (!node.cache().any_dirty()) {
    node.mount().fs().clear_dirty(node.inode(), exfat::DirtyBits::kPages);
  }
  return status;
}

}  // namespace

sim::Status fsync(FileNode& node, sim::FilePos first, sim::FilePos last, bool data_only,
                  ErrorSample& errors) {
  const sim::Status written = write_data(node, first, last);
  const sim::Errno told = node.cache().errors().check_and_advance(errors);
  ZT_TRY(written);
  if (told != sim::Errno::kOk) return sim::Error(told, "fsync: an earlier writeback failed");
  return fsync_metadata(node.inode(), data_only);
}

sim::Status fsync_metadata(exfat::Inode& inode, bool data_only) {
  exfat::FileSystem& fs = inode.fs();
  if (fs.options().read_only) return {};
  {
    const std::lock_guard<sim::RwLock> guard(inode.lock());
    const exfat::DirtyBits wanted = data_only ? exfat::DirtyBits::kMetadata : kOnDisk;
    if (any(inode.dirty() & wanted)) ZT_TRY(fs.write_inode(inode, true));
  }
  ZT_TRY(fs.write_buffers());
  return fs.flush();
}

sim::Status Mount::write_inodes(bool wait) {
  sim::Status first_error;
  for (const exfat::InodeRef& inode : fs_->dirty_inodes()) {
    sim::Status status;
    // The driver's data waits in a plug until it has to wait for VolumeDirty, so the flush before
    // that does not cover it.
    if (any(inode->dirty() & kOnDisk)) status = fs_->set_dirty();
    if (status.ok() && any(inode->dirty() & exfat::DirtyBits::kPages)) {
      status = write_data(node(*inode), sim::FilePos{0}, iomap::kNoLimit);
    }
    if (any(inode->dirty() & kOnDisk)) {
      const sim::Status written = fs_->write_inode(*inode, wait);
      if (status.ok()) status = written;
    }
    if (first_error.ok()) first_error = status;
  }
  return first_error;
}

sim::Status Mount::sync() {
  if (fs_->options().read_only) return {};
  const sim::Status inodes = write_inodes(true);
  ZT_TRY(fs_->write_buffers());
  return inodes;
}

sim::Status Mount::background_writeback() {
  if (fs_->options().read_only) return {};
  const sim::Status before = fs_->write_buffers();
  const sim::Status inodes = write_inodes(false);
  ZT_TRY(fs_->write_buffers());
  ZT_TRY(before);
  return inodes;
}

sim::Status Mount::quiesce() {
  if (fs_->options().read_only) return {};
  const sim::Status inodes = write_inodes(false);
  ZT_TRY(fs_->write_buffers());
  // What could not be written may have left the volume inconsistent: it stays marked.
  ZT_TRY(inodes);
  return fs_->clear_dirty();
}

}  // namespace zerotail::io
