// Makes an exFAT volume, byte for byte as mkfs.exfat of exfatprogs 1.2.0 makes it for the same
// options, but for the volume serial number (an option here, the time of day there) and the boot
// checksum sectors that follow from it. Sectors of 1024 and 2048 bytes and a second FAT are the
// specification's: the tool has no option for them.
//
// Which bytes are written is part of that: the region before the heap and the system clusters
// (bitmap, upcase table, root) are zeroed and filled; the rest keeps what the disk held, unless
// `full_format` zeroes all of it. tests/core/exfat/mkfs_real_test.cc compares with the real tool.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "zerotail/sim/mem_disk.h"
#include "zerotail/sim/result.h"
#include "zerotail/sim/units.h"

namespace zerotail::exfat {

inline constexpr uint32_t kDefaultVolumeSerial = 0x5EED0001;

struct MkfsOptions {
  sim::ByteCount sector_size{512};                   // BytesPerSector: 512, 1024, 2048 or 4096
  std::optional<sim::ByteCount> cluster_size{};      // a power of two; default: by volume size
  std::optional<sim::ByteCount> boundary_align{};    // a power of two; default: 1 MiB
  std::string label{};                               // UTF-8; at most 11 UTF-16 units
  bool pack_bitmap = false;                          // place the bitmap right behind the FAT
  bool full_format = false;                          // zero the whole volume first
  std::optional<sim::ClusterCount> cluster_count{};  // at most this; default: what fits
  unsigned fat_count = 1;                            // 2: TexFAT, two FATs and two bitmaps
  uint32_t volume_serial = kDefaultVolumeSerial;
};

// Where everything of a fresh volume lies. DevPos is from the start of the volume.
struct VolumeLayout {
  sim::ByteCount sector_size;
  sim::ByteCount cluster_size;
  sim::ByteCount volume_length;
  unsigned fat_count = 1;
  sim::DevPos fat;            // the first
  sim::ByteCount fat_length;  // of each
  sim::DevPos heap;
  sim::ClusterCount cluster_count;
  sim::Cluster bitmap;
  std::optional<sim::Cluster> second_bitmap;
  sim::ByteCount bitmap_length;  // DataLength
  sim::Cluster upcase;
  sim::ByteCount upcase_length;  // DataLength
  sim::Cluster root;             // one cluster
  sim::ClusterCount used;        // clusters of them all
  sim::ByteCount zeroed;         // a quick format zeroes [0, zeroed) before it writes structures
};

// What is formatted: plain byte access.
class FormatTarget {
 public:
  virtual ~FormatTarget() = default;
  [[nodiscard]] virtual sim::ByteCount size() const = 0;
  virtual sim::Status write(sim::DevPos pos, std::span<const std::byte> data) = 0;
  virtual sim::Status zero(sim::DevPos pos, sim::ByteCount length) = 0;
};

// Geometry without writing. EINVAL, with the reason in where(): an option outside its range,
// a volume too small for the structures, a cluster size that gives too many or no clusters.
[[nodiscard]] sim::Result<VolumeLayout> plan_volume(sim::ByteCount volume_size,
                                                    const MkfsOptions& options);

// Formats the target; errors as plan_volume(), and those of the target's writes.
sim::Result<VolumeLayout> make_filesystem(FormatTarget& target, const MkfsOptions& options);

// Formats a whole disk. EINVAL also when the disk's logical block is larger than the sector.
sim::Result<VolumeLayout> make_filesystem(sim::MemDisk& disk, const MkfsOptions& options);

}  // namespace zerotail::exfat
