// Buffered writes on the buffer-head path. A gap is not grown first, as on the iomap path, but
// written: zeros page by page from V on, with clusters allocated on the way, so that a volume that
// runs full leaves the file as far as it came.
#include "bh_write.h"

#include <mutex>

#include "bh_prepare.h"
#include "grow.h"
#include "zerotail/bh/buffered_write.h"
#include "zerotail/exfat/file_system.h"
#include "zerotail/io/mount.h"

namespace zerotail::io {

sim::Status bh_make_valid(FileNode& node, sim::FilePos end) {
  node.wait_direct();
  return bh::write_zeros(node, node.valid_end(), end);
}

sim::Status bh_fill_gap(FileNode& node, sim::FilePos pos) {
  if (pos > node.size()) hide_bytes_past_size(node);
  if (pos > node.valid_end()) {
    const sim::Status filled = bh_make_valid(node, pos);
    if (!filled.ok()) {
      // The first error is the one to tell.
      static_cast<void>(free_beyond_size(node));
      return filled;
    }
  }
  touch_modified_time(node.inode());
  return {};
}

sim::Result<uint64_t> bh_buffered_write(FileNode& node, sim::FilePos pos,
                                        const mm::CopySource& source) {
  return settle_write(node, bh::buffered_write(node, pos, source), source.bytes.size());
}

sim::Result<uint64_t> bh_write(FileNode& node, sim::FilePos pos, const mm::CopySource& source,
                               const WriteMode& mode, ErrorSample& errors) {
  std::unique_lock<sim::RwLock> guard(node.inode().lock());
  ZT_ASSIGN(const PreparedWrite prepared, place_write(node, pos, source.bytes.size(), mode.append));
  if (prepared.length == 0) return uint64_t{0};
  ZT_TRY(bh_fill_gap(node, prepared.pos));
  node.wait_direct();
  mm::CopySource part = source;
  part.bytes = part.bytes.first(prepared.length);
  ZT_ASSIGN(const uint64_t count, bh_buffered_write(node, prepared.pos, part));
  guard.unlock();
  ZT_TRY(sync_write(node, prepared, count, mode, errors));
  return count;
}

}  // namespace zerotail::io
