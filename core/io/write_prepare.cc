#include "write_prepare.h"

#include <algorithm>
#include <mutex>

#include "grow.h"
#include "zerotail/exfat/file_system.h"
#include "zerotail/io/mount.h"

namespace zerotail::io {

namespace {

// Stores of shared mappings into [first, last] fault again, so that V follows them.
void revoke_stores(mm::AddressSpace& cache, sim::FilePos first, sim::FilePos last) {
  const uint64_t last_index = cache.index_of(last);
  for (mm::FolioRef folio = cache.next(cache.index_of(first));
       folio && folio->index() <= last_index; folio = cache.next(folio->end_index())) {
    folio->unmap();
  }
}

// [max(V, Z), pos) becomes zeros in the cache, but for what stores of shared mappings left there.
sim::Status fill_to(FileNode& node, sim::FilePos pos) {
  exfat::Inode& inode = node.inode();
  mm::AddressSpace& cache = node.cache();
  const std::lock_guard<sim::RwLock> guard(cache.invalidate_lock());
  const sim::FilePos from = std::max(inode.valid_size(), inode.zeroed_size());
  if (from >= pos) return {};
  revoke_stores(cache, from, pos);
  const sim::Status filled = iomap::fill_dirty(node, from, pos - from);
  // Afterwards: the flusher takes the mark away when it has written all that was dirty by then.
  // Also when it failed half-way: what was dirtied is zeros, and harmless.
  node.mount().fs().mark_dirty(inode, exfat::DirtyBits::kPages);
  return filled;
}

// Makes [V, pos) valid. When it cannot, a file that grew for it has its old size again, and never
// less than that.
sim::Status fill_gap(FileNode& node, sim::FilePos pos) {
  exfat::Inode& inode = node.inode();
  exfat::FileSystem& fs = node.mount().fs();
  node.wait_direct();
  const sim::FilePos size_before = inode.size();
  sim::Status filled = pos > size_before ? grow(node, pos) : sim::Status();
  if (filled.ok()) filled = fill_to(node, pos);
  if (!filled.ok()) {
    // The first error is the caller's; what this one leaves undone is clusters behind S.
    if (inode.size() > size_before) static_cast<void>(shrink_to(node, size_before));
    return filled;
  }
  inode.set_valid_size(std::max(inode.valid_size(), pos));
  const sim::ByteCount block = fs.geometry().sector_size();
  inode.set_zeroed_size(std::max(inode.zeroed_size(), sim::round_up(inode.valid_size(), block)));
  fs.mark_dirty(inode, exfat::DirtyBits::kMetadata);
  return {};
}

}  // namespace

sim::Result<PreparedWrite> place_write(FileNode& node, sim::FilePos pos, uint64_t length,
                                       bool append) {
  const exfat::Inode& inode = node.inode();
  if (append) pos = inode.size();
  PreparedWrite prepared{.pos = pos, .valid_before = inode.valid_size(), .length = 0};
  if (length == 0) return prepared;
  const sim::FilePos limit = node.max_size();
  if (pos >= limit) return sim::Error(sim::Errno::kFBig, "write: past the largest size");
  prepared.length = std::min(length, (limit - pos).value());
  return prepared;
}

sim::Result<PreparedWrite> prepare_write(FileNode& node, sim::FilePos pos, uint64_t length,
                                         bool append) {
  ZT_ASSIGN(const PreparedWrite prepared, place_write(node, pos, length, append));
  if (prepared.length == 0) return prepared;
  exfat::Inode& inode = node.inode();
  if (prepared.pos > inode.valid_size()) ZT_TRY(fill_gap(node, prepared.pos));
  touch_modified_time(inode);
  return prepared;
}

sim::Result<uint64_t> settle_write(FileNode& node, const mm::WriteResult& written,
                                   uint64_t wanted) {
  if (written.written == wanted) return written.written;
  const sim::Status freed = free_beyond_size(node);
  if (written.written == 0) ZT_TRY(written.status);
  ZT_TRY(freed);
  return written.written;
}

sim::Status sync_write(FileNode& node, const PreparedWrite& write, uint64_t count,
                       const WriteMode& mode, ErrorSample& errors) {
  const bool through = mode.sync || mode.data_sync || node.mount().fs().options().sync;
  if (count == 0 || !through) return {};
  const sim::FilePos first = std::min(write.pos, write.valid_before);
  const sim::FilePos last = write.pos + sim::ByteCount{count - 1};
  return fsync(node, first, last, !mode.sync, errors);
}

}  // namespace zerotail::io
