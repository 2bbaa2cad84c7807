// The copy out of the page cache, whoever brings in what is missing.
#pragma once

#include <algorithm>
#include <cstring>
#include <span>

#include "zerotail/mm/address_space.h"
#include "zerotail/sim/result.h"

namespace zerotail::mm {

// Copies [pos, pos + out.size()) as far as the file goes; the bytes copied. `size()` is the file's
// size now. `fill(index, wanted)` brings the page at `index` into the cache, of `wanted` pages that
// are asked for in a row, and its error is the caller's when nothing was copied before it.
template <typename Size, typename Fill>
[[nodiscard]] sim::Result<uint64_t> read_cached(AddressSpace& cache, const Size& size,
                                                sim::FilePos pos, std::span<std::byte> out,
                                                const Fill& fill) {
  const uint64_t page_size = cache.page_size().value();
  uint64_t done = 0;
  while (done < out.size() && pos < size()) {
    const uint64_t left = std::min(out.size() - done, (size() - pos).value());
    const uint64_t index = cache.index_of(pos);
    const FolioRef folio = cache.find(index);
    const uint64_t offset = folio ? (pos - folio->pos()).value() : 0;
    const uint64_t count = folio ? std::min(left, folio->size().value() - offset) : 0;
    if (!folio || !folio->range_uptodate(offset, count)) {
      const uint64_t in_page = sim::offset_in(pos, cache.page_size()).value();
      const sim::Status filled = fill(index, (in_page + left + page_size - 1) / page_size);
      if (filled.ok()) continue;  // look again: the size may have changed meanwhile
      if (done > 0) break;
      return filled.error();
    }
    std::memcpy(out.data() + done, folio->data() + offset, count);
    done += count;
    pos += sim::ByteCount{count};
  }
  return done;
}

}  // namespace zerotail::mm
