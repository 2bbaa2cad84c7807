#include "read_batch.h"

#include <algorithm>

#include "zerotail/iomap/iter.h"
#include "zerotail/sim/task.h"

namespace zerotail::iomap {

namespace {
constexpr size_t kMaxSegments = 256;
}

void ReadBatch::put(mm::Folio& folio) {
  ZT_ASSERT(folio.reads_pending > 0);
  if (--folio.reads_pending == 0) file_.cache().unlock(folio);
}

void ReadBatch::add(mm::LockedFolio folio) {
  const mm::FolioRef ref = folio.release();
  ref->reads_pending = 1;  // ours, until all its runs are known
  ref->read_failed = false;
  if (!ref->uptodate() && !map_folio(*ref).ok()) ref->read_failed = true;
  put(*ref);
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
      if (split > from) add_run(folio, mapping, from, split - from);
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

void ReadBatch::add_run(mm::Folio& folio, const Mapping& mapping, uint64_t offset,
                        uint64_t length) {
  const sim::DevPos addr = mapping.addr_of(folio.pos() + sim::ByteCount{offset});
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
  io->segments.push_back({mm::FolioRef(&folio), offset, length, mapping.valid_end});
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

}  // namespace zerotail::iomap
