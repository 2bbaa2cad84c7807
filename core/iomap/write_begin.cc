#include "write_begin.h"

#include <algorithm>

#include "zerotail/iomap/buffered_read.h"

namespace zerotail::iomap {

namespace {

// One block that the write [from, to) overwrites in part. A zeroed block becomes uptodate only in
// write_end: until then the middle of it holds nothing.
sim::Status prepare_block(IomapFile& file, mm::Folio& folio, const Mapping& mapping, unsigned block,
                          uint64_t from, uint64_t to) {
  if (folio.block_uptodate(block)) return {};
  const uint64_t begin = uint64_t{block} << folio.block_shift();
  const uint64_t end = begin + file.cache().block_size().value();
  const uint64_t head_end = std::max(begin, from);
  const uint64_t tail_begin = std::min(end, to);
  const sim::FilePos pos = folio.pos() + sim::ByteCount{begin};
  if (mapping.fresh || mapping.type != MappingType::kMapped || pos >= file.size()) {
    folio.zero(begin, head_end);
    folio.zero(tail_begin, end);
    return {};
  }
  ZT_TRY(read_blocks(file, folio, mapping, begin, end - begin));
  if (mapping.zero_tail) {
    // Not what is valid: a copy that was cut short ends before the write that the mapping was for.
    const uint64_t valid =
        mapping.valid_end > pos ? std::min(end, begin + (mapping.valid_end - pos).value()) : begin;
    folio.zero(std::max(tail_begin, valid), end);
  }
  return {};
}

}  // namespace

sim::Status write_begin(IomapFile& file, mm::Folio& folio, const Mapping& mapping, uint64_t offset,
                        uint64_t length) {
  if (folio.uptodate() || length == folio.size().value()) return {};
  const uint64_t block_mask = file.cache().block_size().value() - 1;
  const uint64_t end = offset + length;
  const auto first = static_cast<unsigned>(offset >> folio.block_shift());
  const auto last = static_cast<unsigned>((end - 1) >> folio.block_shift());
  const bool partial_first = (offset & block_mask) != 0;
  const bool partial_last = (end & block_mask) != 0;
  if (partial_first || (partial_last && first == last)) {
    ZT_TRY(prepare_block(file, folio, mapping, first, offset, end));
  }
  if (partial_last && first != last) {
    ZT_TRY(prepare_block(file, folio, mapping, last, offset, end));
  }
  return {};
}

uint64_t write_end(IomapFile& file, mm::Folio& folio, uint64_t offset, uint64_t length,
                   uint64_t copied) {
  if (copied < length && !folio.uptodate()) return 0;
  if (copied == 0) return 0;
  folio.set_uptodate(offset, length);
  file.cache().mark_dirty(folio, offset, copied);
  const sim::FilePos end = folio.pos() + sim::ByteCount{offset + copied};
  if (end > file.size()) file.grow_size(end);
  return copied;
}

}  // namespace zerotail::iomap
