#include "read_batch.h"

#include <algorithm>

#include "buffer_heads.h"

namespace zerotail::bh {

namespace {
constexpr size_t kMaxSegments = 256;
}

void ReadBatch::put(mm::Folio& folio) {
  ZT_ASSERT(folio.reads_pending > 0);
  if (--folio.reads_pending == 0) file_.cache().unlock(folio);
}

void ReadBatch::add(mm::LockedFolio folio) {
  const mm::FolioRef ref = folio.release();
  ref->reads_pending = 1;  // ours, until all its blocks are known
  ref->read_failed = false;
  if (!ref->uptodate() && !map_folio(*ref).ok()) ref->read_failed = true;
  put(*ref);
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
      add_run(folio, mapping.addr, offset, length);
    } else {
      folio.zero(offset, offset + length);
      folio.set_uptodate(offset, length);
    }
    block += static_cast<unsigned>(length >> folio.block_shift());
  }
  return {};
}

void ReadBatch::add_run(mm::Folio& folio, sim::DevPos addr, uint64_t offset, uint64_t length) {
  const sim::Sector sector = sim::sector_at(addr);
  ZT_ASSERT(sim::dev_pos(sector) == addr);
  Io* io = ios_.size() > submitted_ ? ios_.back().get() : nullptr;
  if (io == nullptr || io->bio.end() != sector || io->segments.size() >= kMaxSegments) {
    ios_.push_back(std::make_unique<Io>());
    io = ios_.back().get();
    io->bio.op = sim::BioOp::kRead;
    io->bio.sector = sector;
    io->bio.tag = file_.data_tag();
    io->bio.end_io = [this, io](sim::Bio&) { end_read(*io); };
  }
  io->bio.segments.push_back(folio.bytes(offset, length));
  io->bio.count += sim::sectors(sim::ByteCount{length});
  io->segments.push_back({mm::FolioRef(&folio), offset, length, file_.valid_end()});
  ++folio.reads_pending;
}

void ReadBatch::end_read(Io& io) {
  for (Segment& segment : io.segments) {
    mm::Folio& folio = *segment.folio;
    if (io.bio.status == sim::Errno::kOk) {
      const sim::FilePos begin = folio.pos() + sim::ByteCount{segment.offset};
      const sim::FilePos end = begin + sim::ByteCount{segment.length};
      if (segment.valid_end < end) {
        const sim::FilePos from = std::max(begin, segment.valid_end);
        folio.zero((from - folio.pos()).value(), (end - folio.pos()).value());
      }
      folio.set_uptodate(segment.offset, segment.length);
    } else {
      folio.read_failed = true;
    }
    put(folio);
  }
  --in_flight_;
  file_.cache().io_ended();
}

void ReadBatch::finish() {
  for (; submitted_ < ios_.size(); ++submitted_) {
    ++in_flight_;
    file_.cache().io_started();
    file_.device().submit(ios_[submitted_]->bio);
  }
  while (in_flight_ > 0) file_.cache().wait_io("reads of the page cache");
}

}  // namespace zerotail::bh
