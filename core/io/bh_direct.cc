// O_DIRECT on the buffer-head path: blocks that are mapped, and blocks behind the last one, go to
// the device; from the first hole on, and where the cache cannot be dropped, the write goes through
// the cache and is written back at once.
#include <algorithm>
#include <mutex>
#include <shared_mutex>

#include "bh_prepare.h"
#include "data_path.h"
#include "grow.h"
#include "zerotail/bh/direct_io.h"
#include "zerotail/exfat/file_system.h"
#include "zerotail/io/mount.h"

namespace zerotail::io {

namespace {

bool aligned(FileNode& node, sim::FilePos pos, uint64_t length) {
  const uint64_t mask = node.device().info().logical_block.value() - 1;
  return ((pos.value() | length) & mask) == 0;
}

// What reached the device; S and V follow. An error gives back what lies behind S.
sim::Result<uint64_t> write_to_device(FileNode& node, sim::FilePos pos,
                                      const mm::CopySource& source) {
  exfat::Inode& inode = node.inode();
  const sim::FilePos valid_before = node.valid_end();
  node.begin_direct();
  const mm::WriteResult written = bh::direct_write(node, pos, source);
  const sim::FilePos end = pos + sim::ByteCount{written.written};
  if (!written.status.ok()) {
    // Behind S the device may hold what was not to be the file's, also in S's own block.
    node.set_valid_end(std::min(valid_before, inode.size()));
  } else if (written.written > 0) {
    if (end > inode.size()) {
      inode.set_size(end);
      node.mount().fs().mark_dirty(inode, exfat::DirtyBits::kMetadata);
    }
    if (end > valid_before) node.mount().fs().mark_dirty(inode, exfat::DirtyBits::kMetadata);
    node.set_valid_end(std::max(node.valid_end(), end));
  }
  node.end_direct();
  if (written.written > 0) {
    // A buffered read may have filled the cache meanwhile.
    static_cast<void>(
        node.cache().invalidate(pos, pos + sim::ByteCount{written.written - 1}, true));
  }
  if (!written.status.ok()) {
    const sim::Status freed = free_beyond_size(node);
    ZT_TRY(written.status);
    ZT_TRY(freed);
  }
  return written.written;
}

sim::Result<uint64_t> write_through_cache(FileNode& node, sim::FilePos pos,
                                          const mm::CopySource& source) {
  ZT_ASSIGN(const uint64_t count, bh_buffered_write(node, pos, source));
  if (count == 0) return count;
  const sim::FilePos last = pos + sim::ByteCount{count - 1};
  ZT_TRY(write_back(node, pos, last));
  static_cast<void>(node.cache().invalidate(pos, last, true));
  return count;
}

// The part of the source from `done` on.
mm::CopySource rest_of(const mm::CopySource& source, uint64_t done) {
  mm::CopySource rest = source;
  rest.bytes = rest.bytes.subspan(done);
  if (rest.fault_at) rest.fault_at = *rest.fault_at > done ? *rest.fault_at - done : 0;
  return rest;
}

}  // namespace

sim::Result<uint64_t> bh_direct_read(FileNode& node, sim::FilePos pos, std::span<std::byte> out,
                                     bool memory_aligned) {
  if (out.empty()) return uint64_t{0};
  const std::shared_lock<sim::RwLock> guard(node.inode().lock());
  if (pos >= node.size()) return uint64_t{0};
  if (!memory_aligned || !aligned(node, pos, out.size())) {
    return sim::Error(sim::Errno::kInval, "direct read: misaligned");
  }
  ZT_TRY(write_back(node, pos, pos + sim::ByteCount{out.size() - 1}));
  node.begin_direct();
  const sim::Result<uint64_t> count = bh::direct_read(node, pos, out);
  node.end_direct();
  if (count.ok()) touch_access_time(node.inode());
  return count;
}

sim::Result<uint64_t> bh_direct_write(FileNode& node, sim::FilePos pos,
                                      const mm::CopySource& source, const DirectMode& direct,
                                      const WriteMode& mode, ErrorSample& errors) {
  std::unique_lock<sim::RwLock> guard(node.inode().lock());
  ZT_ASSIGN(const PreparedWrite prepared, place_write(node, pos, source.bytes.size(), mode.append));
  if (prepared.length == 0) return uint64_t{0};
  if (!direct.memory_aligned || !aligned(node, prepared.pos, prepared.length)) {
    return sim::Error(sim::Errno::kInval, "direct write: misaligned");
  }
  ZT_TRY(bh_fill_gap(node, prepared.pos));
  mm::CopySource part = source;
  part.bytes = part.bytes.first(prepared.length);
  const sim::FilePos last = prepared.pos + sim::ByteCount{prepared.length - 1};
  ZT_TRY(write_back(node, prepared.pos, last));
  uint64_t count = 0;
  if (!direct.no_invalidate && node.cache().invalidate(prepared.pos, last, true)) {
    ZT_ASSIGN(count, write_to_device(node, prepared.pos, part));
  }
  if (count < prepared.length) {
    const auto rest =
        write_through_cache(node, prepared.pos + sim::ByteCount{count}, rest_of(part, count));
    if (!rest.ok() && count == 0) return rest.error();
    if (rest.ok()) count += *rest;
  }
  guard.unlock();
  ZT_TRY(sync_write(node, prepared, count, mode, errors));
  return count;
}

}  // namespace zerotail::io
