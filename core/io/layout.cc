#include "zerotail/io/layout.h"

#include <shared_mutex>

#include "zerotail/io/mount.h"
#include "zerotail/iomap/bmap.h"
#include "zerotail/iomap/iter.h"

namespace zerotail::io {

std::optional<sim::DevPos> bmap(FileNode& node, sim::FilePos pos) {
  // Against truncate alone, as in the driver: FIBMAP holds no inode lock.
  const std::shared_lock<sim::RwLock> guard(node.inode().truncate_lock());
  if (node.buffer_heads()) {
    const sim::ByteCount block = node.cache().block_size();
    const sim::FilePos begin = sim::round_down(pos, block);
    const auto found = node.get_block({.pos = begin, .length = block, .create = false});
    if (!found.ok() || !found->mapped) return std::nullopt;
    return found->addr + (pos - begin);
  }
  return iomap::bmap(node, pos);
}

sim::Result<std::vector<iomap::Mapping>> map_range(FileNode& node, sim::FilePos pos,
                                                   sim::ByteCount length) {
  const std::shared_lock<sim::RwLock> guard(node.inode().lock());
  std::vector<iomap::Mapping> mappings;
  iomap::Iter iter(node, iomap::Intent::kRead, pos, length);
  while (iter.next()) {
    mappings.push_back(iter.mapping());
    mappings.back().length = iter.length();
    iter.advance(iter.length());
  }
  ZT_TRY(iter.status());
  return mappings;
}

sim::Result<std::vector<iomap::SwapExtent>> swap_map(FileNode& node, ErrorSample& errors) {
  ZT_TRY(fsync(node, sim::FilePos{0}, iomap::kNoLimit, true, errors));
  const std::shared_lock<sim::RwLock> guard(node.inode().lock());
  return iomap::swap_extents(node, node.mount().folios().page_size());
}

}  // namespace zerotail::io
