#include "zerotail/bh/truncate.h"

#include "block_read.h"
#include "buffer_heads.h"

namespace zerotail::bh {

sim::Status zero_block_tail(BlockFile& file, sim::FilePos size) {
  mm::AddressSpace& cache = file.cache();
  const sim::ByteCount block_size = cache.block_size();
  if (sim::offset_in(size, block_size) == sim::ByteCount{0}) return {};
  const mm::LockedFolio folio(cache, cache.find_or_create_locked(cache.index_of(size)));
  const uint64_t inside = (size - folio->pos()).value();
  const auto block = static_cast<unsigned>(inside >> folio->block_shift());
  BufferHeads& heads = BufferHeads::of(*folio);
  if (!heads.mapped(block)) {
    ZT_ASSIGN(const BlockMapping mapping, file.get_block({.pos = sim::round_down(size, block_size),
                                                          .length = block_size,
                                                          .create = false}));
    if (!mapping.mapped) return {};
    heads.map(block, mapping.addr);
  }
  if (!folio->block_uptodate(block)) ZT_TRY(read_block(file, *folio, block));
  const uint64_t end = (uint64_t{block} + 1) << folio->block_shift();
  folio->zero(inside, end);
  cache.mark_dirty(*folio, inside, end - inside);
  return {};
}

void truncate_cache(BlockFile& file, sim::FilePos size) {
  mm::AddressSpace& cache = file.cache();
  cache.truncate(size);
  const mm::FolioRef ref = cache.find(cache.index_of(size));
  if (!ref) return;
  cache.lock(*ref);
  const mm::LockedFolio folio(cache, ref);
  if (folio->owner() != &cache || folio->pos() > size) return;
  const uint64_t inside = sim::round_up((size - folio->pos()).value(), cache.block_size().value());
  const auto first = static_cast<unsigned>(inside >> folio->block_shift());
  if (BufferHeads* const heads = BufferHeads::find(*folio)) {
    for (unsigned block = first; block < folio->blocks(); ++block) heads->unmap(block);
  }
  cache.clear_dirty_blocks(*folio, first, folio->blocks() - first);
}

}  // namespace zerotail::bh
