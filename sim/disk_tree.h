// The persistent radix tree under MemDisk and Snapshot. Private to sim.
//
// A tree of height h has h levels of inner nodes over its chunks; a null child is a range that was
// never written. Nodes are shared between trees and changed only while nobody else holds them; a
// node's digest is cached in it and forgotten when anything below it may change.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "zerotail/sim/digest.h"
#include "zerotail/sim/mem_disk.h"

namespace zerotail::sim {

inline constexpr unsigned kFanOutShift = 6;
inline constexpr uint64_t kFanOut = uint64_t{1} << kFanOutShift;
inline constexpr size_t kChunkBytes = kChunkSize.value();
inline constexpr uint64_t kSectorsPerChunk = kChunkSize / kSectorSize;

struct DiskNode {
  // Several threads may compute the digest of a shared node at once: they store the same value.
  std::atomic<bool> digest_known{false};
  std::atomic<uint64_t> digest_low{0};
  std::atomic<uint64_t> digest_high{0};

  [[nodiscard]] Digest cached_digest() const;
  void cache_digest(const Digest& digest);
  void forget_digest() { digest_known.store(false, std::memory_order_relaxed); }

 protected:
  DiskNode() = default;
  ~DiskNode() = default;  // shared_ptr remembers which kind it made
};

using NodeRef = std::shared_ptr<DiskNode>;

struct DiskInner : DiskNode {
  std::array<NodeRef, kFanOut> children;
};

struct DiskChunk : DiskNode {
  DiskChunk() {}  // NOLINT: `data` stays uninitialised, its maker fills it
  std::array<std::byte, kChunkBytes> data;
};

// Levels needed above `chunks` chunks; at least one.
[[nodiscard]] unsigned tree_height(uint64_t chunks);
// Chunks below one child of a node at `height`.
[[nodiscard]] constexpr uint64_t chunks_per_child(unsigned height) {
  return uint64_t{1} << (kFanOutShift * (height - 1));
}

[[nodiscard]] inline const DiskChunk* find_chunk(const NodeRef& root, unsigned height,
                                                 uint64_t index) {
  const DiskNode* node = root.get();
  for (; height > 0 && node != nullptr; --height) {
    const uint64_t slot = (index >> (kFanOutShift * (height - 1))) & (kFanOut - 1);
    node = static_cast<const DiskInner*>(node)->children[slot].get();
  }
  return static_cast<const DiskChunk*>(node);
}

// The chunk, owned by this tree alone and with no digest cached above it. Its old content is kept
// (a new one holds `fill`) unless `overwrite`: then the caller writes all of it.
[[nodiscard]] std::byte* chunk_for_write(NodeRef& root, unsigned height, uint64_t index,
                                         std::byte fill, bool overwrite);
// Gives back the chunks [first, last).
void drop_chunks(NodeRef& root, unsigned height, uint64_t first, uint64_t last);
// Digest of the chunks below `node`, the first of which is `first`.
[[nodiscard]] Digest tree_digest(DiskNode* node, unsigned height, uint64_t first, std::byte fill,
                                 uint64_t* hashed);
void tree_difference(const DiskNode* a, const DiskNode* b, unsigned height, uint64_t first,
                     const std::byte* fill_chunk, std::vector<Sector>& out);
void visit_chunks(const DiskNode* node, unsigned height, uint64_t first,
                  const std::function<void(uint64_t, const DiskChunk&)>& visit);

}  // namespace zerotail::sim
