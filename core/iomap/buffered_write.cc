#include "zerotail/iomap/buffered_write.h"

#include <algorithm>
#include <cstring>

#include "write_begin.h"
#include "zerotail/iomap/iter.h"

namespace zerotail::iomap {

namespace {

// Writes up to `length` bytes into the folio at `pos`; how many counted.
sim::Result<uint64_t> write_folio(IomapFile& file, const Mapping& mapping, sim::FilePos pos,
                                  uint64_t length, const CopySource& source, uint64_t from) {
  mm::AddressSpace& cache = file.cache();
  if (source.readable(from, length) == 0) {
    return sim::Error(sim::Errno::kFault, "buffered write: source buffer");
  }
  const uint64_t index = cache.index_of(pos);
  const sim::FilePos last = pos + sim::ByteCount{length - 1};
  const uint64_t pages = cache.index_of(last) - index + 1;
  const mm::LockedFolio folio(cache, cache.find_or_create_locked(index, pages));
  const uint64_t offset = (pos - folio->pos()).value();
  length = std::min(length, folio->size().value() - offset);
  while (true) {
    ZT_TRY(write_begin(file, *folio, mapping, offset, length));
    const uint64_t copied = source.readable(from, length);
    std::memcpy(folio->data() + offset, source.bytes.data() + from, copied);
    const uint64_t counted = write_end(file, *folio, offset, length, copied);
    // Refused as a short copy: what can be copied is written as a shorter write.
    if (counted > 0) return counted;
    length = copied;
  }
}

}  // namespace

WriteResult buffered_write(IomapFile& file, sim::FilePos pos, const CopySource& source) {
  Iter iter(file, Intent::kWrite, pos, sim::ByteCount{source.bytes.size()});
  while (iter.next()) {
    while (iter.length() > sim::ByteCount{0}) {
      auto count = write_folio(file, iter.mapping(), iter.pos(), iter.length().value(), source,
                               iter.done().value());
      if (!count.ok()) {
        iter.fail(count.error());
        break;
      }
      iter.advance(sim::ByteCount{*count});
      file.balance_dirty();
    }
  }
  return {iter.done().value(), iter.status()};
}

}  // namespace zerotail::iomap
