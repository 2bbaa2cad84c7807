// Folios of one file by page index: a radix tree of 64-way nodes with a dirty tag a slot, as deep
// as the highest index needs. A folio of several pages stands in the slots of all of them, which
// are in one leaf. Walks go in ascending order.
#pragma once

#include <cstdint>
#include <memory>

namespace zerotail::mm {

class Folio;

// 1 to 64 pages, a power of two, aligned.
struct PageRange {
  uint64_t first = 0;
  uint64_t count = 1;
};

class FolioIndex {
 public:
  FolioIndex();
  ~FolioIndex();
  FolioIndex(const FolioIndex&) = delete;
  FolioIndex& operator=(const FolioIndex&) = delete;

  [[nodiscard]] Folio* find(uint64_t index) const;
  [[nodiscard]] bool any(const PageRange& range) const;
  void insert(const PageRange& range, Folio& folio);  // the slots must be empty
  void erase(const PageRange& range);                 // one folio's; its tags go with it
  // A part of a folio's pages is another folio now; tags stay.
  void split(const PageRange& range, Folio& folio);
  void set_dirty(const PageRange& range, bool dirty);
  [[nodiscard]] uint64_t count() const { return count_; }  // folios
  [[nodiscard]] bool any_dirty() const;

  // The folio of the first page at or after `from` that has one; any, or with the dirty tag.
  [[nodiscard]] Folio* next(uint64_t from) const;
  [[nodiscard]] Folio* next_dirty(uint64_t from) const;

 private:
  struct Node;
  struct Inner;
  struct Leaf;
  [[nodiscard]] Leaf* find_leaf(uint64_t index) const;
  [[nodiscard]] Leaf& make_leaf(uint64_t index);
  [[nodiscard]] Folio* walk(const Node& node, uint64_t base, uint64_t from, bool dirty) const;
  [[nodiscard]] static bool erase_below(Node& node, const PageRange& range);
  static void tag_below(Node& node, const PageRange& range, bool dirty);

  std::unique_ptr<Node> root_;
  uint64_t count_ = 0;
  // The leaf found last: neighbours are looked up one after the other.
  mutable Leaf* last_leaf_ = nullptr;
  mutable uint64_t last_leaf_number_ = 0;
};

}  // namespace zerotail::mm
