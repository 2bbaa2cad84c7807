#include "zerotail/iomap/buffered_read.h"

#include <algorithm>
#include <shared_mutex>

#include "read_batch.h"
#include "zerotail/mm/cached_read.h"
#include "zerotail/sim/world.h"

namespace zerotail::iomap {

namespace {

constexpr uint64_t kReadaheadStart = 4;   // pages
constexpr uint64_t kReadaheadLimit = 32;  // pages: the kernel's 128 KiB with 4 KiB pages
constexpr unsigned kOrderStep = 2;        // large folios grow with each sequential miss

sim::Error read_error(const mm::Folio& folio) {
  return sim::Error(sim::Errno::kIo, "page cache: folio " + std::to_string(folio.index()));
}

// Pages to bring in for a miss at `index`: what is asked for, more when reading is sequential,
// nothing past the size, and one alone when the rest would pass the readahead limit.
uint64_t window_for(IomapFile& file, ReadaheadState& readahead, uint64_t index, uint64_t wanted) {
  const mm::AddressSpace& cache = file.cache();
  const bool sequential = index == 0 || index == readahead.next_index;
  readahead.window =
      sequential ? std::clamp(readahead.window * 2, kReadaheadStart, kReadaheadLimit) : 0;
  const bool goes_on = sequential && index > 0;
  readahead.order = goes_on ? std::min(readahead.order + kOrderStep, cache.largest_order()) : 0;
  uint64_t count = std::max({wanted, readahead.window, uint64_t{1}});
  const uint64_t last = cache.index_of(sim::FilePos{file.size().value() - 1});
  count = std::min(count, last - index + 1);
  const sim::FilePos end = std::min(cache.pos_of(index + count), file.size());
  if (end > file.readahead_limit()) count = 1;
  readahead.next_index = index + count;
  return count;
}

// Brings `index` into the cache, with what stands behind it. `wanted`: pages the caller will use.
sim::Status fill_from(IomapFile& file, ReadaheadState& readahead, uint64_t index, uint64_t wanted) {
  mm::AddressSpace& cache = file.cache();
  std::shared_lock<sim::RwLock> guard(cache.invalidate_lock());
  if (cache.find(index)) {
    auto folio = read_folio(file, index);
    return folio.ok() ? sim::Status() : sim::Status(folio.error());
  }
  if (file.size() <= cache.pos_of(index)) return {};  // truncated while we waited
  const uint64_t count = window_for(file, readahead, index, wanted);
  mm::FolioRef first;
  ReadBatch batch(file);
  for (uint64_t i = index; i < index + count;) {
    if (cache.find(i)) break;
    const uint64_t pages = std::min(index + count - i, uint64_t{1} << readahead.order);
    mm::LockedFolio folio(cache, cache.find_or_create_locked(i, pages));
    if (i == index) first = folio.ref();
    i = folio->end_index();
    batch.add(std::move(folio));
  }
  batch.finish();
  if (first && first->read_failed) return read_error(*first);
  return {};
}

}  // namespace

sim::Result<mm::FolioRef> read_folio(IomapFile& file, uint64_t index) {
  mm::AddressSpace& cache = file.cache();
  while (true) {
    mm::LockedFolio folio(cache, cache.find_or_create_locked(index));
    mm::FolioRef ref = folio.ref();
    if (ref->uptodate()) return ref;
    ReadBatch batch(file);
    batch.add(std::move(folio));
    batch.finish();
    if (ref->read_failed) return read_error(*ref);
    if (ref->owner() == &cache) return ref;
  }
}

sim::Status fill_dirty(IomapFile& file, sim::FilePos pos, sim::ByteCount length) {
  mm::AddressSpace& cache = file.cache();
  const sim::FilePos end = pos + length;
  for (uint64_t index = cache.index_of(pos); cache.pos_of(index) < end;) {
    ZT_ASSIGN(const mm::FolioRef ref, read_folio(file, index));
    {
      cache.lock(*ref);
      const mm::LockedFolio folio(cache, ref);
      if (folio->owner() != &cache || !folio->uptodate()) continue;
      cache.mark_dirty(*folio);
      index = folio->end_index();
    }
    file.balance_dirty();
  }
  return {};
}

sim::Status read_blocks(IomapFile& file, mm::Folio& folio, const Mapping& mapping, uint64_t offset,
                        uint64_t length) {
  const sim::FilePos begin = folio.pos() + sim::ByteCount{offset};
  const sim::FilePos end = begin + sim::ByteCount{length};
  sim::Bio bio;
  bio.op = sim::BioOp::kRead;
  bio.sector = sim::sector_at(mapping.addr_of(begin));
  bio.count = sim::sectors(sim::ByteCount{length});
  bio.segments.push_back(folio.bytes(offset, length));
  bio.tag = file.data_tag();
  const sim::Errno status = sim::submit_and_wait(file.cache().scheduler(), file.device(), bio);
  if (status != sim::Errno::kOk) return sim::Error(status, read_error(folio).where());
  if (mapping.valid_end < end) {
    folio.zero((std::max(begin, mapping.valid_end) - folio.pos()).value(),
               (end - folio.pos()).value());
  }
  folio.set_uptodate(offset, length);
  return {};
}

sim::Result<uint64_t> buffered_read(IomapFile& file, ReadaheadState& readahead, sim::FilePos pos,
                                    std::span<std::byte> out) {
  return mm::read_cached(
      file.cache(), [&file] { return file.size(); }, pos, out,
      [&file, &readahead](uint64_t index, uint64_t wanted) {
        return fill_from(file, readahead, index, wanted);
      });
}

}  // namespace zerotail::iomap
