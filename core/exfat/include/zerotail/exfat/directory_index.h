// What is known of a directory in memory, so that neither a look-up nor a search for free entries
// reads it again: the places of the sets by a hash of their names, and which entries are free.
// Built once, when the directory is first searched, and kept up to date by every change.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace zerotail::exfat {

class DirectoryIndex {
 public:
  DirectoryIndex();

  // A hash of folded units; equal names have equal hashes, not the other way round.
  [[nodiscard]] static uint32_t hash_of(std::u16string_view folded);

  struct Set {
    uint32_t entry = 0;  // the set's first
    uint32_t count = 0;  // entries
    bool directory = false;
  };
  void add(uint32_t hash, const Set& set);
  void remove(uint32_t hash, const Set& set);
  // Calls `visit(entry)` for every set with this hash until it returns true.
  template <class Visit>
  void for_each(uint32_t hash, Visit&& visit) const {
    const size_t mask = slots_.size() - 1;
    for (size_t at = hash & mask; slots_[at].state != State::kEmpty; at = (at + 1) & mask) {
      if (slots_[at].state == State::kSet && slots_[at].hash == hash && visit(slots_[at].entry)) {
        return;
      }
    }
  }

  // Entries of the directory; new ones are free.
  [[nodiscard]] uint32_t entries() const { return entries_; }
  void set_entries(uint32_t entries);
  // One past the last entry that was ever used: where the end mark stands, if there is room.
  [[nodiscard]] uint32_t end() const { return end_; }
  void set_end(uint32_t end) { end_ = end; }
  // Entries that are in use without belonging to a set with a name.
  void mark_used(uint32_t entry, uint32_t count);
  void mark_free(uint32_t entry, uint32_t count);
  // The first run of `count` free entries; if there is none, nothing. With `align`, a run that fits
  // between two multiples of it lies between two; one index is always asked with the same `align`.
  [[nodiscard]] std::optional<uint32_t> find_free(uint32_t count, uint32_t align = 0);
  // Free entries at the very end, onto which a grown directory adds.
  [[nodiscard]] uint32_t free_tail() const;

  [[nodiscard]] uint32_t sets() const { return sets_; }
  [[nodiscard]] uint32_t subdirectories() const { return subdirectories_; }

 private:
  static constexpr uint32_t kLongestRun = 256;
  enum class State : uint8_t { kEmpty, kRemoved, kSet };
  struct Slot {
    uint32_t hash = 0;
    uint32_t entry = 0;
    State state = State::kEmpty;
  };
  void rehash(size_t slots);
  [[nodiscard]] bool used(uint32_t entry) const;

  std::vector<Slot> slots_;
  size_t filled_ = 0;  // slots that are not empty
  uint32_t sets_ = 0;
  uint32_t subdirectories_ = 0;
  uint32_t entries_ = 0;
  uint32_t end_ = 0;
  std::vector<uint64_t> used_;
  // No run of n + 1 free entries starts before first_free_[n].
  std::array<uint32_t, kLongestRun> first_free_{};
};

}  // namespace zerotail::exfat
