#include "zerotail/mm/folio_index.h"

#include <algorithm>
#include <array>
#include <bit>

#include "zerotail/sim/assert.h"

namespace zerotail::mm {

namespace {
constexpr unsigned kFanShift = 6;
constexpr uint64_t kFan = uint64_t{1} << kFanShift;

// Bits at or above `first`.
uint64_t from_bit(uint64_t first) { return ~uint64_t{0} << first; }

// The range's slots in its leaf.
uint64_t slots_of(const PageRange& range) {
  ZT_ASSERT(std::has_single_bit(range.count) && range.count <= kFan);
  ZT_ASSERT((range.first & (range.count - 1)) == 0);
  return ~uint64_t{0} >> (kFan - range.count) << (range.first & (kFan - 1));
}

// Whether `index` lies under a root of this level.
bool covered(unsigned level, uint64_t index) {
  const unsigned bits = (level + 1) * kFanShift;
  return bits >= 64 || index >> bits == 0;
}
}  // namespace

struct FolioIndex::Node {
  explicit Node(unsigned node_level) : level(node_level) {}
  virtual ~Node() = default;
  [[nodiscard]] unsigned shift() const { return level * kFanShift; }
  [[nodiscard]] uint64_t slot_of(uint64_t index) const { return index >> shift() & (kFan - 1); }

