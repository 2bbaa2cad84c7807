#include "zerotail/exfat/directory_index.h"

#include <algorithm>
#include <bit>

#include "zerotail/sim/assert.h"

namespace zerotail::exfat {

namespace {
constexpr size_t kFirstSlots = 16;
constexpr uint32_t kWordBits = 64;
}  // namespace

DirectoryIndex::DirectoryIndex() : slots_(kFirstSlots) {}

uint32_t DirectoryIndex::hash_of(std::u16string_view folded) {
  uint32_t hash = 0x811C9DC5;
  for (const char16_t unit : folded) hash = (hash ^ unit) * 0x01000193;
  return hash ^ (hash >> 15);
}

// ---- names

void DirectoryIndex::rehash(size_t slots) {
  const std::vector<Slot> old = std::move(slots_);
  slots_.assign(slots, Slot{});
  filled_ = 0;
  const size_t mask = slots - 1;
  for (const Slot& slot : old) {
    if (slot.state != State::kSet) continue;
    size_t at = slot.hash & mask;
    while (slots_[at].state != State::kEmpty) at = (at + 1) & mask;
    slots_[at] = slot;
    ++filled_;
  }
}

void DirectoryIndex::add(uint32_t hash, const Set& set) {
  mark_used(set.entry, set.count);
  if ((filled_ + 1) * 2 > slots_.size()) {
    rehash((sets_ + 1) * 4 > slots_.size() ? slots_.size() * 2 : slots_.size());
  }
  const size_t mask = slots_.size() - 1;
  size_t at = hash & mask;
  while (slots_[at].state == State::kSet) at = (at + 1) & mask;
  if (slots_[at].state == State::kEmpty) ++filled_;
  slots_[at] = {.hash = hash, .entry = set.entry, .state = State::kSet};
  ++sets_;
  if (set.directory) ++subdirectories_;
}

void DirectoryIndex::remove(uint32_t hash, const Set& set) {
  mark_free(set.entry, set.count);
  const size_t mask = slots_.size() - 1;
  size_t at = hash & mask;
  while (slots_[at].state != State::kSet || slots_[at].entry != set.entry) {
    ZT_ASSERT_MSG(slots_[at].state != State::kEmpty, "a set that was never added is removed");
    at = (at + 1) & mask;
  }
  slots_[at].state = State::kRemoved;
  // Removed slots that nothing follows need not be probed over any more.
  while (slots_[at].state == State::kRemoved && slots_[(at + 1) & mask].state == State::kEmpty) {
    slots_[at].state = State::kEmpty;
    --filled_;
    at = (at - 1) & mask;
  }
  --sets_;
  if (set.directory) --subdirectories_;
}

// ---- free entries

bool DirectoryIndex::used(uint32_t entry) const {
  return (used_[entry / kWordBits] >> (entry % kWordBits) & 1) != 0;
}

void DirectoryIndex::set_entries(uint32_t entries) {
  ZT_ASSERT(entries >= entries_);
  entries_ = entries;
  used_.resize((entries + kWordBits - 1) / kWordBits, 0);
}

void DirectoryIndex::mark_used(uint32_t entry, uint32_t count) {
  ZT_ASSERT(entry + count <= entries_);
  end_ = std::max(end_, entry + count);
  for (uint32_t i = entry; i < entry + count; ++i) {
    used_[i / kWordBits] |= uint64_t{1} << (i % kWordBits);
  }
}

void DirectoryIndex::mark_free(uint32_t entry, uint32_t count) {
  ZT_ASSERT(entry + count <= entries_);
  for (uint32_t i = entry; i < entry + count; ++i) {
    used_[i / kWordBits] &= ~(uint64_t{1} << (i % kWordBits));
  }
  // The freed entries may join free ones before them into a run that is long enough.
  for (uint32_t n = 0; n < kLongestRun; ++n) {
    first_free_[n] = std::min(first_free_[n], entry - std::min(entry, n));
  }
}

std::optional<uint32_t> DirectoryIndex::find_free(uint32_t count, uint32_t align) {
  ZT_ASSERT(count > 0 && count <= kLongestRun);
  const bool aligned = align != 0 && count <= align;
  uint32_t& start = first_free_[count - 1];
  uint32_t run = 0;
  for (uint32_t entry = start; entry < entries_;) {
    if (run == 0 && used_[entry / kWordBits] == ~uint64_t{0} && entry % kWordBits == 0) {
      entry += kWordBits;
      continue;
    }
    if (aligned && entry % align == 0) run = 0;
    run = used(entry) ? 0 : run + 1;
    ++entry;
    if (run == count) {
      start = entry - count;
      return start;
    }
  }
  start = entries_ - std::min(run, entries_);
  return std::nullopt;
}

uint32_t DirectoryIndex::free_tail() const {
  uint32_t tail = 0;
  while (tail < entries_ && !used(entries_ - 1 - tail)) ++tail;
  return tail;
}

}  // namespace zerotail::exfat
