// Buffered writes: the copy, and what a short one leaves.
#include <mutex>

#include "bh_write.h"
#include "write_prepare.h"
#include "zerotail/io/mount.h"

namespace zerotail::io {

sim::Result<uint64_t> buffered_write_locked(FileNode& node, sim::FilePos pos,
                                            const iomap::CopySource& source) {
  return settle_write(node, iomap::buffered_write(node, pos, source), source.bytes.size());
}

sim::Result<uint64_t> write(FileNode& node, sim::FilePos pos, const iomap::CopySource& source,
                            const WriteMode& mode, ErrorSample& errors) {
  if (node.buffer_heads()) return bh_write(node, pos, source, mode, errors);
  std::unique_lock<sim::RwLock> guard(node.inode().lock());
  // First of all: S and V, which the position and the gap are judged by, may still move with it.
  if (!source.bytes.empty()) node.wait_direct();
  ZT_ASSIGN(const PreparedWrite prepared,
            prepare_write(node, pos, source.bytes.size(), mode.append));
  if (prepared.length == 0) return uint64_t{0};
  iomap::CopySource part = source;
  part.bytes = part.bytes.first(prepared.length);
  ZT_ASSIGN(const uint64_t count, buffered_write_locked(node, prepared.pos, part));
  guard.unlock();
  ZT_TRY(sync_write(node, prepared, count, mode, errors));
  return count;
}

}  // namespace zerotail::io
