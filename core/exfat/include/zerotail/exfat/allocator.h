// Where clusters come from, and where they go back to: the search, the bitmap bits and the FAT
// entries of new clusters, in the order in which the Linux driver changes them.
// It knows no files: linking new clusters to a file's chain is the caller's.
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
            Fat& fat, AllocationBitmap& bitmap)
      : cache_(cache),
        geometry_(geometry),
        fat_(fat),
        bitmap_(bitmap),
        lock_(scheduler, "bitmap lock") {}

  // ENOSPC: fewer clusters are free. EIO.
  [[nodiscard]] sim::Result<NewClusters> allocate(const AllocationRequest& request);

  struct FreeOptions {
    bool sync = false;     // the touched sectors of the bitmap are written, one write each
    bool discard = false;  // each run is discarded at once, before anything is written
  };
  // Clears the bits of all runs. Goes on after an error and returns the first.
  sim::Status free(std::span<const ClusterRun> runs, const FreeOptions& options);

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
  sim::Status gather(Work& work, const AllocationRequest& request, sim::Cluster hint);

  buffer::BufferCache& cache_;
  const Geometry& geometry_;
  Fat& fat_;
  AllocationBitmap& bitmap_;
  sim::Mutex lock_;
  sim::Cluster search_hint_ = kFirstCluster;
};

}  // namespace zerotail::exfat
