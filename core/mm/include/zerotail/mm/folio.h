// A folio: one page of a file in the page cache, or several as one (a power of two, aligned), with
// per-block uptodate and dirty bits.
//
// Models: contents, uptodate and dirty bits a block, the folio lock, the writeback flag, the
// reference count that keeps a removed folio alive, and how shared mappings have each of its pages.
// Leaves out: reclaim, migration, and page tables of single processes (the mapping state is one for
// all). Invariants: a folio with a page that shared mappings may store to is dirty; a folio under
// writeback stays in its address space.
//
// As the kernel's struct page, there is one Folio object for each page of the pool's memory: the
// first page's is the folio, those of the pages behind only say how they are mapped, until a split
// makes folios of them.
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
struct FolioGroup;

// How shared mappings have a page: a store through a read-only (or absent) one faults.
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
  // In pages: of the first one, how many, and of the one behind the last.
  [[nodiscard]] uint64_t index() const { return index_; }
  [[nodiscard]] uint64_t pages() const { return uint64_t{1} << order_; }
  [[nodiscard]] uint64_t end_index() const { return index_ + pages(); }
  [[nodiscard]] sim::FilePos pos() const { return sim::FilePos{index_ << page_shift_}; }
  [[nodiscard]] sim::FilePos end() const { return pos() + size(); }
  [[nodiscard]] sim::ByteCount size() const {
    return sim::ByteCount{uint64_t{1} << (page_shift_ + order_)};
  }
  [[nodiscard]] std::byte* data() const { return data_; }
  [[nodiscard]] std::span<std::byte> bytes(uint64_t offset, uint64_t length) const {
    ZT_ASSERT(offset + length <= size().value());
    return {data_ + offset, length};
  }
  void zero(uint64_t from, uint64_t to);  // [from, to), byte offsets in the folio

  [[nodiscard]] unsigned block_shift() const { return block_shift_; }
  [[nodiscard]] unsigned blocks() const { return blocks_; }

  // Every block uptodate.
  [[nodiscard]] bool uptodate() const { return uptodate_; }
  [[nodiscard]] bool block_uptodate(unsigned block) const;
  [[nodiscard]] bool range_uptodate(uint64_t offset, uint64_t length) const;
  [[nodiscard]] unsigned next_not_uptodate(unsigned first, unsigned limit) const;
  [[nodiscard]] unsigned next_uptodate(unsigned first, unsigned limit) const;
  // The blocks that [offset, offset + length) touches. Only the holder of the folio lock, or a read
  // completion on its behalf.
  void set_uptodate(uint64_t offset, uint64_t length);
  void clear_uptodate();

  [[nodiscard]] bool dirty() const { return dirty_; }
  // The first dirty block in [first, limit) or limit, and the end of the run that starts there.
  [[nodiscard]] unsigned next_dirty(unsigned first, unsigned limit) const;
  [[nodiscard]] unsigned dirty_run_end(unsigned first, unsigned limit) const;

  [[nodiscard]] bool locked() const { return locked_; }
  [[nodiscard]] bool writeback() const { return writeback_; }

  // How shared mappings have the page at `index` of the file, and whether they have any page.
  [[nodiscard]] MapState map_state(uint64_t index) const { return page(index).map_state_; }
  [[nodiscard]] bool mapped() const { return mapped_pages_ > 0; }
  void map(uint64_t index, bool writable);
  void unmap() { unmap_from(index_); }
  void unmap_from(uint64_t index);  // the page at `index` and those behind it
  // Stores through shared mappings fault again.
  void write_protect();

  // Reads in flight that fill this folio (the last one to end unlocks it), and writes in flight
  // (the last one ends writeback).
  uint32_t reads_pending = 0;
  uint32_t writes_pending = 0;
  bool read_failed = false;

  std::unique_ptr<FolioPrivate> attached;

 private:
  friend class AddressSpace;
  friend class FolioPool;
  friend class FolioRef;
  Folio() = default;
  [[nodiscard]] const Folio& page(uint64_t index) const {
    ZT_ASSERT(index >= index_ && index < end_index());
    return this[index - index_];
  }
  [[nodiscard]] Folio& page(uint64_t index) {
    return const_cast<Folio&>(std::as_const(*this).page(index));
  }
  // The folio's own state from its bits and its pages: after a split.
  void recount();

  bool uptodate_ = false;
  bool dirty_ = false;
  bool locked_ = false;
  bool waiters_ = false;  // somebody waits for the lock or for writeback
  bool writeback_ = false;
  MapState map_state_ = MapState::kUnmapped;  // of this page
  uint8_t order_ = 0;                         // 2^order_ pages
  uint8_t page_shift_ = 0;
  uint8_t block_shift_ = 0;
  uint16_t blocks_ = 0;
  uint16_t first_bit_ = 0;  // of its blocks, in the bits of the group
  uint16_t mapped_pages_ = 0;
  uint32_t references_ = 0;
  AddressSpace* owner_ = nullptr;
  FolioGroup* group_ = nullptr;
  std::byte* data_ = nullptr;
  uint64_t index_ = 0;
  FolioPool* pool_ = nullptr;
  uint16_t page_in_group_ = 0;
  bool free_ = false;  // the first page of free memory of this order
  Folio* next_free_ = nullptr;
  Folio* previous_free_ = nullptr;
};

}  // namespace zerotail::mm
