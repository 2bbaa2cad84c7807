// FITRIM: free clusters are discarded. As in the driver, a byte of the range stands for the cluster
// whose number it gives when divided by the cluster size; the heap begins at cluster 2.
#include <algorithm>
#include <mutex>

#include "zerotail/exfat/file_system.h"

namespace zerotail::exfat {

sim::Result<sim::ClusterCount> Allocator::trim(sim::Cluster first, sim::Cluster last,
                                               sim::ClusterCount least) {
  const std::lock_guard guard(lock_);
  // What a set that is still on the disk has must not be discarded, where the ordering says so.
  if (!waiting_.empty()) ZT_TRY(settle_locked());
  sim::ClusterCount trimmed;
  while (first <= last) {
    const std::optional<sim::Cluster> found = bitmap_.find_free(first);
    if (!found || *found < first || *found > last) break;
    const sim::ClusterCount run = bitmap_.free_run(*found, (last - *found) + sim::ClusterCount{1});
    if (run >= least) {
      const buffer::BlockCount blocks{geometry_.bytes(run) / geometry_.sector_size()};
      ZT_TRY(cache_.discard(cache_.block_at(geometry_.cluster_pos(*found)), blocks));
      trimmed += run;
    }
    first = *found + run;
  }
  return trimmed;
}

sim::Result<sim::ByteCount> FileSystem::trim(const TrimRange& range) {
  const std::lock_guard guard(volume_lock_);
  ZT_TRY(check_alive());
  const sim::DeviceInfo& device = cache_->device().info();
  if (!device.discard) return sim::Error(sim::Errno::kOpNotSupp, "trim: the device cannot discard");
  const Geometry& g = geometry();
  if (range.length < g.cluster_size()) {
    return sim::Error(sim::Errno::kInval, "trim: a range shorter than a cluster");
  }
  const uint64_t first =
      std::max((range.start - sim::FilePos{}) / g.cluster_size(), kFirstCluster.value());
  if (first >= g.cluster_limit().value()) {
    return sim::Error(sim::Errno::kInval, "trim: a range behind the volume");
  }
  const uint64_t clusters = std::min(range.length / g.cluster_size(), g.cluster_limit().value());
  const uint64_t last = std::min(first + clusters - 1, g.cluster_limit().value() - 1);
  const sim::ByteCount least = std::max(range.min_length, device.logical_block);
  ZT_ASSIGN(const sim::ClusterCount trimmed,
            allocator_->trim(sim::Cluster{first}, sim::Cluster{last},
                             sim::ClusterCount{least / g.cluster_size()}));
  return g.bytes(trimmed);
}

}  // namespace zerotail::exfat
