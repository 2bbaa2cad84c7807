// A folio: some pages of one file in the page cache, with per-block uptodate and dirty bits.
//
// Models: contents, uptodate and dirty bits a block, the folio lock, the writeback flag, the
// reference count that keeps a removed folio alive, and how shared mappings map it. Leaves out:
// reclaim, migration, and page tables of single processes (the mapping state is one for all).
// Invariants: a folio that shared mappings may store to is dirty; a folio under writeback stays in
// its address space.
//
// Locks, tags and the cache's index belong to AddressSpace, which alone changes them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>

#include "zerotail/mm/block_bits.h"
#include "zerotail/sim/units.h"

namespace zerotail::mm {

class AddressSpace;
class Folio;
class FolioPool;

// How shared mappings have the folio: a store through a read-only (or absent) one faults.
enum class MapState : uint8_t { kUnmapped, kReadOnly, kWritable };

// What a user of the cache keeps with a folio (buffer heads); it goes when the folio leaves the
// cache.
class FolioPrivate {
 public:
  virtual ~FolioPrivate() = default;
};

// Keeps a folio's memory alive; says nothing about whether it is still in the cache.
class FolioRef {
 public:
  FolioRef() = default;
  explicit FolioRef(Folio* folio);
  FolioRef(const FolioRef& other);
  FolioRef(FolioRef&& other) noexcept : folio_(std::exchange(other.folio_, nullptr)) {}
  FolioRef& operator=(FolioRef other) noexcept {
    std::swap(folio_, other.folio_);
    return *this;
  }
  ~FolioRef();
  explicit operator bool() const { return folio_ != nullptr; }
  [[nodiscard]] Folio* get() const { return folio_; }
  Folio& operator*() const { return *folio_; }
  Folio* operator->() const { return folio_; }

 private:
  Folio* folio_ = nullptr;
};

class Folio {
 public:
  Folio(const Folio&) = delete;
  Folio& operator=(const Folio&) = delete;

  // The cache it belongs to; nullptr once it was removed (truncated, invalidated).
  [[nodiscard]] AddressSpace* owner() const { return owner_; }
  [[nodiscard]] uint64_t index() const { return index_; }
  [[nodiscard]] sim::FilePos pos() const { return pos_; }
  [[nodiscard]] sim::FilePos end() const { return pos_ + size_; }
  [[nodiscard]] sim::ByteCount size() const { return size_; }
  [[nodiscard]] std::byte* data() const { return data_; }
  [[nodiscard]] std::span<std::byte> bytes(uint64_t offset, uint64_t length) const {
    ZT_ASSERT(offset + length <= size_.value());
    return {data_ + offset, length};
  }
  void zero(uint64_t from, uint64_t to);  // [from, to), byte offsets in the folio

  [[nodiscard]] unsigned block_shift() const { return block_shift_; }
  [[nodiscard]] unsigned blocks() const { return blocks_; }

  // Every block uptodate.
  [[nodiscard]] bool uptodate() const { return uptodate_; }
  [[nodiscard]] bool block_uptodate(unsigned block) const { return uptodate_bits_.test(block); }
  [[nodiscard]] bool range_uptodate(uint64_t offset, uint64_t length) const;
  [[nodiscard]] unsigned next_not_uptodate(unsigned first, unsigned limit) const {
    return uptodate_bits_.next_clear(first, limit);
  }
  [[nodiscard]] unsigned next_uptodate(unsigned first, unsigned limit) const {
    return uptodate_bits_.next_set(first, limit);
  }
  // The blocks that [offset, offset + length) touches. Only the holder of the folio lock, or a read
  // completion on its behalf.
  void set_uptodate(uint64_t offset, uint64_t length);
  void clear_uptodate() {
    uptodate_bits_.clear(0, blocks_);
    uptodate_ = false;
  }

  [[nodiscard]] bool dirty() const { return dirty_; }
  // The first dirty block in [first, limit) or limit, and the end of the run that starts there.
  [[nodiscard]] unsigned next_dirty(unsigned first, unsigned limit) const {
    return dirty_bits_.next_set(first, limit);
  }
  [[nodiscard]] unsigned dirty_run_end(unsigned first, unsigned limit) const {
    return dirty_bits_.next_clear(first, limit);
  }

  [[nodiscard]] bool locked() const { return locked_; }
  [[nodiscard]] bool writeback() const { return writeback_; }

  [[nodiscard]] MapState map_state() const { return map_state_; }
  void map(bool writable) {
    ZT_ASSERT(!writable || dirty_);
    if (writable || map_state_ == MapState::kUnmapped) {
      map_state_ = writable ? MapState::kWritable : MapState::kReadOnly;
    }
  }
  void unmap() { map_state_ = MapState::kUnmapped; }
  // Stores through shared mappings fault again.
  void write_protect() {
    if (map_state_ == MapState::kWritable) map_state_ = MapState::kReadOnly;
  }

  // Reads in flight that fill this folio (the last one to end unlocks it), and writes in flight
  // (the last one ends writeback).
  uint32_t reads_pending = 0;
  bool read_failed = false;
  uint32_t writes_pending = 0;

  std::unique_ptr<FolioPrivate> attached;

 private:
  friend class AddressSpace;
  friend class FolioPool;
  friend class FolioRef;
  Folio() = default;

  AddressSpace* owner_ = nullptr;
  FolioPool* pool_ = nullptr;
  Folio* next_free_ = nullptr;
  std::byte* data_ = nullptr;
  uint64_t index_ = 0;
  sim::FilePos pos_;
  sim::ByteCount size_;
  unsigned block_shift_ = 0;
  unsigned blocks_ = 0;
  uint32_t references_ = 0;
  bool uptodate_ = false;
  bool dirty_ = false;
  bool locked_ = false;
  bool waiters_ = false;  // somebody waits for the lock or for writeback
  bool writeback_ = false;
  MapState map_state_ = MapState::kUnmapped;
  BlockBits uptodate_bits_;
  BlockBits dirty_bits_;
};

}  // namespace zerotail::mm
