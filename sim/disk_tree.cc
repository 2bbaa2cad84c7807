#include "disk_tree.h"

#include <algorithm>
#include <cstring>

namespace zerotail::sim {

namespace {

// True when no other tree or snapshot can see the node. The fence pairs with the release of the
// last other owner: what it read there happened before what we write now.
bool owned_alone(const NodeRef& node) {
  if (node.use_count() != 1) return false;
  std::atomic_thread_fence(std::memory_order_acquire);
  return true;
}

DiskInner& inner_for_write(NodeRef& node) {
  if (node == nullptr) {
    node = std::make_shared<DiskInner>();
  } else if (!owned_alone(node)) {
    auto copy = std::make_shared<DiskInner>();
    copy->children = static_cast<const DiskInner&>(*node).children;
    node = std::move(copy);
  }
  node->forget_digest();
  return static_cast<DiskInner&>(*node);
}

Digest chunk_digest(const DiskChunk& chunk, uint64_t index, std::byte fill, uint64_t* hashed) {
  Digest sum;
  for (uint64_t i = 0; i < kSectorsPerChunk; ++i) {
    const std::byte* content = chunk.data.data() + bytes(SectorCount{i}).value();
    sum += disk_digest(Sector{index * kSectorsPerChunk + i}, content, fill);
  }
  if (hashed != nullptr) *hashed += kSectorsPerChunk;
  return sum;
}

}  // namespace

Digest DiskNode::cached_digest() const {
  return {.low = digest_low.load(std::memory_order_relaxed),
          .high = digest_high.load(std::memory_order_relaxed)};
}

void DiskNode::cache_digest(const Digest& digest) {
  digest_low.store(digest.low, std::memory_order_relaxed);
  digest_high.store(digest.high, std::memory_order_relaxed);
  digest_known.store(true, std::memory_order_release);
}

unsigned tree_height(uint64_t chunks) {
  unsigned height = 1;
  while (kFanOutShift * height < 64 && (chunks - 1) >> (kFanOutShift * height) != 0) ++height;
  return height;
}

std::byte* chunk_for_write(NodeRef& root, unsigned height, uint64_t index, std::byte fill,
                           bool overwrite) {
  NodeRef* node = &root;
  for (; height > 0; --height) {
    const uint64_t slot = (index >> (kFanOutShift * (height - 1))) & (kFanOut - 1);
    node = &inner_for_write(*node).children[slot];
  }
  if (*node == nullptr || !owned_alone(*node)) {
    auto chunk = std::make_shared<DiskChunk>();
    if (!overwrite && *node == nullptr) chunk->data.fill(fill);
    if (!overwrite && *node != nullptr) {
      std::memcpy(chunk->data.data(), static_cast<const DiskChunk&>(**node).data.data(),
                  kChunkBytes);
    }
    *node = std::move(chunk);
  }
  (*node)->forget_digest();
  return static_cast<DiskChunk&>(**node).data.data();
}

void drop_chunks(NodeRef& root, unsigned height, uint64_t first, uint64_t last) {
  if (root == nullptr || first >= last) return;
  if (height == 0) {
    root = nullptr;
    return;
  }
  const uint64_t step = chunks_per_child(height);
  if (first == 0 && last >= step * kFanOut) {
    root = nullptr;
    return;
  }
  DiskInner& inner = inner_for_write(root);
  for (uint64_t slot = first / step; slot < kFanOut && slot * step < last; ++slot) {
    const uint64_t begin = std::max(first, slot * step) - slot * step;
    const uint64_t end = std::min(last - slot * step, step);
    drop_chunks(inner.children[slot], height - 1, begin, end);
  }
}

Digest tree_digest(DiskNode* node, unsigned height, uint64_t first, std::byte fill,
                   uint64_t* hashed) {
  if (node == nullptr) return {};
  if (node->digest_known.load(std::memory_order_acquire)) return node->cached_digest();
  Digest sum;
  if (height == 0) {
    sum = chunk_digest(static_cast<const DiskChunk&>(*node), first, fill, hashed);
  } else {
    const uint64_t step = chunks_per_child(height);
    for (uint64_t slot = 0; slot < kFanOut; ++slot) {
      DiskNode* child = static_cast<DiskInner&>(*node).children[slot].get();
      sum += tree_digest(child, height - 1, first + slot * step, fill, hashed);
    }
  }
  node->cache_digest(sum);
  return sum;
}

void tree_difference(const DiskNode* a, const DiskNode* b, unsigned height, uint64_t first,
                     const std::byte* fill_chunk, std::vector<Sector>& out) {
  if (a == b) return;
  if (height == 0) {
    const std::byte* left =
        a == nullptr ? fill_chunk : static_cast<const DiskChunk*>(a)->data.data();
    const std::byte* right =
        b == nullptr ? fill_chunk : static_cast<const DiskChunk*>(b)->data.data();
    for (uint64_t i = 0; i < kSectorsPerChunk; ++i) {
      const uint64_t offset = bytes(SectorCount{i}).value();
      if (std::memcmp(left + offset, right + offset, kSectorSize.value()) != 0) {
        out.push_back(Sector{first * kSectorsPerChunk + i});
      }
    }
    return;
  }
  const uint64_t step = chunks_per_child(height);
  for (uint64_t slot = 0; slot < kFanOut; ++slot) {
    const DiskNode* left =
        a == nullptr ? nullptr : static_cast<const DiskInner*>(a)->children[slot].get();
    const DiskNode* right =
        b == nullptr ? nullptr : static_cast<const DiskInner*>(b)->children[slot].get();
    tree_difference(left, right, height - 1, first + slot * step, fill_chunk, out);
  }
}

void visit_chunks(const DiskNode* node, unsigned height, uint64_t first,
                  const std::function<void(uint64_t, const DiskChunk&)>& visit) {
  if (node == nullptr) return;
  if (height == 0) return visit(first, static_cast<const DiskChunk&>(*node));
  const uint64_t step = chunks_per_child(height);
  for (uint64_t slot = 0; slot < kFanOut; ++slot) {
    const DiskNode* child = static_cast<const DiskInner*>(node)->children[slot].get();
    visit_chunks(child, height - 1, first + slot * step, visit);
  }
}

}  // namespace zerotail::sim
