// The structures of the exFAT specification (revision 1.00), bit by bit, under the specification's
// field names; SPEC.md has the table. All are made of bytes, so they have no padding and may stand
// at any address; load() and store() copy them.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <type_traits>

#include "zerotail/sim/assert.h"

namespace zerotail::exfat {

// A little-endian number as it stands on disk.
template <class T>
class LittleEndian {
 public:
  constexpr LittleEndian() = default;
  constexpr LittleEndian(T value) { *this = value; }  // NOLINT: implicit
  constexpr LittleEndian& operator=(T value) {
    for (size_t i = 0; i < sizeof(T); ++i) {
      bytes_[i] = static_cast<uint8_t>(static_cast<uint64_t>(value) >> (8 * i));
    }
    return *this;
  }
  constexpr operator T() const {  // NOLINT: implicit
    uint64_t value = 0;
    for (size_t i = 0; i < sizeof(T); ++i) value |= static_cast<uint64_t>(bytes_[i]) << (8 * i);
    return static_cast<T>(value);
  }

 private:
  uint8_t bytes_[sizeof(T)] = {};
};

using Le16 = LittleEndian<uint16_t>;
using Le32 = LittleEndian<uint32_t>;
using Le64 = LittleEndian<uint64_t>;

template <class T>
concept OnDisk = std::is_trivially_copyable_v<T> && alignof(T) == 1;

// Copies a structure out of or into the first sizeof(T) bytes of a span (which must be there).
template <OnDisk T>
[[nodiscard]] T load(std::span<const std::byte> bytes) {
  ZT_ASSERT(bytes.size() >= sizeof(T));
  T value;
  std::memcpy(&value, bytes.data(), sizeof(T));
  return value;
}
template <OnDisk T>
void store(std::span<std::byte> bytes, const T& value) {
  ZT_ASSERT(bytes.size() >= sizeof(T));
  std::memcpy(bytes.data(), &value, sizeof(T));
}

// ---- section 3: the boot region ----

inline constexpr unsigned kBootRegionSectors = 12;   // main; the backup follows
inline constexpr unsigned kExtendedBootSectors = 8;  // sectors 1..8
inline constexpr unsigned kBootOemSector = 9;
inline constexpr unsigned kBootReservedSector = 10;
inline constexpr unsigned kBootChecksumSector = 11;
inline constexpr uint16_t kBootSignature = 0xAA55;
inline constexpr uint32_t kExtendedBootSignature = 0xAA550000;  // last four bytes of the sector
inline constexpr std::array<uint8_t, 3> kJumpBoot{0xEB, 0x76, 0x90};
inline constexpr std::array<uint8_t, 8> kFileSystemName{'E', 'X', 'F', 'A', 'T', ' ', ' ', ' '};

struct BootSector {
  std::array<uint8_t, 3> jump_boot;
  std::array<uint8_t, 8> file_system_name;
  std::array<uint8_t, 53> must_be_zero;
  Le64 partition_offset;     // sectors; ignored
  Le64 volume_length;        // sectors
  Le32 fat_offset;           // sectors
  Le32 fat_length;           // sectors
  Le32 cluster_heap_offset;  // sectors
  Le32 cluster_count;
  Le32 first_cluster_of_root_directory;
  Le32 volume_serial_number;
  Le16 file_system_revision;  // 0x0100 is 1.00
  Le16 volume_flags;          // not in the checksum
  uint8_t bytes_per_sector_shift;
  uint8_t sectors_per_cluster_shift;
  uint8_t number_of_fats;
  uint8_t drive_select;
  uint8_t percent_in_use;  // not in the checksum
  std::array<uint8_t, 7> reserved;
  std::array<uint8_t, 390> boot_code;
  Le16 boot_signature;
};
static_assert(sizeof(BootSector) == 512);
static_assert(offsetof(BootSector, partition_offset) == 64);
static_assert(offsetof(BootSector, volume_flags) == 106);
static_assert(offsetof(BootSector, percent_in_use) == 112);
static_assert(offsetof(BootSector, boot_signature) == 510);
static_assert(OnDisk<BootSector>);

// VolumeFlags
inline constexpr uint16_t kActiveFat = 0x0001;
inline constexpr uint16_t kVolumeDirty = 0x0002;
inline constexpr uint16_t kMediaFailure = 0x0004;
inline constexpr uint16_t kClearToZero = 0x0008;

// Limits of section 3.1
inline constexpr unsigned kMinSectorShift = 9;
inline constexpr unsigned kMaxSectorShift = 12;
inline constexpr unsigned kMaxClusterShift = 25;  // 32 MiB clusters
inline constexpr uint32_t kMaxClusterCount = 0xFFFFFFF5;
inline constexpr uint64_t kMinVolumeBytes = 1U << 20;

// ---- section 4: the FAT ----

inline constexpr uint32_t kFatFree = 0;
inline constexpr uint32_t kFatBad = 0xFFFFFFF7;
inline constexpr uint32_t kFatEndOfChain = 0xFFFFFFFF;
inline constexpr uint32_t kFatMediaEntry = 0xFFFFFFF8;  // FatEntry[0]
inline constexpr uint32_t kFatEntrySize = 4;

// ---- sections 6 and 7: directory entries ----

inline constexpr uint32_t kDentrySize = 32;

inline constexpr uint8_t kInUse = 0x80;  // bit of EntryType
inline constexpr uint8_t kSecondary = 0x40;
inline constexpr uint8_t kBenign = 0x20;

enum class EntryType : uint8_t {
  kEndOfDirectory = 0x00,
  kAllocationBitmap = 0x81,
  kUpcaseTable = 0x82,
  kVolumeLabel = 0x83,
  kFile = 0x85,
  kVolumeGuid = 0xA0,
  kTexFatPadding = 0xA1,
  kStreamExtension = 0xC0,
  kFileName = 0xC1,
  kVendorExtension = 0xE0,
  kVendorAllocation = 0xE1,
};
[[nodiscard]] constexpr bool in_use(uint8_t type) { return (type & kInUse) != 0; }
[[nodiscard]] constexpr bool is_secondary(uint8_t type) { return (type & kSecondary) != 0; }
[[nodiscard]] constexpr bool is_benign(uint8_t type) { return (type & kBenign) != 0; }
[[nodiscard]] constexpr bool is_type(uint8_t type, EntryType wanted) {
  return type == static_cast<uint8_t>(wanted);
}

// GeneralSecondaryFlags
inline constexpr uint8_t kAllocationPossible = 0x01;
inline constexpr uint8_t kNoFatChain = 0x02;

// FileAttributes
inline constexpr uint16_t kAttributeReadOnly = 0x01;
inline constexpr uint16_t kAttributeHidden = 0x02;
inline constexpr uint16_t kAttributeSystem = 0x04;
inline constexpr uint16_t kAttributeDirectory = 0x10;
inline constexpr uint16_t kAttributeArchive = 0x20;

inline constexpr unsigned kNameUnitsPerEntry = 15;
inline constexpr unsigned kMaxNameUnits = 255;
inline constexpr unsigned kMaxNameEntries = 17;
inline constexpr unsigned kMaxSecondaryCount = 255;
inline constexpr unsigned kMinSecondaryCount = 2;  // stream extension and one name entry
inline constexpr uint64_t kMaxDirectoryBytes = 256U << 20;

// Any entry: enough to tell what it is.
struct GenericDentry {
  uint8_t entry_type;
  std::array<uint8_t, 19> custom_defined;
  Le32 first_cluster;
  Le64 data_length;
};

struct BitmapDentry {
  uint8_t entry_type;
  uint8_t bitmap_flags;  // bit 0: the second FAT's
  std::array<uint8_t, 18> reserved;
  Le32 first_cluster;
  Le64 data_length;
};

struct UpcaseDentry {
  uint8_t entry_type;
  std::array<uint8_t, 3> reserved1;
  Le32 table_checksum;
  std::array<uint8_t, 12> reserved2;
  Le32 first_cluster;
  Le64 data_length;
};

inline constexpr unsigned kMaxLabelUnits = 11;

struct LabelDentry {
  uint8_t entry_type;
  uint8_t character_count;
  std::array<Le16, kMaxLabelUnits> volume_label;
  std::array<uint8_t, 8> reserved;
};

struct FileDentry {
  uint8_t entry_type;
  uint8_t secondary_count;
  Le16 set_checksum;
  Le16 file_attributes;
  Le16 reserved1;
  Le32 create_timestamp;
  Le32 last_modified_timestamp;
  Le32 last_accessed_timestamp;
  uint8_t create_10ms_increment;
  uint8_t last_modified_10ms_increment;
  uint8_t create_utc_offset;
  uint8_t last_modified_utc_offset;
  uint8_t last_accessed_utc_offset;
  std::array<uint8_t, 7> reserved2;
};

struct StreamDentry {
  uint8_t entry_type;
  uint8_t general_secondary_flags;
  uint8_t reserved1;
  uint8_t name_length;
  Le16 name_hash;
  Le16 reserved2;
  Le64 valid_data_length;
  Le32 reserved3;
  Le32 first_cluster;
  Le64 data_length;
};

struct NameDentry {
  uint8_t entry_type;
  uint8_t general_secondary_flags;
  std::array<Le16, kNameUnitsPerEntry> file_name;
};

// A benign secondary entry that may own clusters (vendor allocation).
struct VendorAllocationDentry {
  uint8_t entry_type;
  uint8_t general_secondary_flags;
  std::array<uint8_t, 16> vendor_guid;
  std::array<uint8_t, 2> vendor_defined;
  Le32 first_cluster;
  Le64 data_length;
};

static_assert(sizeof(GenericDentry) == kDentrySize && OnDisk<GenericDentry>);
static_assert(sizeof(BitmapDentry) == kDentrySize && OnDisk<BitmapDentry>);
static_assert(sizeof(UpcaseDentry) == kDentrySize && OnDisk<UpcaseDentry>);
static_assert(sizeof(LabelDentry) == kDentrySize && OnDisk<LabelDentry>);
static_assert(sizeof(FileDentry) == kDentrySize && OnDisk<FileDentry>);
static_assert(sizeof(StreamDentry) == kDentrySize && OnDisk<StreamDentry>);
static_assert(sizeof(NameDentry) == kDentrySize && OnDisk<NameDentry>);
static_assert(sizeof(VendorAllocationDentry) == kDentrySize && OnDisk<VendorAllocationDentry>);
static_assert(offsetof(StreamDentry, valid_data_length) == 8);
static_assert(offsetof(StreamDentry, first_cluster) == 20);
static_assert(offsetof(StreamDentry, data_length) == 24);

}  // namespace zerotail::exfat
