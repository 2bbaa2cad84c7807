// The medium: a sparse disk in memory, in copy-on-write chunks under a persistent radix tree.
// Snapshots are O(1) and share chunks; a write copies the path and the chunk it changes.
// What was never written reads as the fill byte.
//
// Ownership: a Snapshot keeps its tree alive. Threads: one MemDisk belongs to one thread;
// snapshots may be read and copied by several (reference counts are atomic).
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "zerotail/sim/block_device.h"
#include "zerotail/sim/digest.h"
#include "zerotail/sim/sector_reader.h"

namespace zerotail::sim {

inline constexpr ByteCount kChunkSize{4096};

struct DiskNode;  // a node of the tree, in disk_tree.h

class Snapshot : public SectorReader {
 public:
  Snapshot() = default;
  [[nodiscard]] SectorCount capacity() const override { return capacity_; }
  [[nodiscard]] const std::byte* sector(Sector sector) const override;
  [[nodiscard]] std::byte fill() const { return fill_; }
  // Incremental: costs what changed since the digest of a snapshot that shares its chunks. Adds the
  // number of sectors that had to be read for it to `*hashed`.
  [[nodiscard]] Digest digest(uint64_t* hashed = nullptr) const;
  // Sectors that differ, ascending; skips shared parts of the trees. Asserts that capacities and
  // fill bytes are equal.
  [[nodiscard]] std::vector<Sector> difference(const Snapshot& other) const;
  // The chunks that were ever written, ascending: for saving sparse images.
  void for_each_chunk(const std::function<void(DevPos, std::span<const std::byte>)>& visit) const;

 private:
  friend class MemDisk;
  SectorCount capacity_;
  std::byte fill_{0};
  std::shared_ptr<DiskNode> root_;
  std::shared_ptr<const std::vector<std::byte>> fill_chunk_;
  unsigned height_ = 0;  // levels of inner nodes above the chunks
};

// Completes every bio before submit() returns; flush does nothing (all is durable here).
class MemDisk : public BlockDevice, public SectorReader {
 public:
  struct Options {
    SectorCount capacity{};  // a multiple of the logical block, not 0
    ByteCount logical_block{512};
    ByteCount physical_block{512};
    std::byte fill{0};
    // What discarded sectors read as. Equal to `fill`: whole chunks are given back.
    std::byte discard_fill{0};
  };
  explicit MemDisk(const Options& options);
  MemDisk(const Snapshot& snapshot, const Options& options);  // capacity and fill: the snapshot's

  [[nodiscard]] const DeviceInfo& info() const override { return info_; }
  void submit(Bio& bio) override;
  [[nodiscard]] SectorCount capacity() const override { return info_.capacity; }
  [[nodiscard]] const std::byte* sector(Sector sector) const override;

  // Plain access, outside any bio: tests, images, crash states.
  void write(DevPos pos, std::span<const std::byte> data);
  void discard(Sector sector, SectorCount count);
  // As writing zeros; where the fill is zero, whole chunks are given back instead.
  void zero(DevPos pos, ByteCount length);
  [[nodiscard]] Snapshot snapshot() const { return state_; }
  void restore(const Snapshot& snapshot);
  [[nodiscard]] Digest digest() const { return state_.digest(); }

 private:
  void write_all_segments(const Bio& bio);
  void read_all_segments(const Bio& bio) const;

  DeviceInfo info_;
  std::byte discard_fill_;
  Snapshot state_;
};

}  // namespace zerotail::sim
