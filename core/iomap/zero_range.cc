#include "zerotail/iomap/zero_range.h"

#include <algorithm>

#include "write_begin.h"
#include "zerotail/iomap/iter.h"

namespace zerotail::iomap {

namespace {

// Zeroes what [pos, pos + length), in one page, has to be zeroed of.
sim::Status zero_in_page(IomapFile& file, const Mapping& mapping, sim::FilePos pos,
                         uint64_t length) {
  mm::AddressSpace& cache = file.cache();
  const uint64_t index = cache.index_of(pos);
  if (mapping.type != MappingType::kMapped) {
    const mm::FolioRef cached = cache.find(index);
    if (!cached || !cached->dirty()) return {};
  }
  const mm::LockedFolio folio(cache, cache.find_or_create_locked(index));
  const uint64_t offset = (pos - folio->pos()).value();
  ZT_TRY(write_begin(file, *folio, mapping, offset, length));
  folio->zero(offset, offset + length);
  const uint64_t counted = write_end(file, *folio, offset, length, length);
  ZT_ASSERT(counted == length);
  return {};
}

}  // namespace

sim::Status zero_range(IomapFile& file, sim::FilePos pos, sim::ByteCount length) {
  if (pos >= file.size()) return {};
  const sim::ByteCount page_size = file.cache().page_size();
  Iter iter(file, Intent::kZero, pos, std::min(length, file.size() - pos));
  while (iter.next()) {
    while (iter.length() > sim::ByteCount{0}) {
      const sim::ByteCount count =
          std::min(page_size - sim::offset_in(iter.pos(), page_size), iter.length());
      sim::Status zeroed = zero_in_page(file, iter.mapping(), iter.pos(), count.value());
      if (!zeroed.ok()) {
        iter.fail(zeroed.error());
        break;
      }
      iter.advance(count);
    }
  }
  return iter.status();
}

}  // namespace zerotail::iomap
