// Folios of one file by index: a radix tree of 64-way nodes with a dirty tag a slot, as deep as the
// highest index needs. Walks go in ascending order.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

namespace zerotail::mm {

class Folio;

class FolioIndex {
 public:
  FolioIndex();
  ~FolioIndex();
  FolioIndex(const FolioIndex&) = delete;
  FolioIndex& operator=(const FolioIndex&) = delete;

  [[nodiscard]] Folio* find(uint64_t index) const;
  void insert(uint64_t index, Folio& folio);  // the slot must be empty
  void erase(uint64_t index);                 // the slot must be full; its tag goes with it
  void set_dirty(uint64_t index, bool dirty);
  [[nodiscard]] uint64_t count() const { return count_; }
  [[nodiscard]] bool any_dirty() const;

  // The first folio at or after `from`; any, or with the dirty tag.
  [[nodiscard]] Folio* next(uint64_t from) const;
  [[nodiscard]] Folio* next_dirty(uint64_t from) const;

 private:
  struct Node;
  struct Inner;
  struct Leaf;
  [[nodiscard]] Leaf* find_leaf(uint64_t index) const;
  [[nodiscard]] Folio* walk(const Node& node, uint64_t base, uint64_t from, bool dirty) const;
  [[nodiscard]] static bool erase_below(Node& node, uint64_t index);
  static void tag_below(Node& node, uint64_t index, bool dirty);

  std::unique_ptr<Node> root_;
  uint64_t count_ = 0;
  // The leaf found last: neighbours are looked up one after the other.
  mutable Leaf* last_leaf_ = nullptr;
  mutable uint64_t last_leaf_number_ = 0;
};

}  // namespace zerotail::mm
