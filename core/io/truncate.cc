#include <algorithm>
#include <mutex>

#include "grow.h"
#include "zerotail/exfat/file_system.h"
#include "zerotail/io/file_ops.h"
#include "zerotail/io/mount.h"

namespace zerotail::io {

namespace {

sim::Status shrink(FileNode& node, sim::FilePos size) {
  exfat::Inode& inode = node.inode();
  exfat::FileSystem& fs = node.mount().fs();
  const std::lock_guard<sim::RwLock> invalidate(node.cache().invalidate_lock());
  const std::lock_guard<sim::RwLock> truncating(inode.truncate_lock());
  inode.set_size(size);
  node.cache().truncate(size);
  inode.set_valid_size(std::min(inode.valid_size(), size));
  // Zeros that only the cache had went with the folios behind S.
  inode.set_zeroed_size(std::min(inode.zeroed_size(), size));
  touch_modified_time(inode);
  fs.mark_dirty(inode, exfat::DirtyBits::kMetadata);
  node.clusters_changed();
  return fs.shrink(inode);
}

}  // namespace

sim::Status truncate(FileNode& node, sim::FilePos size) {
  exfat::Inode& inode = node.inode();
  const std::lock_guard<sim::RwLock> guard(inode.lock());
  if (size > node.mount().fs().geometry().max_file_size()) {
    return sim::Error(sim::Errno::kFBig, "truncate: past the largest size");
  }
  node.wait_direct();
  return size > inode.size() ? grow(node, size) : shrink(node, size);
}

sim::Status fallocate(FileNode& node, sim::FilePos pos, sim::ByteCount length) {
  exfat::Inode& inode = node.inode();
  const std::lock_guard<sim::RwLock> guard(inode.lock());
  const sim::FilePos limit = node.mount().fs().geometry().max_file_size();
  if (pos > limit || length > limit - pos) {
    return sim::Error(sim::Errno::kFBig, "fallocate: past the largest size");
  }
  if (pos + length <= inode.size()) return {};
  node.wait_direct();
  return grow(node, pos + length);
}

}  // namespace zerotail::io
