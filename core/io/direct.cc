// O_DIRECT: the page cache is written back and dropped around the transfer; where it cannot be
// dropped the write goes through it and is written back at once.
#include <algorithm>
#include <mutex>
#include <shared_mutex>

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

// V has moved with each piece that was submitted and back with each that failed; S follows here,
// and only when all went well.
sim::Result<uint64_t> write_to_device(FileNode& node, sim::FilePos pos,
                                      const iomap::CopySource& source, bool memory_aligned) {
  exfat::Inode& inode = node.inode();
  exfat::FileSystem& fs = node.mount().fs();
  iomap::WriteResult written;
  {
    const InFlight in_flight(node);
    written = iomap::direct_write(node, pos, source, memory_aligned);
    const sim::FilePos end = pos + sim::ByteCount{written.written};
    if (written.status.ok() && end > inode.size()) {
      inode.set_size(end);
      fs.mark_dirty(inode, exfat::DirtyBits::kMetadata);
    }
    inode.set_valid_size(std::min(inode.valid_size(), inode.size()));
  }
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

}  // namespace

sim::Result<uint64_t> direct_read(FileNode& node, sim::FilePos pos, std::span<std::byte> out,
                                  bool memory_aligned) {
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
                                   const WriteMode& mode, ErrorSample& errors) {
  std::unique_lock<sim::RwLock> guard(node.inode().lock());
  ZT_ASSIGN(const PreparedWrite prepared,
            prepare_write(node, pos, source.bytes.size(), mode.append));
  if (prepared.length == 0) return uint64_t{0};
  iomap::CopySource part = source;
  part.bytes = part.bytes.first(prepared.length);
  const sim::FilePos last = prepared.pos + sim::ByteCount{prepared.length - 1};
  ZT_TRY(iomap::writeback(node, prepared.pos, last));
  const bool dropped = !direct.no_invalidate && node.cache().invalidate(prepared.pos, last, true);
  ZT_ASSIGN(const uint64_t count,
            dropped ? write_to_device(node, prepared.pos, part, direct.memory_aligned)
                    : write_through_cache(node, prepared.pos, part));
  guard.unlock();
  // The direct path syncs the write itself, and the driver does once more.
  if (dropped) ZT_TRY(sync_write(node, prepared, count, mode, errors));
  ZT_TRY(sync_write(node, prepared, count, mode, errors));
  return count;
}

}  // namespace zerotail::io
