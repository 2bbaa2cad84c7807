#include "zerotail/harness/fault_regions.h"

#include <algorithm>
#include <array>
#include <limits>

#include "zerotail/harness/check.h"
#include "zerotail/sim/assert.h"
#include "zerotail/sim/digest.h"

namespace zerotail::harness {
namespace {

using fault::Region;
using sim::ByteCount;
using sim::DevPos;

constexpr ByteCount kDentry{32};
constexpr ByteCount kFatEntrySize{4};
constexpr ByteCount kWhole{std::numeric_limits<uint64_t>::max()};
// VolumeFlags in the main boot sector (exFAT specification, 3.1.13).
constexpr ByteCount kFlagsOffset{106};
constexpr ByteCount kFlagsLength{2};

enum Name : size_t {
  kBoot,
  kBootSector,
  kVolumeFlags,
  kBootBackup,
  kFat,
  kFatEntry,
  kBitmap,
  kUpcase,
  kDirectory,
  kPrimary,
  kStream,
  kFileName,
  kData,
  kNames,
};
constexpr std::array<const char*, kNames> kRegionNames{
    "boot",          "boot-sector", "volume-flags", "boot-backup", "fat",
    "fat-entry",     "bitmap",      "upcase",       "directory",   "dentry-primary",
    "dentry-stream", "dentry-name", "data",
};

// Sorts, and joins what touches.
void normalise(std::vector<Region::Extent>* extents) {
  std::sort(extents->begin(), extents->end(),
            [](const Region::Extent& a, const Region::Extent& b) { return a.begin < b.begin; });
  std::vector<Region::Extent> joined;
  for (const Region::Extent& extent : *extents) {
    if (!joined.empty() && extent.begin <= joined.back().end) {
      joined.back().end = std::max(joined.back().end, extent.end);
    } else {
      joined.push_back(extent);
    }
  }
  *extents = std::move(joined);
}

class Finder {
 public:
  explicit Finder(const VolumeView& view) : view_(view), regions_(kNames) {
    for (size_t i = 0; i < kNames; ++i) regions_[i].name = kRegionNames[i];
  }

  std::vector<Region> find() {
    if (view_.geometry) boot_and_fat(*view_.geometry);
    if (view_.mountable()) {
      const uint64_t bits = view_.geometry->cluster_count;
      chain(kBitmap, view_.bitmap.get(), ByteCount{sim::round_up(bits, 8) / 8});
      chain(kUpcase, view_.upcase_chain.get(), kWhole);
      if (view_.root_chain != nullptr) fat_entries(*view_.root_chain);
      directory(*view_.root);
    }
    for (Region& region : regions_) normalise(&region.extents);
    return std::move(regions_);
  }

 private:
  void add(Name name, DevPos begin, ByteCount length) {
    regions_[name].extents.push_back({begin, begin + length});
  }

  void boot_and_fat(const CheckGeometry& geometry) {
    const ByteCount region = sim::bytes(geometry.boot_region);
    const DevPos flags = DevPos{} + kFlagsOffset;
    const DevPos behind = flags + kFlagsLength;
    add(kBoot, DevPos{}, region);
    add(kBootSector, DevPos{}, kFlagsOffset);
    add(kBootSector, behind, geometry.sector_size - (behind - DevPos{}));
    add(kVolumeFlags, flags, kFlagsLength);
    add(kBootBackup, DevPos{} + region, region);
    add(kFat, sim::dev_pos(geometry.fat), sim::bytes(geometry.fat_length));
  }

  // The clusters, up to so many bytes.
  void runs(Name name, const std::vector<ClusterRun>& list, ByteCount limit) {
    for (const ClusterRun& run : list) {
      const ByteCount length = std::min(limit, view_.geometry->cluster_size * run.count.value());
      add(name, sim::dev_pos(view_.geometry->sector_of(run.first)), length);
      limit -= length;
    }
  }
  // The FAT's entries of a chain that has some.
  void fat_entries(const Chain& clusters) {
    if (clusters.no_fat_chain) return;
    for (const ClusterRun& run : clusters.runs) {
      add(kFatEntry, sim::dev_pos(view_.geometry->fat) + kFatEntrySize * run.first.value(),
          kFatEntrySize * run.count.value());
    }
  }
  void chain(Name name, const Chain* clusters, ByteCount limit) {
    if (clusters == nullptr) return;
    runs(name, clusters->runs, limit);
    fat_entries(*clusters);
  }

  void directory(const DirectoryView& view) {
    runs(kDirectory, view.runs, kWhole);
    for (const auto& node : view.nodes) {
      const EntrySet& set = *node->set;
      for (uint32_t i = 0; i < set.entries; ++i) {
        add(i == 0   ? kPrimary
            : i == 1 ? kStream
                     : kFileName,
            entry_at(view, set.entry + i), kDentry);
      }
      if (node->chain == nullptr) continue;
      if (node->child != nullptr) {
        fat_entries(*node->chain);
        directory(*node->child);
      } else if (!set.directory) {
        chain(kData, node->chain.get(), ByteCount{set.data_length});
      }
    }
  }

  [[nodiscard]] DevPos entry_at(const DirectoryView& view, uint32_t index) const {
    ByteCount offset = kDentry * index;
    for (const ClusterRun& run : view.runs) {
      const ByteCount length = view_.geometry->cluster_size * run.count.value();
      if (offset < length) return sim::dev_pos(view_.geometry->sector_of(run.first)) + offset;
      offset -= length;
    }
    return DevPos{};
  }

  const VolumeView& view_;
  std::vector<Region> regions_;
};

}  // namespace

std::vector<Region> fault_regions(const VolumeView& view) { return Finder(view).find(); }

std::vector<Region> merge_regions(std::vector<Region> a, const std::vector<Region>& b) {
  ZT_ASSERT(a.size() == b.size());
  for (size_t i = 0; i < a.size(); ++i) {
    a[i].extents.insert(a[i].extents.end(), b[i].extents.begin(), b[i].extents.end());
    normalise(&a[i].extents);
  }
  return a;
}

void follow_volume(fault::FaultDevice* faults, const sim::SectorReader& medium,
                   std::optional<size_t> index, const Operation* op) {
  if (faults == nullptr) return;
  // Names were checked when the device was made: all of them are there, whatever the volume is.
  const sim::Status known = faults->set_regions(fault_regions(*check_volume(medium).view));
  ZT_ASSERT(known.ok());
  const std::string text = op == nullptr ? std::string() : print_operation(*op);
  faults->set_operation(index.value_or(std::numeric_limits<uint64_t>::max()),
                        sim::bytes_digest(text.data(), text.size()).low);
}

}  // namespace zerotail::harness