  const unsigned level;  // 0: a leaf
  uint64_t present = 0;
  uint64_t dirty = 0;
};

struct FolioIndex::Inner : Node {
  explicit Inner(unsigned node_level) : Node(node_level) {}
  std::array<std::unique_ptr<Node>, kFan> children;
};

struct FolioIndex::Leaf : Node {
  Leaf() : Node(0) {}
  void fill(const PageRange& range, Folio* folio) {
    std::fill_n(folios.begin() + static_cast<ptrdiff_t>(slot_of(range.first)), range.count, folio);
  }
  std::array<Folio*, kFan> folios{};
};

FolioIndex::FolioIndex() : root_(std::make_unique<Leaf>()) {}
FolioIndex::~FolioIndex() = default;

FolioIndex::Leaf* FolioIndex::find_leaf(uint64_t index) const {
  const uint64_t number = index >> kFanShift;
  if (last_leaf_ != nullptr && last_leaf_number_ == number) return last_leaf_;
  if (!covered(root_->level, index)) return nullptr;
  Node* node = root_.get();
  while (node->level > 0) {
    node = static_cast<Inner*>(node)->children[node->slot_of(index)].get();
    if (node == nullptr) return nullptr;
  }
  last_leaf_ = static_cast<Leaf*>(node);
  last_leaf_number_ = number;
  return last_leaf_;
}

Folio* FolioIndex::find(uint64_t index) const {
  const Leaf* leaf = find_leaf(index);
  return leaf == nullptr ? nullptr : leaf->folios[index & (kFan - 1)];
}

bool FolioIndex::any(const PageRange& range) const {
  const Leaf* leaf = find_leaf(range.first);
  return leaf != nullptr && (leaf->present & slots_of(range)) != 0;
}

// The leaf, with everything above it marked as holding something.
FolioIndex::Leaf& FolioIndex::make_leaf(uint64_t index) {
  Leaf* const known = find_leaf(index);
  if (known != nullptr && known->present != 0) return *known;
  while (!covered(root_->level, index)) {
    auto grown = std::make_unique<Inner>(root_->level + 1);
    grown->present = root_->present != 0 ? 1 : 0;
    grown->dirty = root_->dirty != 0 ? 1 : 0;
    grown->children[0] = std::move(root_);
    root_ = std::move(grown);
  }
  Node* node = root_.get();
  while (node->level > 0) {
    auto* inner = static_cast<Inner*>(node);
    const uint64_t slot = inner->slot_of(index);
    inner->present |= uint64_t{1} << slot;
    if (inner->children[slot] == nullptr) {
      if (inner->level == 1) {
        inner->children[slot] = std::make_unique<Leaf>();
      } else {
        inner->children[slot] = std::make_unique<Inner>(inner->level - 1);
      }
    }
    node = inner->children[slot].get();
  }
  return static_cast<Leaf&>(*node);
}

void FolioIndex::insert(const PageRange& range, Folio& folio) {
  Leaf& leaf = make_leaf(range.first);
  ZT_ASSERT((leaf.present & slots_of(range)) == 0);
  leaf.fill(range, &folio);
  leaf.present |= slots_of(range);
  ++count_;
}

void FolioIndex::split(const PageRange& range, Folio& folio) {
  Leaf* const leaf = find_leaf(range.first);
  ZT_ASSERT(leaf != nullptr && (leaf->present & slots_of(range)) == slots_of(range));
  leaf->fill(range, &folio);
  ++count_;
}

bool FolioIndex::erase_below(Node& node, const PageRange& range) {
  const uint64_t slot = node.slot_of(range.first);
  if (node.level == 0) {
    auto& leaf = static_cast<Leaf&>(node);
    leaf.fill(range, nullptr);
    leaf.present &= ~slots_of(range);
    leaf.dirty &= ~slots_of(range);
  } else {
    auto& inner = static_cast<Inner&>(node);
    const uint64_t bit = uint64_t{1} << slot;
    Node& child = *inner.children[slot];
    if (erase_below(child, range)) {
      inner.children[slot].reset();
      inner.present &= ~bit;
      inner.dirty &= ~bit;
    } else if (child.dirty == 0) {
      inner.dirty &= ~bit;
    }
  }
  return node.present == 0;
}

void FolioIndex::erase(const PageRange& range) {
  const uint64_t slots = slots_of(range);
  Leaf* const leaf = find_leaf(range.first);
  ZT_ASSERT(leaf != nullptr && (leaf->present & slots) == slots);
  --count_;
  // Nothing changes above a leaf that keeps folios and was not the last dirty one.
  const bool keeps_tag = leaf->dirty == 0 || (leaf->dirty & ~slots) != 0;
  if ((leaf->present & ~slots) != 0 && keeps_tag) {
    static_cast<void>(erase_below(*leaf, range));
    return;
  }
  last_leaf_ = nullptr;
  if (erase_below(*root_, range)) root_ = std::make_unique<Leaf>();
}

void FolioIndex::tag_below(Node& node, const PageRange& range, bool dirty) {
  uint64_t bits = uint64_t{1} << node.slot_of(range.first);
  bool tagged = dirty;
  if (node.level == 0) {
    bits = slots_of(range);
  } else {
    Node& child = *static_cast<Inner&>(node).children[node.slot_of(range.first)];
    tag_below(child, range, dirty);
    tagged = child.dirty != 0;
  }
  node.dirty = tagged ? node.dirty | bits : node.dirty & ~bits;
}

void FolioIndex::set_dirty(const PageRange& range, bool dirty) {
  const uint64_t slots = slots_of(range);
  Leaf* const leaf = find_leaf(range.first);
  ZT_ASSERT(leaf != nullptr && (leaf->present & slots) == slots);
  // Nothing changes above a leaf that was dirty and stays so.
  if (leaf->dirty != 0 && (dirty || (leaf->dirty & ~slots) != 0)) {
    tag_below(*leaf, range, dirty);
  } else {
    tag_below(*root_, range, dirty);
  }
}

bool FolioIndex::any_dirty() const { return root_->dirty != 0; }

Folio* FolioIndex::walk(const Node& node, uint64_t base, uint64_t from, bool dirty) const {
  const uint64_t first = from > base ? (from - base) >> node.shift() : 0;
  if (first >= kFan) return nullptr;
  uint64_t slots = (dirty ? node.dirty : node.present) & from_bit(first);
  while (slots != 0) {
    const auto slot = static_cast<unsigned>(std::countr_zero(slots));
    slots &= slots - 1;
    if (node.level == 0) return static_cast<const Leaf&>(node).folios[slot];
    const Node& child = *static_cast<const Inner&>(node).children[slot];
    Folio* found = walk(child, base + (uint64_t{slot} << node.shift()), from, dirty);
    if (found != nullptr) return found;
  }
  return nullptr;
}

Folio* FolioIndex::next(uint64_t from) const {
  const Leaf* leaf = find_leaf(from);
  const uint64_t base = from & ~(kFan - 1);
  Folio* const near = leaf == nullptr ? nullptr : walk(*leaf, base, from, false);
  return near != nullptr ? near : walk(*root_, 0, from, false);
}

Folio* FolioIndex::next_dirty(uint64_t from) const {
  const Leaf* leaf = find_leaf(from);
  const uint64_t base = from & ~(kFan - 1);
  Folio* const near = leaf == nullptr ? nullptr : walk(*leaf, base, from, true);
  return near != nullptr ? near : walk(*root_, 0, from, true);
}

}  // namespace zerotail::mm
