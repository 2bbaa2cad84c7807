#include "zerotail/iomap/bmap.h"

#include "zerotail/iomap/iter.h"
#include "zerotail/iomap/writeback.h"

namespace zerotail::iomap {

std::optional<sim::DevPos> bmap(IomapFile& file, sim::FilePos pos) {
  if (pos >= file.size()) return std::nullopt;
  if (file.cache().any_dirty() && !writeback(file, sim::FilePos{0}, file.size()).ok()) {
    return std::nullopt;
  }
  std::optional<sim::DevPos> found;
  Iter iter(file, Intent::kReport, pos, sim::ByteCount{1});
  while (iter.next()) {
    if (iter.mapping().type == MappingType::kMapped) found = iter.mapping().addr_of(pos);
    iter.advance(iter.length());
  }
  return iter.status().ok() ? found : std::nullopt;
}

}  // namespace zerotail::iomap
