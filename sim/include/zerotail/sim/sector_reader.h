// Read-only access to sectors in memory without copying: a snapshot, a crash image, an image file.
#pragma once

#include <cstddef>
#include <span>

#include "zerotail/sim/units.h"

namespace zerotail::sim {

class SectorReader {
 public:
  virtual ~SectorReader() = default;
  [[nodiscard]] virtual SectorCount capacity() const = 0;
  // The 512 bytes of one sector; valid until the reader is changed or destroyed. Asserts
  // sector < capacity(): callers check numbers that come from a disk before they follow them.
  [[nodiscard]] virtual const std::byte* sector(Sector sector) const = 0;
  // Copies a byte range; the range must be inside the device.
  void read(DevPos pos, std::span<std::byte> out) const;
};

}  // namespace zerotail::sim
