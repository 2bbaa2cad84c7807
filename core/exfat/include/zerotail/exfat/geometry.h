// Where everything of a volume lies. The only place that knows cluster shifts: every conversion
// between clusters, file positions and device addresses is a function of Geometry.
//
// Invariant (Geometry::from_boot checks it): FAT and heap lie inside the volume and the volume
// inside the device; every cluster in [2, cluster_limit) has a device address below capacity.
#pragma once

#include <cstdint>
#include <optional>

#include "zerotail/exfat/ondisk.h"
#include "zerotail/sim/result.h"
#include "zerotail/sim/units.h"

namespace zerotail::exfat {

// The first cluster of the heap.
inline constexpr sim::Cluster kFirstCluster{2};

// A cluster of a file, counted from the file's first.
using FileCluster = sim::Point<struct FileClusterTag, sim::ClusterCount>;

// Clusters that follow one another on the device and in the file.
struct ClusterRun {
  FileCluster file_cluster;
  sim::Cluster first;
  sim::ClusterCount count;
  [[nodiscard]] FileCluster end() const { return file_cluster + count; }
  bool operator==(const ClusterRun&) const = default;
};

class Geometry {
 public:
  // Checks every number against its range in section 3.1 and against `device_size`. EINVAL naming
  // the field.
  [[nodiscard]] static sim::Result<Geometry> from_boot(const BootSector& boot,
                                                       sim::ByteCount device_size);

  [[nodiscard]] sim::ByteCount sector_size() const { return sim::ByteCount{1ULL << sector_shift_}; }
  [[nodiscard]] sim::ByteCount cluster_size() const {
    return sim::ByteCount{1ULL << cluster_shift_};
  }
  [[nodiscard]] sim::ByteCount volume_size() const { return volume_size_; }
  [[nodiscard]] sim::ClusterCount cluster_count() const { return cluster_count_; }
  // One past the last cluster: count + 2.
  [[nodiscard]] sim::Cluster cluster_limit() const { return kFirstCluster + cluster_count_; }
  [[nodiscard]] sim::Cluster root_cluster() const { return root_cluster_; }
  // NumberOfFats: 2 on a TexFAT volume.
  [[nodiscard]] unsigned fat_count() const { return mirror_fat_ ? 2 : 1; }
  // 0, or 1 when VolumeFlags.ActiveFat names the second FAT and the second allocation bitmap.
  [[nodiscard]] unsigned active_fat() const { return active_fat_; }
  // The active FAT.
  [[nodiscard]] sim::DevPos fat_start() const { return fat_start_; }
  [[nodiscard]] sim::ByteCount fat_size() const { return fat_size_; }  // of one FAT
  // The FAT that is not active, if there is one.
  [[nodiscard]] std::optional<sim::DevPos> mirror_fat() const { return mirror_fat_; }
  [[nodiscard]] sim::DevPos heap_start() const { return heap_start_; }

  // In [2, cluster_limit): checked before a number from the disk is followed.
  [[nodiscard]] bool valid(sim::Cluster cluster) const {
    return cluster >= kFirstCluster && cluster < cluster_limit();
  }

  // The byte address of a valid cluster, exact: no rounding through sectors.
  [[nodiscard]] sim::DevPos cluster_pos(sim::Cluster cluster) const {
    return heap_start_ + sim::ByteCount{(cluster - kFirstCluster).value() << cluster_shift_};
  }
  // The cluster that a byte of the heap lies in.
  [[nodiscard]] sim::Cluster cluster_at(sim::DevPos pos) const {
    return kFirstCluster + sim::ClusterCount{(pos - heap_start_).value() >> cluster_shift_};
  }
  [[nodiscard]] FileCluster file_cluster(sim::FilePos pos) const {
    return FileCluster{pos.value() >> cluster_shift_};
  }
  [[nodiscard]] sim::FilePos file_pos(FileCluster cluster) const {
    return sim::FilePos{cluster.value() << cluster_shift_};
  }
  [[nodiscard]] sim::ByteCount offset_in_cluster(sim::FilePos pos) const {
    return sim::offset_in(pos, cluster_size());
  }
  [[nodiscard]] sim::ByteCount bytes(sim::ClusterCount count) const {
    return sim::ByteCount{count.value() << cluster_shift_};
  }
  // Clusters that hold `length` bytes: rounds up; no overflow up to 2^64 - 1.
  [[nodiscard]] sim::ClusterCount clusters(sim::ByteCount length) const {
    const uint64_t whole = length.value() >> cluster_shift_;
    return sim::ClusterCount{whole +
                             (offset_in_cluster(sim::FilePos{length.value()}).value() != 0)};
  }
  // Clusters that [pos, pos + length) touches: ceil(end / C) - floor(pos / C).
  [[nodiscard]] sim::ClusterCount clusters_touched(sim::FilePos pos, sim::ByteCount length) const;
  // The largest i_size the driver allows: 0xFFFFFFF5 clusters, as the Linux driver has it.
  [[nodiscard]] sim::FilePos max_file_size() const {
    return sim::FilePos{static_cast<uint64_t>(kMaxClusterCount) << cluster_shift_};
  }

  // Directory entries.
  [[nodiscard]] uint32_t dentries_per_cluster() const {
    return static_cast<uint32_t>(cluster_size() / sim::ByteCount{kDentrySize});
  }
  [[nodiscard]] uint32_t dentries_per_sector() const {
    return static_cast<uint32_t>(sector_size() / sim::ByteCount{kDentrySize});
  }

 private:
  Geometry() = default;
  unsigned sector_shift_ = 0;
  unsigned cluster_shift_ = 0;
  sim::ByteCount volume_size_;
  sim::ClusterCount cluster_count_;
  sim::Cluster root_cluster_;
  unsigned active_fat_ = 0;
  sim::DevPos fat_start_;
  sim::ByteCount fat_size_;
  std::optional<sim::DevPos> mirror_fat_;
  sim::DevPos heap_start_;
};

}  // namespace zerotail::exfat
