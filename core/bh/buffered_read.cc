#include "zerotail/bh/buffered_read.h"

#include <algorithm>
#include <shared_mutex>

#include "read_batch.h"
#include "zerotail/mm/cached_read.h"

namespace zerotail::bh {

namespace {

constexpr uint64_t kReadaheadStart = 4;   // folios
constexpr uint64_t kReadaheadLimit = 32;  // folios: the kernel's 128 KiB with 4 KiB pages

sim::Error read_error(const mm::Folio& folio) {
  return sim::Error(sim::Errno::kIo, "page cache: folio " + std::to_string(folio.index()));
}

// Folios to bring in for a miss at `index`: what is asked for, more when reading is sequential,
// nothing past the size.
uint64_t window_for(BlockFile& file, mm::ReadaheadState& readahead, uint64_t index,
                    uint64_t wanted) {
  const bool sequential = index == 0 || index == readahead.next_index;
  readahead.window =
      sequential ? std::clamp(readahead.window * 2, kReadaheadStart, kReadaheadLimit) : 0;
  const uint64_t last = file.cache().index_of(sim::FilePos{file.size().value() - 1});
  const uint64_t count =
      std::min(std::max({wanted, readahead.window, uint64_t{1}}), last - index + 1);
  readahead.next_index = index + count;
  return count;
}

// Brings `index` into the cache, with what stands behind it. `wanted`: folios the caller will use.
sim::Status fill_from(BlockFile& file, mm::ReadaheadState& readahead, uint64_t index,
                      uint64_t wanted) {
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
  for (uint64_t i = index; i < index + count; ++i) {
    if (cache.find(i)) break;
    mm::LockedFolio folio(cache, cache.find_or_create_locked(i));
    if (i == index) first = folio.ref();
    batch.add(std::move(folio));
  }
  batch.finish();
  if (first && first->read_failed) return read_error(*first);
  return {};
}

}  // namespace

sim::Result<mm::FolioRef> read_folio(BlockFile& file, uint64_t index) {
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

sim::Result<uint64_t> buffered_read(BlockFile& file, mm::ReadaheadState& readahead,
                                    sim::FilePos pos, std::span<std::byte> out) {
  return mm::read_cached(
      file.cache(), [&file] { return file.size(); }, pos, out,
      [&file, &readahead](uint64_t index, uint64_t wanted) {
        return fill_from(file, readahead, index, wanted);
      });
}

}  // namespace zerotail::bh
