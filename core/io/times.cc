// Time stamps of inodes, as the driver moves them: relatime for reads, modification on change.
#include "zerotail/exfat/file_system.h"
#include "zerotail/io/mount.h"

namespace zerotail::io {

namespace {
constexpr int64_t kDay = 24 * 60 * 60;
}

void touch_access_time(exfat::Inode& inode) {
  exfat::FileSystem& fs = inode.fs();
  if (fs.options().read_only || inode.unlinked()) return;
  const exfat::TimeStamp now = fs.now();
  const exfat::TimeStamp accessed = inode.accessed();
  const bool stale = inode.modified() >= accessed || now.seconds - accessed.seconds >= kDay;
  if (!stale || exfat::truncate_to_10ms(now) == accessed) return;
  inode.set_accessed(now);
  fs.mark_dirty(inode, exfat::DirtyBits::kTimes);
}

void touch_modified_time(exfat::Inode& inode) {
  exfat::FileSystem& fs = inode.fs();
  const exfat::TimeStamp now = exfat::truncate_to_10ms(fs.now());
  if (now == inode.modified()) return;
  inode.set_modified(now);
  fs.mark_dirty(inode, exfat::DirtyBits::kTimes);
}

}  // namespace zerotail::io
