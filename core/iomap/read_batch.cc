#include "read_batch.h"

#include <algorithm>

#include "zerotail/iomap/iter.h"

namespace zerotail::iomap {

void ReadBatch::add(mm::LockedFolio folio) {
  const mm::FolioRef ref = reads_.begin(std::move(folio));
  reads_.end(*ref, ref->uptodate() ? sim::Status() : map_folio(*ref));
}

// Zeroes the blocks that need no read and queues reads for the others.
sim::Status ReadBatch::map_folio(mm::Folio& folio) {
  const sim::ByteCount block = file_.cache().block_size();
  Iter iter(file_, Intent::kRead, folio.pos(), folio.size());
  while (iter.next()) {
    const Mapping& mapping = iter.mapping();
    const uint64_t begin = (iter.pos() - folio.pos()).value();
    const uint64_t end = begin + iter.length().value();
    const sim::FilePos size_end = sim::round_up(file_.size(), block);
    const uint64_t read_end = mapping.type != MappingType::kMapped || size_end <= iter.pos()
                                  ? begin
                                  : std::min(end, (size_end - folio.pos()).value());
    const auto limit = static_cast<unsigned>((end + block.value() - 1) >> folio.block_shift());
    unsigned at = static_cast<unsigned>(begin >> folio.block_shift());
    while ((at = folio.next_not_uptodate(at, limit)) < limit) {
      const unsigned run_end = folio.next_uptodate(at, limit);
      const uint64_t from = std::max(begin, uint64_t{at} << folio.block_shift());
      const uint64_t to = std::min(end, uint64_t{run_end} << folio.block_shift());
      const uint64_t split = std::clamp(read_end, from, to);
      if (split > from) {
        reads_.add(folio, mapping.addr_of(folio.pos() + sim::ByteCount{from}), from, split - from,
                   mapping.valid_end);
      }
      if (to > split) {
        folio.zero(split, to);
        folio.set_uptodate(split, to - split);
      }
      at = run_end;
    }
    iter.advance(iter.length());
  }
  return iter.status();
}

}  // namespace zerotail::iomap
