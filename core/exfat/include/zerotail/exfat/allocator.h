// Where clusters come from, and where they go back to: the search, the bitmap bits and the FAT
// entries of new clusters, in the order in which the Linux driver changes them.
// It knows no files: linking new clusters to a file's chain is the caller's.
//
// With the rules set-before-free and late-reuse (ordering.h) a free comes in two parts: what the
// rules hold back waits until the set that gave the clusters up is durable (release()).
//
// Invariant: a call that fails leaves no bit set that it set (FAT entries of free clusters mean
// nothing and are left as they are).
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "zerotail/buffer/buffer_cache.h"
#include "zerotail/exfat/bitmap.h"
#include "zerotail/exfat/fat.h"
#include "zerotail/exfat/geometry.h"
#include "zerotail/exfat/ordering.h"
#include "zerotail/sim/lock.h"

namespace zerotail::exfat {

struct AllocationRequest {
  sim::ClusterCount count;            // at least 1
  std::optional<sim::Cluster> after;  // the file's last cluster: go on behind it
  bool chained = false;               // the file has a FAT chain already
  bool sync = false;                  // write each bitmap bit before the next step
};

struct NewClusters {
  std::vector<ClusterRun> runs;  // in order; file_cluster counts from the first new cluster
  bool chained = false;          // they are linked in the FAT and end there; else one run
  [[nodiscard]] sim::Cluster first() const { return runs.front().first; }
};

class Allocator {
 public:
  Allocator(sim::Scheduler& scheduler, buffer::BufferCache& cache, const Geometry& geometry,
            Fat& fat, AllocationBitmap& bitmap, Ordering ordering = {})
      : cache_(cache),
        geometry_(geometry),
        fat_(fat),
        bitmap_(bitmap),
        ordering_(ordering),
        lock_(scheduler, "bitmap lock") {}

  // ENOSPC: fewer clusters are free. EIO.
  [[nodiscard]] sim::Result<NewClusters> allocate(const AllocationRequest& request);

  struct FreeOptions {
    bool sync = false;     // the touched sectors of the bitmap are written, one write each
    bool discard = false;  // each run is discarded at once, before anything is written
  };
  // Clears the bits of all runs. Goes on after an error and returns the first.
  sim::Status free(std::span<const ClusterRun> runs, const FreeOptions& options);
  // The same for clusters that a set on disk may still claim: the set without them stands in the
  // buffers. What the rules hold back waits for release(). `end`: with set-before-free, the cluster
  // that becomes the last one of its chain then.
  sim::Status free_later(std::vector<ClusterRun> runs, const FreeOptions& options,
                         std::optional<sim::Cluster> end);
  [[nodiscard]] size_t waiting() const { return waiting_.size(); }
  // The chain that ends in this cluster has its end mark still to come.
  [[nodiscard]] bool end_is_waiting(sim::Cluster cluster) const;
  // Does what waits of the `count` oldest calls: the sets without these clusters are durable now.
  // Goes on after an error and returns the first.
  sim::Status release(size_t count);
  // Makes the sets durable (writes directories, flushes) and releases everything.
  sim::Status settle();
  // Clusters that allocate() can give, those that wait included.
  [[nodiscard]] sim::ClusterCount available() const;

  // Discards free runs of at least `least` clusters within [first, last], both valid; a run that
  // crosses an end of the range counts with what is inside. How many were discarded. EIO.
  [[nodiscard]] sim::Result<sim::ClusterCount> trim(sim::Cluster first, sim::Cluster last,
                                                    sim::ClusterCount least);

  // The volume-wide hint: where the last search ended.
  [[nodiscard]] sim::Cluster search_hint() const { return search_hint_; }

 private:
  // What one call of allocate() has done so far.
  struct Work {
    NewClusters got;
    sim::ClusterCount count;  // clusters in got
    sim::Cluster last;
  };
  sim::Status take(Work& work, sim::Cluster first, sim::ClusterCount count, bool sync);
  sim::Status turn_into_chain(Work& work);
  // A free of which a part waits.
  struct Waiting {
    std::vector<ClusterRun> runs;
    FreeOptions options;
    std::optional<sim::Cluster> end;
    sim::ClusterCount reserved;  // not free for searches yet
  };
  sim::Status clear(std::span<const ClusterRun> runs, const FreeOptions& options,
                    AllocationBitmap::Clear what);
  sim::Status release_locked(size_t count);
  sim::Status settle_locked();
  void reused(sim::Cluster first, sim::ClusterCount count);
  sim::Status gather(Work& work, const AllocationRequest& request, sim::Cluster hint);

  buffer::BufferCache& cache_;
  const Geometry& geometry_;
  Fat& fat_;
  AllocationBitmap& bitmap_;
  Ordering ordering_;
  std::vector<Waiting> waiting_;  // oldest first
  sim::Mutex lock_;
  sim::Cluster search_hint_ = kFirstCluster;
};

}  // namespace zerotail::exfat
