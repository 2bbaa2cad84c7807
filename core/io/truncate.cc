#include <algorithm>
#include <mutex>

#include "grow.h"
#include "zerotail/exfat/file_system.h"
#include "zerotail/io/file_ops.h"
#include "zerotail/io/mount.h"

namespace zerotail::io {

sim::Status truncate(FileNode& node, sim::FilePos size) {
  exfat::Inode& inode = node.inode();
  const std::lock_guard<sim::RwLock> guard(inode.lock());
  if (size > node.max_size()) {
    return sim::Error(sim::Errno::kFBig, "truncate: past the largest size");
  }
  node.wait_direct();
  return size > inode.size() ? grow(node, size) : shrink_to(node, size);
}

sim::Status fallocate(FileNode& node, sim::FilePos pos, sim::ByteCount length) {
  exfat::Inode& inode = node.inode();
  const std::lock_guard<sim::RwLock> guard(inode.lock());
  const sim::FilePos limit = node.max_size();
  if (pos > limit || length > limit - pos) {
    return sim::Error(sim::Errno::kFBig, "fallocate: past the largest size");
  }
  if (node.buffer_heads()) return sim::Error(sim::Errno::kOpNotSupp, "fallocate: not on this path");
  node.wait_direct();  // it may move S
  if (pos + length <= inode.size()) return {};
  return grow(node, pos + length);
}

}  // namespace zerotail::io
