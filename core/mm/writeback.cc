#include "zerotail/mm/writeback.h"

#include <string>

#include "zerotail/mm/bio_limits.h"

namespace zerotail::mm {

void Writeback::record(const sim::Error& error) {
  if (status_.ok()) status_ = error;
  cache_.errors().record(error.code());
}

void Writeback::put(Folio& folio) {
  ZT_ASSERT(folio.writes_pending > 0);
  if (--folio.writes_pending == 0) cache_.end_writeback(folio);
}

void Writeback::write_folio(Folio& folio) {
  const sim::FilePos size = this->size();
  if (folio.pos() >= size) {
    cache_.cancel_dirty(folio);
    return;
  }
  uint64_t end = folio.size().value();
  if (size < folio.end()) {
    const uint64_t inside = (size - folio.pos()).value();
    folio.zero(inside, end);
    end = sim::round_up(inside, cache_.block_size().value());
  }
  cache_.begin_clean(folio);
  cache_.start_writeback(folio);
  folio.writes_pending = 1;  // ours, until all its blocks are known
  const sim::Status added = add_dirty(folio, static_cast<unsigned>(end >> folio.block_shift()));
  if (!added.ok()) record(added.error());
  cache_.clear_dirty_blocks(folio);
  put(folio);
}

void Writeback::add(Folio& folio, sim::DevPos addr, uint64_t offset, uint64_t length) {
  const sim::Sector sector = sim::sector_at(addr);
  ZT_ASSERT(sim::dev_pos(sector) == addr);
  const std::span<std::byte> added = folio.bytes(offset, length);
  Ioend* ioend = ioends_.size() > submitted_ ? ioends_.back().get() : nullptr;
  if (ioend != nullptr && ioend->bio.end() == sector && ioend->folios.back().get() == &folio) {
    // What lies before it, in the same folio: one piece of memory.
    std::span<std::byte>& memory = ioend->bio.segments.back();
    if (memory.data() + memory.size() == added.data()) {
      memory = {memory.data(), memory.size() + length};
      ioend->bio.count += sim::sectors(sim::ByteCount{length});
      return;
    }
  }
  if (ioend == nullptr || ioend->bio.end() != sector || ioend->folios.size() >= kMaxBioSegments) {
    ioends_.push_back(std::make_unique<Ioend>());
    ioend = ioends_.back().get();
    ioend->bio.op = sim::BioOp::kWrite;
    ioend->bio.sector = sector;
    ioend->bio.tag = tag_;
    ioend->bio.end_io = [this, ioend](sim::Bio&) { end_io(*ioend); };
  }
  ioend->bio.segments.push_back(added);
  ioend->bio.count += sim::sectors(sim::ByteCount{length});
  ioend->folios.emplace_back(&folio);
  ++folio.writes_pending;
}

void Writeback::end_io(Ioend& ioend) {
  if (ioend.bio.status != sim::Errno::kOk) {
    record(sim::Error(ioend.bio.status,
                      "writeback: folio " + std::to_string(ioend.folios.front()->index())));
  }
  for (const FolioRef& folio : ioend.folios) put(*folio);
  ioend.folios.clear();
  --in_flight_;
  cache_.io_ended();
}

void Writeback::submit() {
  for (; submitted_ < ioends_.size(); ++submitted_) {
    ++in_flight_;
    cache_.io_started();
    device_.submit(ioends_[submitted_]->bio);
  }
}

sim::Status Writeback::run(sim::FilePos first, sim::FilePos last) {
  const uint64_t last_index = cache_.index_of(last);
  uint64_t at = cache_.index_of(first);
  for (FolioRef ref = cache_.next_dirty(at); ref && ref->index() <= last_index;
       ref = cache_.next_dirty(at)) {
    // What is queued holds writeback flags that others wait for: it must go before we wait.
    if (ref->locked() || ref->writeback()) submit();
    cache_.lock(*ref);
    const LockedFolio folio(cache_, ref);
    at = folio->end_index();
    if (folio->owner() != &cache_) continue;
    cache_.wait_writeback(*folio);
    if (folio->dirty()) write_folio(*folio);
  }
  submit();
  while (in_flight_ > 0) cache_.wait_io("writeback of a file");
  cache_.wait_writeback_range(first, last);
  return status_;
}

}  // namespace zerotail::mm
