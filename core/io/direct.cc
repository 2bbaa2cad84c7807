// O_DIRECT: the page cache is written back and dropped around the transfer; where it cannot be
// dropped the write goes through it and is written back at once.
#include <algorithm>
#include <mutex>
#include <shared_mutex>

#include "bh_write.h"
#include "grow.h"
#include "write_prepare.h"
#include "zerotail/exfat/file_system.h"
#include "zerotail/io/mount.h"
#include "zerotail/iomap/direct_io.h"
#include "zerotail/iomap/writeback.h"

namespace zerotail::io {

namespace {

// In flight as long as it lives.
class InFlight {
 public:
  explicit InFlight(FileNode& node) : node_(node) { node_.begin_direct(); }
  ~InFlight() { node_.end_direct(); }
  InFlight(const InFlight&) = delete;
  InFlight& operator=(const InFlight&) = delete;

 private:
  FileNode& node_;
};

// The write in terms of the page cache, written back before it returns.
sim::Result<uint64_t> write_through_cache(FileNode& node, sim::FilePos pos,
                                          const iomap::CopySource& source) {
  ZT_ASSIGN(const uint64_t count, buffered_write_locked(node, pos, source));
  if (count == 0) return count;
  const sim::FilePos last = pos + sim::ByteCount{count - 1};
  ZT_TRY(iomap::writeback(node, pos, last));
  static_cast<void>(node.cache().invalidate(pos, last, true));
  return count;
}

// What a direct write that has landed, or failed, leaves of V, Z and S. V moved when it was
// submitted; what did not reach the device is not valid, and only a whole write moves S.
void settle(FileNode& node, const PreparedWrite& prepared, sim::FilePos valid_before,
            const iomap::WriteResult& result) {
  exfat::Inode& inode = node.inode();
  exfat::FileSystem& fs = node.mount().fs();
  const sim::FilePos end = prepared.pos + sim::ByteCount{result.written};
  const bool moves_valid = prepared.pos + sim::ByteCount{prepared.length} > valid_before;
  if (!result.status.ok() && moves_valid) {
    inode.set_valid_size(std::max(valid_before, result.written > 0 ? end : valid_before));
  }
  if (result.status.ok() && end > inode.size()) {
    inode.set_size(end);
    fs.mark_dirty(inode, exfat::DirtyBits::kMetadata);
  }
  // Behind S, too, bytes of a failed write may have landed: they are neither zeros nor the file's.
  inode.set_valid_size(std::min(inode.valid_size(), inode.size()));
  inode.set_zeroed_size(std::max(inode.zeroed_size(), std::min(end, inode.size())));
  if (moves_valid) node.landed();
}

// Pages that were read or stored to while the write was on its way. What cannot be dropped no
// longer agrees with the device; the kernel tells the next fsync of that, too.
void drop_stale_pages(FileNode& node, sim::FilePos pos, uint64_t written) {
  if (written == 0) return;
  const sim::FilePos last = pos + sim::ByteCount{written - 1};
  if (!node.cache().invalidate(pos, last, true)) node.cache().errors().record(sim::Errno::kIo);
}

// ENOSPC when the clusters that the write lacks are not there: nothing changes then, what lies on
// clusters that the file has included. (A write that begins misaligned is told so first.)
sim::Status check_room(FileNode& node, const PreparedWrite& prepared, bool memory_aligned) {
  const exfat::FileSystem& fs = node.mount().fs();
  const uint64_t mask = node.device().info().logical_block.value() - 1;
  if (!memory_aligned || (prepared.pos.value() & mask) != 0) return {};
  const sim::FilePos end = prepared.pos + sim::ByteCount{prepared.length};
  const sim::ClusterCount needed = fs.geometry().clusters(end - sim::FilePos{0});
  const sim::ClusterCount held = node.inode().allocated();
  if (needed <= held || needed - held <= fs.space().free) return {};
  return sim::Error(sim::Errno::kNoSpc, "direct write: more clusters than are free");
}

// Bytes written; gives `guard` back when `submitted` is there to be called, and has it again when
// something is left to be undone.
sim::Result<uint64_t> write_to_device(FileNode& node, const PreparedWrite& prepared,
                                      const iomap::CopySource& source, bool memory_aligned,
                                      std::unique_lock<sim::RwLock>& guard,
                                      const std::function<void()>& submitted) {
  const sim::FilePos valid_before = node.inode().valid_size();
  iomap::WriteResult result;
  {
    const InFlight in_flight(node);
    if (prepared.pos + sim::ByteCount{prepared.length} > valid_before) {
      node.begin_unlanded(valid_before);
    }
    iomap::DirectWrite write(node, prepared.pos, source, memory_aligned);
    write.submit();
    if (submitted) {
      guard.unlock();
      submitted();
    }
    result = write.wait();
    settle(node, prepared, valid_before, result);
    drop_stale_pages(node, prepared.pos, result.written);
  }
  if (!result.status.ok()) {
    if (!guard.owns_lock()) guard.lock();
    const sim::Status freed = free_beyond_size(node);
    ZT_TRY(result.status);
    ZT_TRY(freed);
  }
  return result.written;
}

}  // namespace

sim::Result<uint64_t> direct_read(FileNode& node, sim::FilePos pos, std::span<std::byte> out,
                                  bool memory_aligned) {
  if (node.buffer_heads()) return bh_direct_read(node, pos, out, memory_aligned);
  if (out.empty()) return uint64_t{0};
  const std::shared_lock<sim::RwLock> guard(node.inode().lock());
  if (pos >= node.size()) return uint64_t{0};
  ZT_TRY(iomap::writeback(node, pos, pos + sim::ByteCount{out.size() - 1}));
  const InFlight in_flight(node);
  ZT_ASSIGN(const uint64_t count, iomap::direct_read(node, pos, out, memory_aligned));
  touch_access_time(node.inode());
  return count;
}

sim::Result<uint64_t> direct_write(FileNode& node, sim::FilePos pos,
                                   const iomap::CopySource& source, const DirectMode& direct,
                                   const WriteMode& mode, ErrorSample& errors,
                                   const std::function<void()>& submitted) {
  // On the buffer-head path a write has landed before its submitter goes on.
  if (node.buffer_heads()) return bh_direct_write(node, pos, source, direct, mode, errors);
  std::unique_lock<sim::RwLock> guard(node.inode().lock());
  if (mode.append || pos + sim::ByteCount{source.bytes.size()} > node.inode().valid_size()) {
    node.wait_direct();
  }
  ZT_ASSIGN(const PreparedWrite prepared,
            prepare_write(node, pos, source.bytes.size(), mode.append));
  if (prepared.length == 0) return uint64_t{0};
  iomap::CopySource part = source;
  part.bytes = part.bytes.first(prepared.length);
  const sim::FilePos last = prepared.pos + sim::ByteCount{prepared.length - 1};
  ZT_TRY(iomap::writeback(node, prepared.pos, last));
  const bool dropped = !direct.no_invalidate && node.cache().invalidate(prepared.pos, last, true);
  if (!dropped) node.wait_direct();
  if (dropped) ZT_TRY(check_room(node, prepared, direct.memory_aligned));
  ZT_ASSIGN(const uint64_t count,
            dropped ? write_to_device(node, prepared, part, direct.memory_aligned, guard, submitted)
                    : write_through_cache(node, prepared.pos, part));
  if (guard.owns_lock()) guard.unlock();
  // The direct path syncs the write itself, and the driver does once more.
  if (dropped) ZT_TRY(sync_write(node, prepared, count, mode, errors));
  ZT_TRY(sync_write(node, prepared, count, mode, errors));
  return count;
}

}  // namespace zerotail::io
