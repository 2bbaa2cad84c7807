#include "zerotail/sim/sector_reader.h"

#include <algorithm>
#include <cstring>

#include "zerotail/sim/assert.h"

namespace zerotail::sim {

void SectorReader::read(DevPos pos, std::span<std::byte> out) const {
  const ByteCount size = bytes(capacity());
  ZT_ASSERT(out.size() <= size.value() && pos.value() <= size.value() - out.size());
  while (!out.empty()) {
    const ByteCount skip = offset_in(pos, kSectorSize);
    const size_t length = std::min<size_t>(out.size(), (kSectorSize - skip).value());
    std::memcpy(out.data(), sector(sector_at(pos)) + skip.value(), length);
    out = out.subspan(length);
    pos += ByteCount{length};
  }
}

}  // namespace zerotail::sim
