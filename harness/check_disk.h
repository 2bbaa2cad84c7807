// On-disk numbers of exFAT as the checker reads them: own offsets and loaders, shared with nobody.
// Source: the exFAT file system specification, sections 3 (boot region), 4 (FAT), 6 and 7
// (directory entries). Internal to the checker.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "zerotail/harness/check_view.h"
#include "zerotail/sim/assert.h"
#include "zerotail/sim/sector_reader.h"
#include "zerotail/sim/units.h"

namespace zerotail::harness::disk {

inline uint8_t u8(const std::byte* p) { return std::to_integer<uint8_t>(p[0]); }
inline uint16_t u16(const std::byte* p) {
  return static_cast<uint16_t>(u8(p) | static_cast<uint16_t>(u8(p + 1)) << 8);
}
inline uint32_t u32(const std::byte* p) { return u16(p) | static_cast<uint32_t>(u16(p + 2)) << 16; }
inline uint64_t u64(const std::byte* p) { return u32(p) | static_cast<uint64_t>(u32(p + 4)) << 32; }

inline constexpr uint32_t kEntrySize = 32;
inline constexpr uint32_t kEntriesPerSector =
    static_cast<uint32_t>(sim::kSectorSize.value()) / kEntrySize;
inline constexpr uint32_t kFatEntriesPerSector =
    static_cast<uint32_t>(sim::kSectorSize.value()) / 4;
inline constexpr uint32_t kWordsPerSector = static_cast<uint32_t>(sim::kSectorSize.value()) / 8;

inline constexpr uint32_t kFatFree = 0;
inline constexpr uint32_t kFatBad = 0xFFFFFFF7;  // every larger value ends a chain
inline constexpr uint32_t kFatEnd = 0xFFFFFFFF;

// Entry types (specification 6.2.1): bit 7 in use, bit 6 secondary, bit 5 benign.
inline constexpr uint8_t kTypeEnd = 0x00;
inline constexpr uint8_t kTypeBitmap = 0x81;
inline constexpr uint8_t kTypeUpcase = 0x82;
inline constexpr uint8_t kTypeLabel = 0x83;
inline constexpr uint8_t kTypeFile = 0x85;
inline constexpr uint8_t kTypeStream = 0xC0;
inline constexpr uint8_t kTypeName = 0xC1;
inline constexpr uint8_t kTypeVendorAllocation = 0xE1;
inline constexpr bool in_use(uint8_t type) { return (type & 0x80) != 0; }
inline constexpr bool secondary(uint8_t type) { return (type & 0x40) != 0; }
inline constexpr bool benign(uint8_t type) { return (type & 0x20) != 0; }

inline constexpr uint16_t kAttributeDirectory = 0x10;
inline constexpr uint32_t kNameUnitsPerEntry = 15;
inline constexpr uint64_t kLargestDirectory = uint64_t{256} << 20;

// The rotate-and-add checksum in its 32-bit form (boot region, upcase table) and its 16-bit form
// (entry sets, name hash).
inline uint32_t add32(uint32_t sum, uint8_t byte) { return (sum << 31 | sum >> 1) + byte; }
inline uint16_t add16(uint16_t sum, uint8_t byte) {
  return static_cast<uint16_t>(static_cast<uint16_t>(sum << 15 | sum >> 1) + byte);
}

// The 512-byte pieces of a cluster chain by index, remembering the place of the last one.
class RunReader {
 public:
  RunReader(const sim::SectorReader& disk, const CheckGeometry& geometry,
            std::span<const ClusterRun> runs)
      : disk_(disk), geometry_(geometry), runs_(runs) {}
  // `index` must be below the sectors of the runs.
  [[nodiscard]] sim::Sector place(uint64_t index);
  [[nodiscard]] const std::byte* sector(uint64_t index) {
    if (index != index_) {
      index_ = index;
      content_ = disk_.sector(place(index));
    }
    return content_;
  }

 private:
  const sim::SectorReader& disk_;
  const CheckGeometry& geometry_;
  std::span<const ClusterRun> runs_;
  size_t run_ = 0;
  uint64_t run_begin_ = 0;  // sector index at which runs_[run_] begins
  uint64_t index_ = UINT64_MAX;
  const std::byte* content_ = nullptr;
};

// FAT entries by cluster. Callers ask for clusters below geometry.cluster_limit() only.
class FatReader {
 public:
  FatReader(const sim::SectorReader& disk, const CheckGeometry& geometry)
      : disk_(&disk), fat_(geometry.fat) {}
  [[nodiscard]] uint32_t entry(uint64_t cluster) {
    const uint64_t index = cluster / kFatEntriesPerSector;
    if (index != index_) {
      index_ = index;
      content_ = disk_->sector(fat_ + sim::SectorCount{index});
    }
    return u32(content_ + (cluster % kFatEntriesPerSector) * 4);
  }

 private:
  const sim::SectorReader* disk_;
  sim::Sector fat_;
  uint64_t index_ = UINT64_MAX;
  const std::byte* content_ = nullptr;
};

}  // namespace zerotail::harness::disk
