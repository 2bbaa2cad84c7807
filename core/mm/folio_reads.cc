#include "zerotail/mm/folio_reads.h"

#include <algorithm>

#include "zerotail/mm/bio_limits.h"

namespace zerotail::mm {

void FolioReads::put(Folio& folio) {
  ZT_ASSERT(folio.reads_pending > 0);
  if (--folio.reads_pending == 0) cache_.unlock(folio);
}

FolioRef FolioReads::begin(LockedFolio folio) {
  FolioRef ref = folio.release();
  ref->reads_pending = 1;  // ours, until end()
  ref->read_failed = false;
  return ref;
}

void FolioReads::end(Folio& folio, const sim::Status& mapped) {
  if (!mapped.ok()) folio.read_failed = true;
  put(folio);
}

void FolioReads::add(Folio& folio, sim::DevPos addr, uint64_t offset, uint64_t length,
                     sim::FilePos valid_end) {
  const sim::Sector sector = sim::sector_at(addr);
  ZT_ASSERT(sim::dev_pos(sector) == addr);
  Io* io = ios_.size() > submitted_ ? ios_.back().get() : nullptr;
  if (io == nullptr || io->bio.end() != sector || io->segments.size() >= kMaxBioSegments) {
    ios_.push_back(std::make_unique<Io>());
    io = ios_.back().get();
    io->bio.op = sim::BioOp::kRead;
    io->bio.sector = sector;
    io->bio.tag = tag_;
    io->bio.end_io = [this, io](sim::Bio&) { end_io(*io); };
  }
  io->bio.segments.push_back(folio.bytes(offset, length));
  io->bio.count += sim::sectors(sim::ByteCount{length});
  io->segments.push_back({FolioRef(&folio), offset, length, valid_end});
  ++folio.reads_pending;
}

void FolioReads::end_io(Io& io) {
  for (Segment& segment : io.segments) {
    Folio& folio = *segment.folio;
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
  cache_.io_ended();
}

void FolioReads::finish() {
  for (; submitted_ < ios_.size(); ++submitted_) {
    ++in_flight_;
    cache_.io_started();
    device_.submit(ios_[submitted_]->bio);
  }
  while (in_flight_ > 0) cache_.wait_io("reads of the page cache");
}

}  // namespace zerotail::mm
