#include "block_read.h"

#include <algorithm>

#include "buffer_heads.h"
#include "zerotail/sim/world.h"

namespace zerotail::bh {

sim::Status read_block(BlockFile& file, mm::Folio& folio, unsigned block) {
  const sim::ByteCount size = file.cache().block_size();
  const uint64_t begin = uint64_t{block} << folio.block_shift();
  const uint64_t end = begin + size.value();
  const sim::FilePos valid = file.valid_end();
  sim::Bio bio;
  bio.op = sim::BioOp::kRead;
  bio.sector = sim::sector_at(BufferHeads::of(folio).address(block));
  bio.count = sim::sectors(size);
  bio.segments.push_back(folio.bytes(begin, size.value()));
  bio.tag = file.data_tag();
  const sim::Errno status = sim::submit_and_wait(file.cache().scheduler(), file.device(), bio);
  if (status != sim::Errno::kOk) {
    return sim::Error(status, "page cache: folio " + std::to_string(folio.index()));
  }
  if (valid < folio.pos() + sim::ByteCount{end}) {
    const sim::FilePos from = std::max(valid, folio.pos() + sim::ByteCount{begin});
    folio.zero((from - folio.pos()).value(), end);
  }
  folio.set_uptodate(begin, size.value());
  return {};
}

}  // namespace zerotail::bh
