#include "zerotail/io/file_node.h"

#include "zerotail/buffer/io_kind.h"
#include "zerotail/exfat/file_system.h"
#include "zerotail/io/mount.h"

namespace zerotail::io {

FileNode::FileNode(Mount& mount, exfat::Inode& inode)
    : mount_(mount),
      inode_(inode),
      cache_(mount.world().scheduler, mount.folios(), mount.fs().geometry().sector_size()),
      direct_waiters_(mount.world().scheduler),
      valid_end_(inode.valid_size()) {
  mount_.nodes_.emplace(inode_.number(), this);
}

FileNode::~FileNode() { mount_.nodes_.erase(inode_.number()); }

bool FileNode::buffer_heads() const { return mount_.path() == IoPath::kBufferHead; }

sim::FilePos FileNode::max_size() const { return mount_.max_file_size(); }

sim::BlockDevice& FileNode::device() { return mount_.device(); }

sim::IoTag FileNode::data_tag() const {
  return buffer::tag(buffer::IoKind::kData, inode_.number());
}

void FileNode::balance_dirty() {
  Flusher& flusher = mount_.flusher();
  if (mount_.folios().unwritten() <= flusher.tuning().background) return;
  // The flusher finds files by this mark; a write sets it only when its mapping ends.
  mount_.fs().mark_dirty(inode_, exfat::DirtyBits::kPages);
  flusher.throttle();
}

void FileNode::end_direct() {
  ZT_ASSERT(direct_in_flight_ > 0);
  if (--direct_in_flight_ == 0) direct_waiters_.wake_all();
}

void FileNode::landed() {
  unlanded_from_.reset();
  direct_waiters_.wake_all();
}

void FileNode::wait_direct() {
  while (direct_in_flight_ > 0) direct_waiters_.wait("direct I/O of a file");
}

}  // namespace zerotail::io
