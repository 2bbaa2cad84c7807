// Buffered writes: limits, the gap between V and the position, the copy, what a short copy leaves.
#include <algorithm>
#include <mutex>

#include "grow.h"
#include "zerotail/exfat/file_system.h"
#include "zerotail/io/file_ops.h"
#include "zerotail/io/mount.h"

namespace zerotail::io {

namespace {

// Stores of shared mappings into [first, last] fault again, so that V follows them.
void revoke_stores(mm::AddressSpace& cache, sim::FilePos first, sim::FilePos last) {
  const uint64_t last_index = cache.index_of(last);
  for (mm::FolioRef folio = cache.next(cache.index_of(first));
       folio && folio->index() <= last_index; folio = cache.next(folio->index() + 1)) {
    folio->unmap();
  }
}

// Makes [V, pos) valid: zeros, but for what stores of shared mappings left in the cache.
sim::Status fill_gap(FileNode& node, sim::FilePos pos) {
  exfat::Inode& inode = node.inode();
  exfat::FileSystem& fs = node.mount().fs();
  mm::AddressSpace& cache = node.cache();
  if (pos > inode.size()) ZT_TRY(grow(node, pos));
  node.wait_direct();
  const std::lock_guard<sim::RwLock> guard(cache.invalidate_lock());
  const sim::FilePos from = std::max(inode.valid_size(), inode.zeroed_size());
  if (from < pos) {
    revoke_stores(cache, from, pos);
    ZT_TRY(iomap::fill_dirty(node, from, pos - from));
    fs.mark_dirty(inode, exfat::DirtyBits::kPages);
  }
  // A store that faulted while the gap was read may have moved V further.
  inode.set_valid_size(std::max(inode.valid_size(), pos));
  inode.set_zeroed_size(std::max(inode.zeroed_size(),
                                 sim::round_up(inode.valid_size(), fs.geometry().sector_size())));
  fs.mark_dirty(inode, exfat::DirtyBits::kMetadata);
  return {};
}

struct Written {
  sim::FilePos pos;
  sim::FilePos valid_before;
  uint64_t count = 0;
};

sim::Result<Written> write_locked(FileNode& node, sim::FilePos pos, const iomap::CopySource& source,
                                  bool append) {
  exfat::Inode& inode = node.inode();
  exfat::FileSystem& fs = node.mount().fs();
  if (append) pos = inode.size();
  Written result{.pos = pos, .valid_before = inode.valid_size()};
  if (source.bytes.empty()) return result;
  const sim::FilePos limit = fs.geometry().max_file_size();
  if (pos >= limit) return sim::Error(sim::Errno::kFBig, "write: past the largest size");
  iomap::CopySource part = source;
  const uint64_t room = (limit - pos).value();
  part.bytes = part.bytes.first(std::min<uint64_t>(part.bytes.size(), room));
  if (pos > inode.valid_size()) ZT_TRY(fill_gap(node, pos));
  touch_modified_time(inode);
  const iomap::WriteResult written = iomap::buffered_write(node, pos, part);
  if (written.written < part.bytes.size()) {
    const sim::Status freed = free_beyond_size(node);
    if (written.written == 0 && !written.status.ok()) return written.status.error();
    ZT_TRY(freed);
  }
  result.count = written.written;
  return result;
}

}  // namespace

sim::Result<uint64_t> write(FileNode& node, sim::FilePos pos, const iomap::CopySource& source,
                            const WriteMode& mode, ErrorSample& errors) {
  exfat::Inode& inode = node.inode();
  std::unique_lock<sim::RwLock> guard(inode.lock());
  ZT_ASSIGN(const Written written, write_locked(node, pos, source, mode.append));
  guard.unlock();
  const bool through = mode.sync || mode.data_sync || node.mount().fs().options().sync;
  if (written.count > 0 && through) {
    const sim::FilePos first = std::min(written.pos, written.valid_before);
    const sim::FilePos last = written.pos + sim::ByteCount{written.count - 1};
    ZT_TRY(fsync(node, first, last, !mode.sync, errors));
  }
  return written.count;
}

}  // namespace zerotail::io
