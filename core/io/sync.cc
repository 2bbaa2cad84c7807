// fsync, sync, the flusher, and what umount writes.
#include <mutex>

#include "data_path.h"
#include "zerotail/exfat/file_system.h"
#include "zerotail/io/file_ops.h"
#include "zerotail/io/mount.h"

namespace zerotail::io {

namespace {

constexpr exfat::DirtyBits kOnDisk = exfat::DirtyBits::kTimes | exfat::DirtyBits::kMetadata;

sim::Status write_data(FileNode& node, sim::FilePos first, sim::FilePos last) {
  sim::Status status = write_back(node, first, last);
  if (!node.cache().any_dirty()) {
    node.mount().fs().clear_dirty(node.inode(), exfat::DirtyBits::kPages);
  }
  return status;
}

// With the rule data-first the set tells of nothing that is not on the device: all data below V is
// written, also outside the range that was asked for.
sim::Status write_data_below_valid(FileNode& node) {
  exfat::Inode& inode = node.inode();
  exfat::FileSystem& fs = node.mount().fs();
  for (;;) {
    sim::FilePos valid;
    uint64_t cuts = 0;
    {
      // A direct write moves V before its data is there.
      const std::lock_guard<sim::RwLock> guard(inode.lock());
      if (!fs.needs_data_first(inode)) return {};
      node.wait_direct();
      valid = inode.valid_size();
      cuts = inode.valid_cuts();
    }
    ZT_TRY(write_data(node, sim::FilePos{0}, valid - sim::ByteCount{1}));
    if (fs.data_written(inode, valid, cuts)) return {};
  }
}

}  // namespace

sim::Status fsync(FileNode& node, sim::FilePos first, sim::FilePos last, bool data_only,
                  ErrorSample& errors) {
  sim::Status written = write_data(node, first, last);
  if (written.ok()) written = write_data_below_valid(node);
  const sim::Errno told = node.cache().errors().check_and_advance(errors);
  ZT_TRY(written);
  if (told != sim::Errno::kOk) return sim::Error(told, "fsync: an earlier writeback failed");
  return fsync_metadata(node.inode(), data_only);
}

namespace {

// The rule parent-size: a set behind the stored end of its directory is not there after a crash.
sim::Status write_parent_sizes(exfat::Inode& inode) {
  for (exfat::InodeRef above = inode.parent(); above && !above->is_root();
       above = exfat::InodeRef(above->parent())) {
    const std::lock_guard<sim::RwLock> guard(above->lock());
    if (any(above->dirty() & exfat::DirtyBits::kMetadata)) {
      ZT_TRY(inode.fs().write_inode(*above, true));
    }
  }
  return {};
}

}  // namespace

sim::Status fsync_metadata(exfat::Inode& inode, bool data_only) {
  exfat::FileSystem& fs = inode.fs();
  if (fs.options().read_only) return {};
  {
    const std::lock_guard<sim::RwLock> guard(inode.lock());
    const exfat::DirtyBits wanted = data_only ? exfat::DirtyBits::kMetadata : kOnDisk;
    if (any(inode.dirty() & wanted)) ZT_TRY(fs.write_inode(inode, true));
  }
  if (fs.has(exfat::Rule::kParentSize)) ZT_TRY(write_parent_sizes(inode));
  ZT_TRY(fs.write_buffers());
  return fs.flush();
}

// With the rule data-first all data goes first, so that one flush serves all sets.
sim::Status Mount::write_data_first() {
  for (const exfat::InodeRef& inode : fs_->dirty_inodes()) {
    if (!fs_->needs_data_first(*inode)) continue;
    ZT_TRY(fs_->set_dirty());
    ZT_TRY(write_data_below_valid(node(*inode)));
  }
  return {};
}

sim::Status Mount::write_back(exfat::Inode& inode, bool wait) {
  sim::Status status;
  // The driver's data waits in a plug until it has to wait for VolumeDirty, so the flush before
  // that does not cover it.
  if (any(inode.dirty() & kOnDisk)) status = fs_->set_dirty();
  if (status.ok() && any(inode.dirty() & exfat::DirtyBits::kPages)) {
    status = write_data(node(inode), sim::FilePos{0}, iomap::kNoLimit);
  }
  if (any(inode.dirty() & kOnDisk)) {
    const sim::Status written = fs_->write_inode(inode, wait);
    if (status.ok()) status = written;
  }
  return status;
}

// With the rule data-first and a file that somebody is writing to, the set is stored with the V
// that is durable, and the next pass comes back. Waiting for the lock would be wrong: its holder
// may wait for the flusher.
void Mount::write_back_unasked(exfat::Inode& inode) {
  if (fs_->needs_data_first(inode) && inode.lock().try_lock()) {
    const std::lock_guard<sim::RwLock> guard(inode.lock(), std::adopt_lock);
    FileNode& file = node(inode);
    file.wait_direct();
    const sim::FilePos valid = inode.valid_size();
    const uint64_t cuts = inode.valid_cuts();
    if (fs_->set_dirty().ok() &&
        write_data(file, sim::FilePos{0}, valid - sim::ByteCount{1}).ok()) {
      static_cast<void>(fs_->data_written(inode, valid, cuts));
    }
  }
  // Errors are kept where the next fsync finds them: with the file's cache, or with the buffers.
  static_cast<void>(write_back(inode, false));
}

sim::Status Mount::write_inodes(bool wait) {
  sim::Status first_error = write_data_first();
  for (const exfat::InodeRef& inode : fs_->dirty_inodes()) {
    const sim::Status status = write_back(*inode, wait);
    if (first_error.ok()) first_error = status;
  }
  return first_error;
}

bool Mount::writes_nothing() const { return fs_->options().read_only || fs_->is_shut_down(); }

sim::Status Mount::sync() {
  if (writes_nothing()) return {};
  const sim::Status inodes = write_inodes(true);
  ZT_TRY(fs_->write_buffers());
  ZT_TRY(settle_frees());
  if (fs_->has(exfat::Rule::kSyncFlush)) ZT_TRY(fs_->flush());
  return inodes;
}

// Clusters that wait for their sets to be durable are freed, and that is written.
sim::Status Mount::settle_frees() {
  if (!fs_->frees_wait()) return {};
  ZT_TRY(fs_->flush());
  return fs_->write_buffers();
}

sim::Status Mount::background_writeback() {
  if (writes_nothing()) return {};
  const sim::Status before = fs_->write_buffers();
  const sim::Status inodes = write_inodes(false);
  ZT_TRY(fs_->write_buffers());
  ZT_TRY(before);
  return inodes;
}

sim::Status Mount::quiesce() {
  flusher_->wait_idle();
  if (writes_nothing()) return {};
  const sim::Status inodes = write_inodes(false);
  ZT_TRY(fs_->write_buffers());
  ZT_TRY(settle_frees());
  // Clearing VolumeDirty flushes; where it is not cleared, data that was overwritten in place would
  // stay in the device's cache.
  const exfat::BootRegion& boot = fs_->boot_region();
  const bool flushes = boot.dirty() && !boot.dirty_at_mount();
  if (fs_->has(exfat::Rule::kSyncFlush) && !flushes) ZT_TRY(fs_->flush());
  // What could not be written may have left the volume inconsistent: it stays marked.
  ZT_TRY(inodes);
  return fs_->clear_dirty();
}

}  // namespace zerotail::io
