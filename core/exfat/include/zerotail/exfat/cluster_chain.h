// Which clusters a file has, in order: a run without FAT entries (NoFatChain), or a chain in the
// FAT, of which as much is kept in memory as was walked.
//
// Invariants: no clusters counts as NoFatChain; a NoFatChain file has exactly one run; known_ is a
// prefix of the chain and holds only clusters inside the heap. A walk ends after count() clusters,
// whatever the FAT says.
#pragma once

#include <optional>
#include <vector>

#include "zerotail/exfat/allocator.h"
#include "zerotail/exfat/fat.h"
#include "zerotail/exfat/geometry.h"

namespace zerotail::exfat {

class ClusterChain {
 public:
  ClusterChain() = default;  // no clusters
  // As a dentry set says. EIO: no first cluster, or one or a run that is outside the heap.
  [[nodiscard]] static sim::Result<ClusterChain> from_disk(const Geometry& geometry,
                                                           sim::Cluster first,
                                                           sim::ClusterCount count,
                                                           bool no_fat_chain);
  // A chain whose length only the FAT knows (the root directory). EIO: it is longer than `limit`,
  // as a loop is.
  [[nodiscard]] static sim::Result<ClusterChain> walk_to_end(const Geometry& geometry, Fat& fat,
                                                             sim::Cluster first,
                                                             sim::ClusterCount limit);

  // Cluster 0 when there is none.
  [[nodiscard]] sim::Cluster first() const { return first_; }
  [[nodiscard]] sim::ClusterCount count() const { return count_; }
  [[nodiscard]] bool no_fat_chain() const { return no_fat_chain_; }

  // The contiguous clusters from `at` (< count) on. EIO: the chain is broken before it.
  [[nodiscard]] sim::Result<ClusterRun> run_at(Fat& fat, FileCluster at);
  [[nodiscard]] sim::Result<sim::Cluster> cluster_at(Fat& fat, FileCluster at);
  // Every run from `from` to the end, file_cluster counted from the file's start.
  [[nodiscard]] sim::Result<std::vector<ClusterRun>> runs(Fat& fat, FileCluster from);

  // What to ask the allocator for, to make the file longer by `count`.
  [[nodiscard]] sim::Result<AllocationRequest> request_for(Fat& fat, sim::ClusterCount count);
  // Links new clusters behind the last one. When they end a NoFatChain run's contiguity, the FAT of
  // the old run is written first. On an error the chain is what it was.
  sim::Status append(Fat& fat, const NewClusters& added);
  // Keeps the first `keep` clusters: writes the end mark of a FAT chain. The rest is not freed.
  sim::Status cut(Fat& fat, sim::ClusterCount keep);
  // The same in memory only.
  void forget_after(sim::ClusterCount keep);

 private:
  sim::Status walk_to(Fat& fat, FileCluster at);
  void add_known(sim::Cluster cluster);

  sim::Cluster first_;
  sim::ClusterCount count_;
  bool no_fat_chain_ = true;
  std::vector<ClusterRun> known_;
};

}  // namespace zerotail::exfat
