#include "data_path.h"
#include "zerotail/io/file_ops.h"
#include "zerotail/io/mount.h"

namespace zerotail::io {

sim::Result<uint64_t> read(FileNode& node, iomap::ReadaheadState& readahead, sim::FilePos pos,
                           std::span<std::byte> out) {
  if (out.empty()) return uint64_t{0};
  ZT_ASSIGN(const uint64_t count, read_cached(node, readahead, pos, out));
  touch_access_time(node.inode());
  return count;
}

}  // namespace zerotail::io
