#include "zerotail/iomap/fiemap.h"

#include <algorithm>

#include "zerotail/iomap/iter.h"

namespace zerotail::iomap {

sim::Result<std::vector<Mapping>> fiemap(IomapFile& file, sim::FilePos pos, sim::ByteCount length) {
  std::vector<Mapping> extents;
  if (pos >= file.size()) return extents;
  Iter iter(file, Intent::kReport, pos, std::min(length, file.size() - pos));
  while (iter.next()) {
    if (iter.mapping().type != MappingType::kHole) {
      extents.push_back(iter.mapping());
      extents.back().length = iter.length();
    }
    iter.advance(iter.length());
  }
  ZT_TRY(iter.status());
  return extents;
}

}  // namespace zerotail::iomap
