#include "data_path.h"

#include "zerotail/bh/buffered_read.h"
#include "zerotail/bh/truncate.h"
#include "zerotail/bh/writeback.h"
#include "zerotail/iomap/buffered_read.h"
#include "zerotail/iomap/writeback.h"

namespace zerotail::io {

sim::Status write_back(FileNode& node, sim::FilePos first, sim::FilePos last) {
  return node.buffer_heads() ? bh::writeback(node, first, last)
                             : iomap::writeback(node, first, last);
}

sim::Result<mm::FolioRef> read_folio(FileNode& node, uint64_t index) {
  return node.buffer_heads() ? bh::read_folio(node, index) : iomap::read_folio(node, index);
}

sim::Result<uint64_t> read_cached(FileNode& node, mm::ReadaheadState& readahead, sim::FilePos pos,
                                  std::span<std::byte> out) {
  return node.buffer_heads() ? bh::buffered_read(node, readahead, pos, out)
                             : iomap::buffered_read(node, readahead, pos, out);
}

void truncate_cache(FileNode& node, sim::FilePos size) {
  if (node.buffer_heads()) {
    bh::truncate_cache(node, size);
  } else {
    node.cache().truncate(size);
  }
}

}  // namespace zerotail::io
