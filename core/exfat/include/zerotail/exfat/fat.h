// The file allocation table: typed entries, every number checked before it is followed.
// Of two FATs the active one is read; every block of it that changes is copied to the other one, as
// the Linux driver mirrors it.
#pragma once

#include <cstdint>
#include <vector>

#include "zerotail/buffer/buffer_cache.h"
#include "zerotail/exfat/geometry.h"

namespace zerotail::exfat {

// What the entry of a cluster says comes after it.
struct FatEntry {
  enum class Kind : uint8_t { kFree, kNext, kEnd, kBad };
  Kind kind = Kind::kFree;
  sim::Cluster next;  // kNext only; valid in the volume
};

class Fat {
 public:
  Fat(buffer::BufferCache& cache, const Geometry& geometry) : cache_(cache), geometry_(geometry) {}

  // `sync`: changes are written and waited for (-o sync). `by_entry`: and a run is chained entry by
  // entry.
  void set_sync(bool sync, bool by_entry) {
    sync_ = sync;
    by_entry_ = by_entry;
  }

  // The cluster must be valid. EIO: read failed, or the entry points outside the heap.
  [[nodiscard]] sim::Result<FatEntry> get(sim::Cluster cluster);
  // The cluster after this one in a chain that must go on. EIO when it is free, bad or the end.
  [[nodiscard]] sim::Result<sim::Cluster> next(sim::Cluster cluster);
  sim::Status set_next(sim::Cluster cluster, sim::Cluster next);
  sim::Status set_end(sim::Cluster cluster);
  // Chains a contiguous run, first to last, and ends it. With sync: one write for each sector of
  // the FAT (so the driver turns a NoFatChain run into a chain), or one for each entry.
  sim::Status chain_run(sim::Cluster first, sim::ClusterCount count);
  // The FAT's block that holds the entry.
  [[nodiscard]] buffer::Block block_of(sim::Cluster cluster) const;

 private:
  struct Place {
    buffer::Buffer* buffer;  // held by last_
    size_t offset;
  };
  [[nodiscard]] sim::Result<Place> place(sim::Cluster cluster);
  sim::Status set(sim::Cluster cluster, uint32_t value);
  // The block was changed: the mirror follows, and with sync both are written, this one first.
  sim::Status finish(buffer::Buffer& changed);

  buffer::BufferCache& cache_;
  const Geometry& geometry_;
  bool sync_ = false;
  bool by_entry_ = false;
  buffer::BufferRef last_;  // the block that was used last: chains mostly stay in it
};

}  // namespace zerotail::exfat
