// What damaged sectors show, and the digests of that: made once a sector, since a damaged block has
// thousands of them and one state after the other damages the same block. Private to fault.
//
// Left out: sectors torn inside, of which there is one a state at most.
// Invariant: what is remembered is a function of the sector (and, for base digests, of the
// segment).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <unordered_map>

#include "zerotail/sim/digest.h"
#include "zerotail/sim/mem_disk.h"

namespace zerotail::fault {

class DamageMemory {
 public:
  // A whole sector: its content, valid until trim(), and its share of the disk's digest.
  struct Shown {
    const std::byte* content;
    sim::Digest digest;
  };
  [[nodiscard]] Shown garbage(sim::Sector sector, std::byte fill);
  [[nodiscard]] Shown erased(sim::Sector sector, std::byte fill);
  [[nodiscard]] sim::Digest base_digest(const sim::Snapshot& base, sim::Sector sector);

  // Another segment, with another base.
  void forget_base();
  // Keeps memory bounded: call when no content is in use.
  void trim();

 private:
  static constexpr uint64_t kChunkSectors = 64;
  static constexpr size_t kMostChunks = 1024;  // about 36 MiB
  struct Digests {
    std::array<sim::Digest, kChunkSectors> digest{};
    uint64_t known = 0;  // a bit a sector
  };
  struct Chunk {
    std::array<std::byte, kChunkSectors * sim::kSectorSize.value()> garbage;
    Digests of_garbage;
    Digests of_erased;
    Digests of_base;
  };
  Chunk& chunk_of(sim::Sector sector);

  std::unordered_map<uint64_t, std::unique_ptr<Chunk>> chunks_;
  uint64_t last_number_ = 0;
  Chunk* last_ = nullptr;
};

}  // namespace zerotail::fault
