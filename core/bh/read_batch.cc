#include "read_batch.h"

#include "buffer_heads.h"

namespace zerotail::bh {

void ReadBatch::add(mm::LockedFolio folio) {
  const mm::FolioRef ref = reads_.begin(std::move(folio));
  reads_.end(*ref, ref->uptodate() ? sim::Status() : map_folio(*ref));
}

sim::Result<BlockMapping> ReadBatch::map(mm::Folio& folio, unsigned block, unsigned limit) {
  const sim::ByteCount size = file_.cache().block_size();
  BufferHeads* const heads = BufferHeads::find(folio);
  if (heads != nullptr && heads->mapped(block)) {
    return BlockMapping{.mapped = true, .length = size, .addr = heads->address(block)};
  }
  // A folio without buffer heads is asked for run by run, one that has them block by block.
  const unsigned count = heads != nullptr ? 1 : limit - block;
  const sim::FilePos pos = folio.pos() + sim::ByteCount{uint64_t{block} << folio.block_shift()};
  ZT_ASSIGN(const BlockMapping mapping,
            file_.get_block({.pos = pos, .length = size * count, .create = false}));
  if (heads != nullptr && mapping.mapped) heads->map(block, mapping.addr);
  return mapping;
}

// Zeroes the blocks that need no read and queues reads for the others.
sim::Status ReadBatch::map_folio(mm::Folio& folio) {
  const unsigned blocks = folio.blocks();
  unsigned block = 0;
  while ((block = folio.next_not_uptodate(block, blocks)) < blocks) {
    const unsigned limit = folio.next_uptodate(block, blocks);
    ZT_ASSIGN(const BlockMapping mapping, map(folio, block, limit));
    const uint64_t offset = uint64_t{block} << folio.block_shift();
    const uint64_t length = mapping.length.value();
    if (mapping.mapped) {
      reads_.add(folio, mapping.addr, offset, length, file_.valid_end());
    } else {
      folio.zero(offset, offset + length);
      folio.set_uptodate(offset, length);
    }
    block += static_cast<unsigned>(length >> folio.block_shift());
  }
  return {};
}

}  // namespace zerotail::bh
