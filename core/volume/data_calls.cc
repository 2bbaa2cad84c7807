// System calls on descriptors: what a caller can get wrong is checked here, the rest is core/io's.
#include <limits>
#include <shared_mutex>

#include "impl.h"
#include "zerotail/io/seek.h"

namespace zerotail::volume {

namespace {

sim::FilePos file_pos(int64_t pos) { return sim::FilePos{static_cast<uint64_t>(pos)}; }

}  // namespace

sim::Result<uint64_t> Volume::read(Fd fd, int64_t pos, std::span<std::byte> out,
                                   uint64_t misalignment) {
  ZT_ASSIGN(OpenFile * file, impl_->data_file(fd, false));
  if (pos < 0) return sim::Error(sim::Errno::kInval, "read: negative position");
  if (file->flags.direct) {
    return io::direct_read(impl_->node(*file), file_pos(pos), out, misalignment == 0);
  }
  return io::read(impl_->node(*file), file->readahead, file_pos(pos), out);
}

sim::Result<uint64_t> Volume::write(Fd fd, int64_t pos, const Source& source) {
  ZT_ASSIGN(OpenFile * file, impl_->data_file(fd, true));
  const uint64_t length = source.bytes.size();
  const auto max = static_cast<uint64_t>(std::numeric_limits<int64_t>::max());
  if (pos < 0 || length > max - static_cast<uint64_t>(pos)) {
    return sim::Error(sim::Errno::kInval, "write: position out of range");
  }
  const io::WriteMode mode{
      .append = file->flags.append, .sync = file->flags.sync, .data_sync = file->flags.data_sync};
  const iomap::CopySource copy{.bytes = source.bytes, .fault_at = source.fault_at};
  if (file->flags.direct) {
    const io::DirectMode direct{.memory_aligned = source.misalignment == 0,
                                .no_invalidate = source.no_invalidate};
    return io::direct_write(impl_->node(*file), file_pos(pos), copy, direct, mode, file->errors);
  }
  return io::write(impl_->node(*file), file_pos(pos), copy, mode, file->errors);
}

sim::Status Volume::truncate(Fd fd, int64_t size) {
  ZT_ASSIGN(OpenFile * file, impl_->file(fd));
  if (size < 0) return sim::Error(sim::Errno::kInval, "truncate: negative size");
  if (!file->flags.write || file->inode->is_directory()) {
    return sim::Error(sim::Errno::kInval, "truncate: not a file open for writing");
  }
  return io::truncate(impl_->node(*file), file_pos(size));
}

sim::Status Volume::truncate(std::string_view path, int64_t size) {
  if (size < 0) return sim::Error(sim::Errno::kInval, "truncate: negative size");
  ZT_ASSIGN(const exfat::InodeRef inode, impl_->resolve(path));
  if (inode->is_directory()) return sim::Error(sim::Errno::kIsDir, "truncate");
  if (impl_->fs().options().read_only) return sim::Error(sim::Errno::kRofs, "truncate");
  return io::truncate(impl_->mount->node(*inode), file_pos(size));
}

sim::Status Volume::fallocate(Fd fd, uint32_t mode, int64_t pos, int64_t length) {
  ZT_TRY(impl_->file(fd));
  if (pos < 0 || length <= 0) return sim::Error(sim::Errno::kInval, "fallocate: range");
  if (mode != 0) return sim::Error(sim::Errno::kOpNotSupp, "fallocate: mode");
  ZT_ASSIGN(OpenFile * file, impl_->data_file(fd, true));
  return io::fallocate(impl_->node(*file), file_pos(pos),
                       sim::ByteCount{static_cast<uint64_t>(length)});
}

sim::Status Volume::fsync(Fd fd, bool data_only) {
  ZT_ASSIGN(OpenFile * file, impl_->file(fd));
  if (file->inode->is_directory()) return io::fsync_metadata(*file->inode, data_only);
  return io::fsync(impl_->node(*file), sim::FilePos{0}, iomap::kNoLimit, data_only, file->errors);
}

sim::Result<uint64_t> Volume::seek(Fd fd, int64_t offset, Whence whence) {
  ZT_ASSIGN(OpenFile * file, impl_->file(fd));
  exfat::Inode& inode = *file->inode;
  const uint64_t limit = impl_->mount->max_file_size().value();
  int64_t target = offset;
  switch (whence) {
    case Whence::kData:
    case Whence::kHole: {
      ZT_TRY(impl_->data_file(fd, false));
      if (offset < 0) return sim::Error(sim::Errno::kNxio, "seek: negative position");
      const std::shared_lock<sim::RwLock> guard(inode.lock());
      io::FileNode& node = impl_->node(*file);
      ZT_ASSIGN(const sim::FilePos found, whence == Whence::kData
                                              ? io::seek_data(node, file_pos(offset))
                                              : io::seek_hole(node, file_pos(offset)));
      return found.value();
    }
    case Whence::kEnd:
      // Sizes are far below 2^63, so only a huge offset overflows.
      if (offset > 0 && static_cast<uint64_t>(offset) > limit) {
        return sim::Error(sim::Errno::kInval, "seek: past the largest size");
      }
      target = static_cast<int64_t>(inode.size().value()) + offset;
      break;
    case Whence::kSet:
      break;
  }
  if (target < 0 || static_cast<uint64_t>(target) > limit) {
    return sim::Error(sim::Errno::kInval, "seek: position out of range");
  }
  return static_cast<uint64_t>(target);
}

}  // namespace zerotail::volume
