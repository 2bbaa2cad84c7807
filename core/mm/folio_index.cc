#include "zerotail/mm/folio_index.h"

#include <array>
#include <bit>

#include "zerotail/sim/assert.h"

namespace zerotail::mm {

namespace {
constexpr unsigned kFanShift = 6;
constexpr uint64_t kFan = uint64_t{1} << kFanShift;

// Bits at or above `first`.
uint64_t from_bit(uint64_t first) { return ~uint64_t{0} << first; }
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
  std::array<Folio*, kFan> folios{};
};

FolioIndex::FolioIndex() : root_(std::make_unique<Leaf>()) {}
FolioIndex::~FolioIndex() = default;

namespace {
// Whether `index` lies under a root of this level.
bool covered(unsigned level, uint64_t index) {
  const unsigned bits = (level + 1) * kFanShift;
  return bits >= 64 || index >> bits == 0;
}
}  // namespace

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

void FolioIndex::insert(uint64_t index, Folio& folio) {
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
  auto* leaf = static_cast<Leaf*>(node);
  const uint64_t slot = leaf->slot_of(index);
  ZT_ASSERT(leaf->folios[slot] == nullptr);
  leaf->folios[slot] = &folio;
  leaf->present |= uint64_t{1} << slot;
  ++count_;
}

bool FolioIndex::erase_below(Node& node, uint64_t index) {
  const uint64_t slot = node.slot_of(index);
  const uint64_t bit = uint64_t{1} << slot;
  if (node.level == 0) {
    auto& leaf = static_cast<Leaf&>(node);
    ZT_ASSERT(leaf.folios[slot] != nullptr);
    leaf.folios[slot] = nullptr;
    leaf.present &= ~bit;
    leaf.dirty &= ~bit;
  } else {
    auto& inner = static_cast<Inner&>(node);
    Node* child = inner.children[slot].get();
    ZT_ASSERT(child != nullptr);
    if (erase_below(*child, index)) {
      inner.children[slot].reset();
      inner.present &= ~bit;
      inner.dirty &= ~bit;
    } else if (child->dirty == 0) {
      inner.dirty &= ~bit;
    }
  }
  return node.present == 0;
}

void FolioIndex::erase(uint64_t index) {
  ZT_ASSERT(covered(root_->level, index));
  last_leaf_ = nullptr;
  if (erase_below(*root_, index)) root_ = std::make_unique<Leaf>();
  --count_;
}

void FolioIndex::tag_below(Node& node, uint64_t index, bool dirty) {
  const uint64_t slot = node.slot_of(index);
  const uint64_t bit = uint64_t{1} << slot;
  bool tagged = dirty;
  if (node.level > 0) {
    Node& child = *static_cast<Inner&>(node).children[slot];
    tag_below(child, index, dirty);
    tagged = child.dirty != 0;
  }
  node.dirty = tagged ? node.dirty | bit : node.dirty & ~bit;
}

void FolioIndex::set_dirty(uint64_t index, bool dirty) {
  ZT_ASSERT(find(index) != nullptr);
  tag_below(*root_, index, dirty);
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

Folio* FolioIndex::next(uint64_t from) const { return walk(*root_, 0, from, false); }
Folio* FolioIndex::next_dirty(uint64_t from) const { return walk(*root_, 0, from, true); }

}  // namespace zerotail::mm
