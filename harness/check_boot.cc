// The boot region: is it exFAT, can it be mounted, where is everything.
#include <algorithm>
#include <array>
#include <string_view>

#include "check_parse.h"

namespace zerotail::harness {

namespace {

using sim::Sector;
using sim::SectorCount;

constexpr uint64_t kBootSectors = 12;  // of the volume's sector size, checksum sector included
constexpr std::string_view kName = "EXFAT   ";
constexpr size_t kVolumeFlags = 106;
constexpr size_t kPercentInUse = 112;
constexpr uint16_t kActiveFatFlag = 0x0001;
constexpr uint16_t kDirtyFlag = 0x0002;
constexpr uint16_t kMediaFailureFlag = 0x0004;
constexpr uint64_t kLargestClusterCount = 0xFFFFFFF5;  // 2^32 - 11
constexpr unsigned kLargestClusterShift = 25;          // 32 MiB

struct BootFields {
  uint64_t volume_length, fat_offset, fat_length, heap_offset, cluster_count, root;
  unsigned sector_shift, cluster_shift, fats;
};

BootFields load(const std::byte* b) {
  return {.volume_length = disk::u64(b + 72),
          .fat_offset = disk::u32(b + 80),
          .fat_length = disk::u32(b + 84),
          .heap_offset = disk::u32(b + 88),
          .cluster_count = disk::u32(b + 92),
          .root = disk::u32(b + 96),
          .sector_shift = disk::u8(b + 108),
          .cluster_shift = disk::u8(b + 109),
          .fats = disk::u8(b + 110)};
}

CheckProblem problem(CheckClass kind, uint64_t found, uint64_t wanted, const char* field = "") {
  CheckProblem p;
  p.kind = kind;
  p.path = "<boot>";
  p.found = found;
  p.wanted = wanted;
  p.field = field;
  return p;
}

// Collects the fields that are out of their ranges (specification 3.1). `wanted` is the limit that
// was broken.
class FieldCheck {
 public:
  explicit FieldCheck(std::vector<CheckProblem>& problems) : problems_(problems) {}
  bool require(bool good, const char* field, uint64_t found, uint64_t wanted) {
    if (!good) problems_.push_back(problem(CheckClass::kBootField, found, wanted, field));
    return good;
  }

