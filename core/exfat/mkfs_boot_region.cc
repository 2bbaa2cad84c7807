// The boot region of a fresh volume: boot sector, eight extended boot sectors, OEM parameters,
// a reserved sector and the checksum sector (specification, section 3). Main and backup are alike.
#include <algorithm>
#include <bit>

#include "mkfs_internal.h"
#include "zerotail/exfat/boot_region.h"
#include "zerotail/exfat/ondisk.h"

namespace zerotail::exfat {
namespace {

uint8_t shift_of(uint64_t power_of_two) {
  return static_cast<uint8_t>(std::countr_zero(power_of_two));
}

// Zero as mkfs.exfat leaves them: PartitionOffset (the image is the volume), VolumeFlags,
// PercentInUse, BootCode.
BootSector boot_sector(const VolumeLayout& layout, uint32_t serial) {
  const sim::ByteCount sector = layout.sector_size;
  const auto sectors32 = [sector](sim::ByteCount n) { return static_cast<uint32_t>(n / sector); };
  BootSector boot{};
  boot.jump_boot = kJumpBoot;
  boot.file_system_name = kFileSystemName;
  boot.volume_length = layout.volume_length / sector;
  boot.fat_offset = sectors32(layout.fat - sim::DevPos{0});
  boot.fat_length = sectors32(layout.fat_length);
  boot.cluster_heap_offset = sectors32(layout.heap - sim::DevPos{0});
  boot.cluster_count = static_cast<uint32_t>(layout.cluster_count.value());
  boot.first_cluster_of_root_directory = static_cast<uint32_t>(layout.root.value());
  boot.volume_serial_number = serial;
  boot.file_system_revision = 0x0100;
  boot.bytes_per_sector_shift = shift_of(sector.value());
  boot.sectors_per_cluster_shift = shift_of(layout.cluster_size / sector);
  boot.number_of_fats = static_cast<uint8_t>(layout.fat_count);
  boot.drive_select = 0x80;
  boot.boot_signature = kBootSignature;
  return boot;
}

}  // namespace

std::vector<std::byte> boot_region(const VolumeLayout& layout, uint32_t serial) {
  const size_t sector = layout.sector_size.value();
  std::vector<std::byte> region(kBootRegionSectors * sector);
  const std::span<std::byte> all(region);
  store(all, boot_sector(layout, serial));
  for (size_t i = 1; i <= kExtendedBootSectors; ++i) {
    // The last four bytes of the sector, whatever its size.
    store(all.subspan((i + 1) * sector - sizeof(Le32)), Le32(kExtendedBootSignature));
  }
  // No OEM parameters: mkfs.exfat fills the sector with ones.
  const auto oem = all.subspan(kBootOemSector * sector, sector);
  std::fill(oem.begin(), oem.end(), std::byte{0xFF});
  const Le32 sum = boot_checksum(all.first(kBootChecksumSector * sector));
  for (size_t offset = kBootChecksumSector * sector; offset < region.size();
       offset += sizeof(sum)) {
    store(all.subspan(offset), sum);
  }
  return region;
}

}  // namespace zerotail::exfat
