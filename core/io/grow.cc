#include "grow.h"

#include <algorithm>
#include <mutex>

#include "data_path.h"
#include "zerotail/bh/truncate.h"
#include "zerotail/exfat/file_system.h"
#include "zerotail/io/mount.h"

namespace zerotail::io {

void hide_bytes_past_size(FileNode& node) {
  mm::AddressSpace& cache = node.cache();
  const sim::FilePos size = node.size();
  const mm::FolioRef ref = cache.find(cache.index_of(size));
  if (!ref || ref->pos() >= size) return;
  cache.lock(*ref);
  const mm::LockedFolio folio(cache, ref);
  if (folio->owner() != &cache) return;
  folio->write_protect();
  folio->zero((size - folio->pos()).value(), folio->size().value());
}

sim::Status grow(FileNode& node, sim::FilePos size) {
  exfat::Inode& inode = node.inode();
  exfat::FileSystem& fs = node.mount().fs();
  ZT_ASSERT(inode.lock().held_exclusive() && size > inode.size());
  ZT_TRY(fs.extend(inode, fs.geometry().clusters(size - sim::FilePos{0})));
  hide_bytes_past_size(node);
  inode.set_size(size);
  node.size_changed();
  touch_modified_time(inode);
  fs.mark_dirty(inode, exfat::DirtyBits::kMetadata);
  if (fs.options().sync) ZT_TRY(fs.write_inode(inode, true));
  return {};
}

sim::Status shrink_to(FileNode& node, sim::FilePos size) {
  exfat::Inode& inode = node.inode();
  exfat::FileSystem& fs = node.mount().fs();
  const std::lock_guard<sim::RwLock> invalidate(node.cache().invalidate_lock());
  const std::lock_guard<sim::RwLock> truncating(inode.truncate_lock());
  if (node.buffer_heads()) {
    ZT_TRY(bh::zero_block_tail(node, size));
    fs.mark_dirty(inode, exfat::DirtyBits::kPages);
  }
  inode.set_size(size);
  truncate_cache(node, size);
  inode.set_valid_size(std::min(inode.valid_size(), size));
  // Zeros that only the cache had went with the folios behind S.
  inode.set_zeroed_size(std::min(inode.zeroed_size(), size));
  node.set_valid_end(std::min(node.valid_end(), size));
  touch_modified_time(inode);
  fs.mark_dirty(inode, exfat::DirtyBits::kMetadata);
  node.clusters_changed();
  return fs.shrink(inode);
}

sim::Status free_beyond_size(FileNode& node) {
  exfat::Inode& inode = node.inode();
  exfat::FileSystem& fs = node.mount().fs();
  if (inode.allocated() <= fs.geometry().clusters(inode.size() - sim::FilePos{0})) return {};
  truncate_cache(node, inode.size());
  node.clusters_changed();
  return fs.shrink(inode);
}

}  // namespace zerotail::io
