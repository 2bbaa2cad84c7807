// The boot region of a fresh volume: boot sector, eight extended boot sectors, OEM parameters,
// a reserved sector and the checksum sector (specification, section 3). Main and backup are alike.
#include <algorithm>
#include <array>
#include <bit>

#include "mkfs_internal.h"

namespace zerotail::exfat {
namespace {

// Offsets in the boot sector, section 3.1. What is not listed stays zero, as mkfs.exfat leaves it:
// PartitionOffset (the image is the volume), VolumeFlags, PercentInUse, BootCode.
constexpr size_t kJumpBoot = 0;
constexpr size_t kFileSystemName = 3;
constexpr size_t kVolumeLength = 72;
constexpr size_t kFatOffset = 80;
constexpr size_t kFatLength = 84;
constexpr size_t kClusterHeapOffset = 88;
constexpr size_t kClusterCount = 92;
constexpr size_t kFirstClusterOfRootDirectory = 96;
constexpr size_t kVolumeSerialNumber = 100;
constexpr size_t kFileSystemRevision = 104;
constexpr size_t kVolumeFlags = 106;
constexpr size_t kBytesPerSectorShift = 108;
constexpr size_t kSectorsPerClusterShift = 109;
constexpr size_t kNumberOfFats = 110;
constexpr size_t kDriveSelect = 111;
constexpr size_t kPercentInUse = 112;
constexpr size_t kBootSignature = 510;

constexpr size_t kExtendedBootSectors = 8;
constexpr size_t kOemSector = 1 + kExtendedBootSectors;
constexpr size_t kChecksumSector = 11;
constexpr size_t kBootRegionSectors = 12;

void fill_boot_sector(std::span<std::byte> out, const VolumeLayout& layout, uint32_t serial) {
  constexpr std::array<uint8_t, 3> kJump{0xEB, 0x76, 0x90};
  constexpr std::string_view kName = "EXFAT   ";
  std::transform(kJump.begin(), kJump.end(), out.begin() + kJumpBoot,
                 [](uint8_t byte) { return std::byte{byte}; });
  std::transform(kName.begin(), kName.end(), out.begin() + kFileSystemName,
                 [](char c) { return static_cast<std::byte>(c); });
  const sim::ByteCount sector = layout.sector_size;
  put_le(out, kVolumeLength, layout.volume_length / sector, 8);
  put_le(out, kFatOffset, (layout.fat - sim::DevPos{0}) / sector, 4);
  put_le(out, kFatLength, layout.fat_length / sector, 4);
  put_le(out, kClusterHeapOffset, (layout.heap - sim::DevPos{0}) / sector, 4);
  put_le(out, kClusterCount, layout.cluster_count.value(), 4);
  put_le(out, kFirstClusterOfRootDirectory, layout.root.value(), 4);
  put_le(out, kVolumeSerialNumber, serial, 4);
  put_le(out, kFileSystemRevision, 0x0100, 2);
  put_le(out, kBytesPerSectorShift, static_cast<uint64_t>(std::countr_zero(sector.value())), 1);
  put_le(out, kSectorsPerClusterShift,
         static_cast<uint64_t>(std::countr_zero(layout.cluster_size / sector)), 1);
  put_le(out, kNumberOfFats, 1, 1);
  put_le(out, kDriveSelect, 0x80, 1);
  put_le(out, kBootSignature, 0xAA55, 2);
}

// Section 3.4: over eleven sectors, without the fields a mounted volume changes.
uint32_t boot_checksum(std::span<const std::byte> sectors) {
  uint32_t sum = 0;
  for (size_t index = 0; index < sectors.size(); ++index) {
    if (index == kVolumeFlags || index == kVolumeFlags + 1 || index == kPercentInUse) continue;
    sum = std::rotr(sum, 1) + std::to_integer<uint32_t>(sectors[index]);
  }
  return sum;
}

}  // namespace

void put_le(std::span<std::byte> out, size_t offset, uint64_t value, size_t width) {
  for (size_t i = 0; i < width; ++i) {
    out[offset + i] = static_cast<std::byte>(value >> (8 * i) & 0xFF);
  }
}

std::vector<std::byte> boot_region(const VolumeLayout& layout, uint32_t serial) {
  const size_t sector = layout.sector_size.value();
  std::vector<std::byte> region(kBootRegionSectors * sector);
  const std::span<std::byte> all(region);
  fill_boot_sector(all.first(sector), layout, serial);
  for (size_t i = 1; i <= kExtendedBootSectors; ++i) {
    // ExtendedBootSignature: the last four bytes of the sector, whatever its size.
    put_le(all, (i + 1) * sector - 4, 0xAA550000, 4);
  }
  // No OEM parameters: mkfs.exfat fills the sector with ones, as flash is after an erase.
  std::fill_n(region.begin() + static_cast<std::ptrdiff_t>(kOemSector * sector), sector,
              std::byte{0xFF});
  const uint32_t sum = boot_checksum(all.first(kChecksumSector * sector));
  for (size_t offset = kChecksumSector * sector; offset < region.size(); offset += 4) {
    put_le(all, offset, sum, 4);
  }
  return region;
}

}  // namespace zerotail::exfat
