// The boot region: main and backup, their checksum, and VolumeFlags.
// Of a mounted volume only the VolumeFlags of the main boot sector are ever rewritten:
// PercentInUse and the backup stay as mkfs left them, as with the Linux driver.
#pragma once

#include <cstdint>

#include "zerotail/buffer/buffer_cache.h"
#include "zerotail/exfat/geometry.h"
#include "zerotail/exfat/ondisk.h"

namespace zerotail::exfat {

// BootChecksum (section 3.4) over eleven sectors, leaving VolumeFlags and PercentInUse out.
[[nodiscard]] uint32_t boot_checksum(std::span<const std::byte> eleven_sectors);
// The same, sector by sector: start with 0.
[[nodiscard]] uint32_t boot_checksum_step(uint32_t sum, std::span<const std::byte> sector,
                                          bool first);

// Signature, name, MustBeZero: is it exFAT at all, and with which sector size. EINVAL.
[[nodiscard]] sim::Result<sim::ByteCount> probe_sector_size(const BootSector& boot);

class BootRegion {
 public:
  // Reads the main boot region and checks its fields and its checksum (signatures of extended boot
  // sectors are not looked at, as in the driver). EINVAL naming the field, EIO. The cache's block
  // size must be the volume's sector size.
  [[nodiscard]] static sim::Result<BootRegion> read(buffer::BufferCache& cache);

  [[nodiscard]] const BootSector& boot() const { return boot_; }
  [[nodiscard]] const Geometry& geometry() const { return geometry_; }
  [[nodiscard]] bool dirty_at_mount() const;
  [[nodiscard]] bool media_failure_at_mount() const;
  // VolumeDirty as it stands on disk now.
  [[nodiscard]] bool dirty() const { return (boot_.volume_flags & kVolumeDirty) != 0; }

  // Sets or clears VolumeDirty on disk with PREFLUSH and FUA, and waits. Nothing is written when
  // the bit already is so, or when it was set at mount (it stays for ever). EIO.
  sim::Status set_dirty(buffer::BufferCache& cache, bool dirty);

 private:
  BootRegion(const BootSector& boot, const Geometry& geometry);
  BootSector boot_;
  Geometry geometry_;
  uint16_t flags_at_mount_;
};

}  // namespace zerotail::exfat
