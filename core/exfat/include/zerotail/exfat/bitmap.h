// The allocation bitmap: a copy in memory for searching, and the buffers that go to disk.
// Invariant: the copy, the buffers and used() agree; bits past the last cluster stand as used in
// the copy, so that no search returns them.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "zerotail/buffer/buffer_cache.h"
#include "zerotail/exfat/geometry.h"

namespace zerotail::exfat {

class AllocationBitmap {
 public:
  // `run`s: the clusters the bitmap itself stands in, in order. EINVAL: too short for the volume;
  // EIO.
  [[nodiscard]] static sim::Result<AllocationBitmap> load(buffer::BufferCache& cache,
                                                          const Geometry& geometry,
                                                          std::vector<ClusterRun> runs,
                                                          sim::ByteCount data_length);

  [[nodiscard]] sim::ClusterCount used() const { return used_; }
  [[nodiscard]] sim::ClusterCount available() const { return geometry_->cluster_count() - used_; }
  [[nodiscard]] bool is_used(sim::Cluster cluster) const;  // the cluster must be valid
  // The first free cluster at or after `from`, wrapping around once.
  [[nodiscard]] std::optional<sim::Cluster> find_free(sim::Cluster from) const;
  // How many clusters from `first` on are free, at most `limit`; stops at the end of the heap.
  [[nodiscard]] sim::ClusterCount free_run(sim::Cluster first, sim::ClusterCount limit) const;

  // Sets one bit; with `sync` its sector is written and waited for. EIO: the bit is not set then.
  sim::Status set(sim::Cluster cluster, bool sync);
  // Sets a run of bits without writing. EIO: none of them is set then.
  sim::Status set_run(sim::Cluster first, sim::ClusterCount count);
  // Clears a run of bits; clusters that are free already are left alone and not counted twice.
  // The touched buffers are added to `touched` (once each, in order) for the caller to write.
  sim::Status clear_run(sim::Cluster first, sim::ClusterCount count,
                        std::vector<buffer::BufferRef>& touched);

 private:
  AllocationBitmap() = default;
  struct Place {
    buffer::BufferRef buffer;
    size_t bit;  // within the buffer
  };
  [[nodiscard]] sim::Result<Place> place(uint64_t index);
  [[nodiscard]] std::optional<uint64_t> find_zero(uint64_t from, uint64_t end) const;
  void mark(uint64_t index, bool used);

  buffer::BufferCache* cache_ = nullptr;
  const Geometry* geometry_ = nullptr;
  std::vector<ClusterRun> runs_;
  std::vector<uint64_t> words_;
  sim::ClusterCount used_;
};

}  // namespace zerotail::exfat