 private:
  std::vector<CheckProblem>& problems_;
};

// True when all fields agree with each other; nothing here looks beyond the boot sector.
bool check_fields(const std::byte* b, const BootFields& f, std::vector<CheckProblem>& problems) {
  FieldCheck check{problems};
  bool good =
      check.require(disk::u8(b + 105) == 1, "FileSystemRevision", disk::u16(b + 104), 0x100);
  good &= check.require(f.fats == 1 || f.fats == 2, "NumberOfFats", f.fats, f.fats == 0 ? 1 : 2);
  const bool zero = std::all_of(b + 11, b + 64, [](std::byte x) { return x == std::byte{0}; });
  good &= check.require(zero, "MustBeZero", 1, 0);
  if (!check.require(f.sector_shift >= 9 && f.sector_shift <= 12, "BytesPerSectorShift",
                     f.sector_shift, f.sector_shift < 9 ? 9 : 12)) {
    return false;
  }
  const unsigned limit = kLargestClusterShift - f.sector_shift;
  if (!check.require(f.cluster_shift <= limit, "SectorsPerClusterShift", f.cluster_shift, limit)) {
    return false;
  }
  // All remaining numbers are 32 bits but volume_length: sums cannot overflow.
  good &=
      check.require(f.fat_offset >= 2 * kBootSectors, "FatOffset", f.fat_offset, 2 * kBootSectors);
  const uint64_t fat_bytes = (f.cluster_count + 2) * 4;
  const uint64_t fat_sectors =
      sim::round_up(fat_bytes, uint64_t{1} << f.sector_shift) >> f.sector_shift;
  good &= check.require(f.fat_length >= fat_sectors, "FatLength", f.fat_length, fat_sectors);
  const uint64_t fat_end = f.fat_offset + f.fat_length * f.fats;
  good &= check.require(f.heap_offset >= fat_end, "ClusterHeapOffset", f.heap_offset, fat_end);
  good &= check.require(f.volume_length > f.heap_offset, "VolumeLength", f.volume_length,
                        f.heap_offset);
  if (!good) return false;
  const uint64_t room = (f.volume_length - f.heap_offset) >> f.cluster_shift;
  const uint64_t most = std::min(room, kLargestClusterCount);
  good &= check.require(f.cluster_count >= 1 && f.cluster_count <= most, "ClusterCount",
                        f.cluster_count, most);
  good &= check.require(f.root >= 2 && f.root < f.cluster_count + 2, "FirstClusterOfRootDirectory",
                        f.root, f.cluster_count + 1);
  return good;
}

// Sum over the first 11 sectors of a boot region, and whether sector 12 repeats it throughout.
struct RegionSum {
  uint32_t right = 0;
  uint32_t stored = 0;
  bool repeated = true;
};

RegionSum sum_region(const sim::SectorReader& disk, Sector start, SectorCount sector) {
  RegionSum sum;
  const uint64_t length = (kBootSectors - 1) * sector.value();
  for (uint64_t i = 0; i < length; ++i) {
    const std::byte* content = disk.sector(start + SectorCount{i});
    for (size_t at = 0; at < sim::kSectorSize.value(); ++at) {
      const bool skipped =
          i == 0 && (at == kVolumeFlags || at == kVolumeFlags + 1 || at == kPercentInUse);
      if (!skipped) sum.right = disk::add32(sum.right, disk::u8(content + at));
    }
  }
  sum.stored = disk::u32(disk.sector(start + SectorCount{length}));
  for (uint64_t i = length; i < length + sector.value(); ++i) {
    const std::byte* content = disk.sector(start + SectorCount{i});
    for (size_t at = 0; at < sim::kSectorSize.value(); at += 4) {
      if (disk::u32(content + at) != sum.right) {
        sum.repeated = false;
        sum.stored = disk::u32(content + at);
        return sum;
      }
    }
  }
  return sum;
}

CheckGeometry geometry_of(const std::byte* b, const BootFields& f) {
  const SectorCount unit{uint64_t{1} << (f.sector_shift - sim::kSectorShift)};
  CheckGeometry g;
  g.sector_size = sim::bytes(unit);
  g.cluster_size = g.sector_size * (uint64_t{1} << f.cluster_shift);
  g.volume = f.volume_length * unit;
  g.boot_region = kBootSectors * unit;
  g.fat_length = f.fat_length * unit;
  g.fats = f.fats;
  g.active_fat = f.fats == 2 ? disk::u16(b + kVolumeFlags) & kActiveFatFlag : 0U;
  g.fat = Sector{} + f.fat_offset * unit + g.fat_length * g.active_fat;
  g.heap = Sector{} + f.heap_offset * unit;
  g.cluster_count = static_cast<uint32_t>(f.cluster_count);
  g.root = sim::Cluster{f.root};
  g.serial = disk::u32(b + 100);
  return g;
}

// The backup must be a valid region of the same volume; its flags may be old.
void check_backup(const sim::SectorReader& disk, const CheckGeometry& g,
                  std::vector<CheckProblem>& problems) {
  const Sector backup = Sector{} + g.boot_region;
  const SectorCount unit = sim::sectors(g.sector_size);
  const RegionSum sum = sum_region(disk, backup, unit);
  if (!sum.repeated) {
    problems.push_back(problem(CheckClass::kBackupBoot, sum.stored, sum.right,
                               "its checksum sector does not match"));
    return;
  }
  const std::byte* one = disk.sector(Sector{});
  const std::byte* two = disk.sector(backup);
  for (size_t at = 0; at < sim::kSectorSize.value(); ++at) {
    if (at == kVolumeFlags || at == kVolumeFlags + 1 || at == kPercentInUse) continue;
    if (one[at] != two[at]) {
      problems.push_back(
          problem(CheckClass::kBackupBoot, at, 0, "its boot sector differs from the main one"));
      return;
    }
  }
}

}  // namespace

sim::Sector CheckGeometry::sector_of(sim::Cluster c) const {
  return heap + cluster_sectors() * (c.value() - 2);
}

std::optional<sim::Cluster> CheckGeometry::cluster_at(sim::Sector s) const {
  if (s < heap) return std::nullopt;
  const uint64_t index = (s - heap) / cluster_sectors();
  if (index >= cluster_count) return std::nullopt;
  return sim::Cluster{index + 2};
}

bool same_but_flags(const std::byte* a, const std::byte* b) {
  for (size_t at = 0; at < sim::kSectorSize.value(); ++at) {
    if (at == kVolumeFlags || at == kVolumeFlags + 1 || at == kPercentInUse) continue;
    if (a[at] != b[at]) return false;
  }
  return true;
}

VolumeFlags volume_flags(const std::byte* boot_sector) {
  const uint16_t flags = disk::u16(boot_sector + kVolumeFlags);
  return {.dirty = (flags & kDirtyFlag) != 0, .media_failure = (flags & kMediaFailureFlag) != 0};
}

BootInfo parse_boot(const sim::SectorReader& disk) {
  BootInfo info;
  if (disk.capacity() < SectorCount{1}) {
    info.problems.push_back(problem(CheckClass::kNotExfat, 0, 0));
    return info;
  }
  const std::byte* b = disk.sector(Sector{});
  for (size_t i = 0; i < kName.size(); ++i) {
    if (disk::u8(b + 3 + i) != static_cast<uint8_t>(kName[i])) {
      info.problems.push_back(problem(CheckClass::kNotExfat, 0, 0));
      return info;
    }
  }
  info.exfat = true;
  info.flags = volume_flags(b);
  const uint16_t signature = disk::u16(b + 510);
  if (signature != 0xAA55) {
    info.problems.push_back(problem(CheckClass::kBootSignature, signature, 0xAA55));
  }
  const BootFields f = load(b);
  if (!check_fields(b, f, info.problems)) return info;
  const CheckGeometry g = geometry_of(b, f);
  // volume_length is 64 bits: compare before it is shifted to a byte count.
  const unsigned unit_shift = f.sector_shift - sim::kSectorShift;
  if (f.volume_length > disk.capacity().value() >> unit_shift) {
    const uint64_t most = UINT64_MAX >> f.sector_shift;
    info.problems.push_back(problem(CheckClass::kTruncated, sim::bytes(disk.capacity()).value(),
                                    std::min(f.volume_length, most) << f.sector_shift));
    return info;
  }
  const RegionSum sum = sum_region(disk, Sector{}, sim::sectors(g.sector_size));
  if (!sum.repeated) {
    info.problems.push_back(problem(CheckClass::kBootChecksum, sum.stored, sum.right));
  }
  if (!info.problems.empty()) return info;
  info.geometry = g;
  check_backup(disk, g, info.problems);
  return info;
}

}  // namespace zerotail::harness
