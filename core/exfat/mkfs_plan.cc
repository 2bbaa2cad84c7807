// The geometry of a fresh volume: where FAT and heap begin, how many clusters there are, and which
// of them hold bitmap, upcase table and root directory. Found by formatting images of many sizes
// with mkfs.exfat 1.2.0 and fitting the rules; nothing is written here.
//
// Invariant: a plan that is returned fits into the volume. The real tool also "formats" volumes
// whose heap is too small for the three structures (and writes past the end); here that is EINVAL.
#include <algorithm>
#include <bit>

#include "mkfs_internal.h"
#include "zerotail/exfat/ondisk.h"

namespace zerotail::exfat {

using sim::ByteCount;
using sim::ClusterCount;
using sim::DevPos;
using sim::Errno;
using sim::Error;
using sim::Result;
using sim::Status;

namespace {

constexpr ByteCount kMaxClusterSize{uint64_t{1} << kMaxClusterShift};
constexpr ByteCount kMinSectorSize{uint64_t{1} << kMinSectorShift};
constexpr ByteCount kMaxSectorSize{uint64_t{1} << kMaxSectorShift};
constexpr ByteCount kDefaultBoundary = sim::mib(1);
constexpr uint64_t kBootRegions = 2;  // main and backup
constexpr uint64_t kBitsPerByte = 8;
constexpr uint64_t kMaxSectorNumber = 0xFFFFFFFF;  // FatOffset and ClusterHeapOffset have 32 bits

Error invalid(std::string reason) { return Error(Errno::kInval, "mkfs: " + std::move(reason)); }

std::string text(ByteCount n) { return std::to_string(n.value()) + " bytes"; }

bool power_of_two(ByteCount n) { return std::has_single_bit(n.value()); }

// What the tool chooses without -c.
ByteCount default_cluster_size(ByteCount volume_size) {
  if (volume_size <= sim::mib(256)) return sim::kib(4);
  if (volume_size <= sim::gib(32)) return sim::kib(32);
  return sim::kib(128);
}

Status check_sizes(ByteCount sector, ByteCount cluster, ByteCount boundary) {
  if (!power_of_two(sector) || sector < kMinSectorSize || sector > kMaxSectorSize) {
    return invalid("sector size of " + text(sector) + ": not 512, 1024, 2048 or 4096");
  }
  if (!power_of_two(cluster)) {
    return invalid("cluster size of " + text(cluster) + " is not a power of two");
  }
  if (cluster < sector || cluster > kMaxClusterSize) {
    return invalid("cluster size of " + text(cluster) + " is not between the sector size (" +
                   text(sector) + ") and 32 MiB");
  }
  if (!power_of_two(boundary)) {
    return invalid("boundary alignment of " + text(boundary) + " is not a power of two");
  }
  if (boundary < sector) {
    return invalid("boundary alignment of " + text(boundary) + " is smaller than the sector (" +
                   text(sector) + ")");
  }
  if (boundary / sector > kMaxSectorNumber) {
    return invalid("boundary alignment of " + text(boundary) + " is beyond sector 4294967295");
  }
  return {};
}

// DataLength of an allocation bitmap.
ByteCount bitmap_length(ClusterCount clusters) {
  return ByteCount{sim::round_up(clusters.value(), kBitsPerByte) / kBitsPerByte};
}

ClusterCount clusters_for(ByteCount length, ByteCount cluster_size) {
  return ClusterCount{sim::round_up(length, cluster_size) / cluster_size};
}

ClusterCount heap_clusters(ByteCount volume_size, DevPos heap, ByteCount cluster_size) {
  return ClusterCount{(DevPos{volume_size.value()} - heap) / cluster_size};
}

DevPos align(DevPos pos, ByteCount unit) {
  return DevPos{sim::round_up(pos.value(), unit.value())};
}

// With --pack-bitmap the heap begins as many clusters before its aligned place as the bitmap has,
// so that the clusters behind the bitmap are the aligned ones; only where the gap behind the FAT
// has room for them.
DevPos packed_heap(const VolumeLayout& plan, ByteCount volume_size) {
  const ClusterCount aligned = heap_clusters(volume_size, plan.heap, plan.cluster_size);
  const ClusterCount first_guess{clusters_for(bitmap_length(aligned), plan.cluster_size).value() *
                                 plan.fat_count};
  // The clusters won for the bitmap need bits, too.
  const ClusterCount bitmap = clusters_for(bitmap_length(aligned + first_guess), plan.cluster_size);
  const ByteCount packed = plan.cluster_size * bitmap.value() * plan.fat_count;
  const ByteCount gap = plan.heap - (plan.fat + plan.fat_length * plan.fat_count);
  return gap < packed ? plan.heap : DevPos{(plan.heap - DevPos{packed.value()}).value()};
}

// Gives the three structures their clusters, in the tool's order.
Status place_structures(VolumeLayout& plan) {
  plan.bitmap_length = bitmap_length(plan.cluster_count);
  plan.upcase_length = kDefaultUpcaseLength;
  plan.bitmap = kFirstCluster;
  const ClusterCount bitmap = clusters_for(plan.bitmap_length, plan.cluster_size);
  if (plan.fat_count == 2) plan.second_bitmap = plan.bitmap + bitmap;
  plan.upcase = plan.second_bitmap.value_or(plan.bitmap) + bitmap;
  plan.root = plan.upcase + clusters_for(plan.upcase_length, plan.cluster_size);
  plan.used = plan.root + ClusterCount{1} - kFirstCluster;
  if (plan.used > plan.cluster_count) {
    return invalid("volume of " + text(plan.volume_length) + " is too small: bitmap, upcase table" +
                   " and root directory need " + std::to_string(plan.used.value()) +
                   " clusters of " + text(plan.cluster_size) + ", the heap has " +
                   std::to_string(plan.cluster_count.value()));
  }
  return {};
}

}  // namespace

Result<VolumeLayout> plan_volume(ByteCount volume_size, const MkfsOptions& options) {
  VolumeLayout plan;
  plan.sector_size = options.sector_size;
  plan.cluster_size = options.cluster_size.value_or(default_cluster_size(volume_size));
  const ByteCount boundary = options.boundary_align.value_or(kDefaultBoundary);
  ZT_TRY(check_sizes(plan.sector_size, plan.cluster_size, boundary));
  ZT_TRY(label_units(options.label));
  if (options.fat_count != 1 && options.fat_count != 2) {
    return invalid(std::to_string(options.fat_count) + " FATs: there is one, or two");
  }
  plan.fat_count = options.fat_count;
  plan.volume_length = sim::round_down(volume_size, plan.sector_size);

  // The FAT is sized for a heap that fills the whole volume, but has entries 0 and 1, too, where
  // the heap has as many clusters as asked for.
  const uint64_t most = options.cluster_count.value_or(ClusterCount{UINT64_MAX}).value();
  const uint64_t clusters = std::min(volume_size / plan.cluster_size, most);
  if (clusters > kMaxClusterCount) {
    return invalid("cluster size of " + text(plan.cluster_size) + " is too small for a volume of " +
                   text(volume_size) + ": more than " + std::to_string(kMaxClusterCount) +
                   " clusters");
  }
  const DevPos boot_end{(plan.sector_size * kBootRegionSectors * kBootRegions).value()};
  plan.fat = align(boot_end, boundary);
  const uint64_t entries = options.cluster_count ? clusters + kFirstCluster.value() : clusters;
  plan.fat_length = sim::round_up(ByteCount{kFatEntrySize} * entries, plan.cluster_size);
  plan.heap = align(plan.fat + plan.fat_length * plan.fat_count, boundary);
  if (plan.heap >= DevPos{volume_size.value()}) {
    return invalid("volume of " + text(volume_size) + " is too small for a boundary alignment of " +
                   text(boundary) + ": the heap would begin at byte " +
                   std::to_string(plan.heap.value()));
  }
  if (ByteCount{plan.heap.value()} / plan.sector_size > kMaxSectorNumber) {
    return invalid("boundary alignment of " + text(boundary) +
                   " puts the heap beyond sector 4294967295");
  }
  if (options.pack_bitmap) plan.heap = packed_heap(plan, volume_size);
  plan.cluster_count =
      std::min(heap_clusters(volume_size, plan.heap, plan.cluster_size), ClusterCount{most});
  ZT_TRY(place_structures(plan));

  // The tool zeroes in steps of a cluster from the start of the volume.
  const DevPos structures_end = plan.heap + plan.cluster_size * plan.used.value();
  const ByteCount wanted = options.full_format ? volume_size : ByteCount{structures_end.value()};
  plan.zeroed = std::min(sim::round_up(wanted, plan.cluster_size), volume_size);
  return plan;
}

}  // namespace zerotail::exfat
