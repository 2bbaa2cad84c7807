// What is done to a volume or a file through ioctl: attributes, label, FITRIM, forced shutdown;
// and the times of a file.
#include <algorithm>
#include <mutex>
#include <shared_mutex>

#include "impl.h"
#include "zerotail/io/flusher.h"

namespace zerotail::volume {

namespace {

// What the ioctl can change; the rest of the field is reserved.
constexpr uint32_t kSettable = exfat::kAttributeReadOnly | exfat::kAttributeHidden |
                               exfat::kAttributeSystem | exfat::kAttributeArchive;

// The kernel cuts a time to what the file system can hold before it is set.
exfat::TimeStamp held_time(const FileTime& time) {
  return exfat::from_disk_time(
      exfat::to_disk_time({.seconds = time.seconds, .nanoseconds = time.nanoseconds}));
}

}  // namespace

sim::Status Volume::Impl::alive() {
  if (!fs().is_shut_down()) return {};
  return sim::Error(sim::Errno::kIo, "the volume was shut down");
}

sim::Result<uint16_t> Volume::attributes(std::string_view path) {
  ZT_ASSIGN(const exfat::InodeRef inode, impl_->resolve(path));
  const std::shared_lock<sim::RwLock> guard(inode->lock());
  return inode->attributes();
}

sim::Status Volume::set_attributes(std::string_view path, uint32_t attributes, bool privileged) {
  ZT_ASSIGN(const exfat::InodeRef inode, impl_->resolve(path));
  if (impl_->fs().options().read_only) return sim::Error(sim::Errno::kRofs, "attributes");
  const std::lock_guard<sim::RwLock> guard(inode->lock());
  const auto wanted = static_cast<uint16_t>(attributes & kSettable);
  if (inode->is_root() && wanted != 0) {
    return sim::Error(sim::Errno::kInval, "attributes: the root directory has none");
  }
  const unsigned either = unsigned{wanted} | inode->attributes();
  if ((either & exfat::kAttributeSystem) != 0 && !privileged) {
    return sim::Error(sim::Errno::kPerm, "attributes: of a system file");
  }
  inode->set_attributes(wanted);
  impl_->fs().mark_dirty(*inode, exfat::DirtyBits::kTimes | exfat::DirtyBits::kMetadata);
  return {};
}

sim::Status Volume::set_times(std::string_view path, const std::optional<FileTime>& accessed,
                              const std::optional<FileTime>& modified) {
  ZT_ASSIGN(const exfat::InodeRef inode, impl_->resolve(path));
  if (impl_->fs().options().read_only) return sim::Error(sim::Errno::kRofs, "times");
  const std::lock_guard<sim::RwLock> guard(inode->lock());
  if (accessed) inode->set_accessed(exfat::truncate_to_2s(held_time(*accessed)));
  if (modified) inode->set_modified(held_time(*modified));
  impl_->fs().mark_dirty(*inode, exfat::DirtyBits::kTimes);
  return {};
}

sim::Result<std::string> Volume::label() { return impl_->fs().label(); }

sim::Status Volume::set_label(std::string_view label) {
  ZT_TRY(impl_->alive());
  const exfat::InodeRef root = impl_->fs().root();
  const std::lock_guard<sim::RwLock> guard(root->lock());
  return impl_->fs().set_label(label);
}

sim::Result<uint64_t> Volume::trim(const Trim& range) {
  ZT_ASSIGN(const sim::ByteCount trimmed,
            impl_->fs().trim({.start = sim::FilePos{range.start},
                              .length = sim::ByteCount{range.length},
                              .min_length = sim::ByteCount{range.min_length}}));
  return trimmed.value();
}

sim::Status Volume::shutdown(uint32_t mode) {
  if (impl_->fs().is_shut_down()) return {};
  switch (mode) {
    case kShutdownDefault:
    case kShutdownFullSync:
      // Freezing the block device writes everything back; VolumeDirty stays set.
      ZT_TRY(impl_->mount->sync());
      break;
    case kShutdownNoSync:
      break;
    default:
      return sim::Error(sim::Errno::kInval, "shutdown: mode " + std::to_string(mode));
  }
  impl_->fs().shut_down();
  impl_->mount->flusher().stop();
  return {};
}

}  // namespace zerotail::volume
