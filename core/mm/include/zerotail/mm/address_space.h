// The page cache of one file: its folios by page index, their locks, dirty tags and writeback, and
// the errors that writeback met.
//
// Indexes and index ranges count pages. A walk goes on at Folio::end_index(), since a folio may
// have several pages, and any of them finds it.
//
// Locking as in the kernel: invalidate_lock (shared to fill the cache, exclusive to empty it), then
// folio locks in ascending order. A folio found in the cache must be locked, and its owner looked
// at again, before its bits may be trusted across a wait.
#pragma once

#include <cstdint>

#include "zerotail/mm/errseq.h"
#include "zerotail/mm/folio.h"
#include "zerotail/mm/folio_index.h"
#include "zerotail/mm/folio_pool.h"
#include "zerotail/sim/lock.h"

namespace zerotail::mm {

class AddressSpace {
 public:
  // `block_size`: the file system's block, a power of two, at most the page size and at least
  // kLargestFolio / kMaxBlocksPerFolio. A larger block counts as one of the page's size.
  AddressSpace(sim::Scheduler& scheduler, FolioPool& pool, sim::ByteCount block_size);
  // Drops everything, dirty or not. Waits for I/O that still uses the folios.
  ~AddressSpace();
  AddressSpace(const AddressSpace&) = delete;
  AddressSpace& operator=(const AddressSpace&) = delete;

  [[nodiscard]] sim::Scheduler& scheduler() { return scheduler_; }
  [[nodiscard]] sim::RwLock& invalidate_lock() { return invalidate_lock_; }
  [[nodiscard]] sim::ByteCount page_size() const { return pool_.page_size(); }
  [[nodiscard]] sim::ByteCount block_size() const { return block_size_; }
  [[nodiscard]] uint64_t index_of(sim::FilePos pos) const { return pos.value() >> page_shift_; }
  [[nodiscard]] sim::FilePos pos_of(uint64_t index) const {
    return sim::FilePos{index << page_shift_};
  }
  // Folios have up to 2^largest_order() pages.
  [[nodiscard]] unsigned largest_order() const { return pool_.largest_order(); }
  [[nodiscard]] uint64_t folio_count() const { return index_.count(); }
  [[nodiscard]] bool any_dirty() const { return index_.any_dirty(); }

  // The folio that has the page, or none. Not locked.
  [[nodiscard]] FolioRef find(uint64_t index) const { return FolioRef(index_.find(index)); }
  // The folio, locked; a new one (nothing uptodate) when there is none. A new one begins at `index`
  // and has up to `pages` pages, as alignment, neighbours and the largest order allow.
  [[nodiscard]] FolioRef find_or_create_locked(uint64_t index, uint64_t pages = 1);
  // The folio of the first page at or after `from` that has one (with the dirty tag).
  [[nodiscard]] FolioRef next(uint64_t from) const { return FolioRef(index_.next(from)); }
  [[nodiscard]] FolioRef next_dirty(uint64_t from) const {
    return FolioRef(index_.next_dirty(from));
  }

  void lock(Folio& folio);
  [[nodiscard]] bool try_lock(Folio& folio);
  void unlock(Folio& folio);
  void wait_writeback(Folio& folio);
  void start_writeback(Folio& folio);
  void end_writeback(Folio& folio);

  // Marks the blocks that [offset, offset + length) touches; or all of them.
  void mark_dirty(Folio& folio, uint64_t offset, uint64_t length);
  void mark_dirty(Folio& folio) { mark_dirty(folio, 0, folio.size().value()); }
  // Writeback takes the folio: the flag and the write permission of shared mappings go; the bits of
  // the blocks stay until clear_dirty_blocks().
  void begin_clean(Folio& folio);
  void clear_dirty_blocks(Folio& folio);
  // Some blocks only; the folio itself stays as dirty as it was.
  void clear_dirty_blocks(Folio& folio, unsigned first, unsigned count);
  // For a folio that goes away or turns out to hold nothing of the file.
  void cancel_dirty(Folio& folio);

  // Removes a locked folio: dirty or not, its content is lost.
  void remove(Folio& folio);
  // Nothing of the file at or past `size` stays: folios behind it go, the one that straddles it is
  // zeroed from there (and stays as dirty as it was), and its pages behind go too unless somebody
  // else uses the folio or keeps something with it. Mappings of what goes are unmapped.
  void truncate(sim::FilePos size);
  // Removes the folios that [first, last] touches, whole; false when any stayed. Dirty ones stay.
  // Ones that are locked or under writeback are waited for, and ones in a shared mapping unmapped,
  // when `also_mapped` (before and after a direct write); else they stay (drop_caches).
  bool invalidate(sim::FilePos first, sim::FilePos last, bool also_mapped);

  // Reads and writes in flight that use folios' memory.
  void io_started() { ++io_pending_; }
  void io_ended();
  // Until some I/O has ended; the caller looks whether it was its own.
  void wait_io(const char* what) { folio_waiters_.wait(what); }

  ErrSeq& errors() { return errors_; }
  [[nodiscard]] uint64_t writeback_count() const { return writeback_count_; }
  // Until no folio in [first, last] is under writeback.
  void wait_writeback_range(sim::FilePos first, sim::FilePos last);

 private:
  void wait(Folio& folio, const char* what);
  void wake(Folio& folio);
  [[nodiscard]] FolioRef create_locked(uint64_t index, uint64_t pages);
  [[nodiscard]] static PageRange range_of(const Folio& folio) {
    return {.first = folio.index(), .count = folio.pages()};
  }
  // Makes `index` the first page of a folio; the locked folio that has it keeps what is before.
  void split(Folio& folio, uint64_t index);

  sim::Scheduler& scheduler_;
  FolioPool& pool_;
  sim::ByteCount block_size_;
  unsigned page_shift_;
  unsigned block_shift_;
  FolioIndex index_;
  sim::RwLock invalidate_lock_;
  sim::WaitQueue folio_waiters_;  // one for all folios: few ever wait
  uint64_t io_pending_ = 0;
  uint64_t writeback_count_ = 0;
  ErrSeq errors_;
};

// Holds a locked folio and unlocks it.
class LockedFolio {
 public:
  LockedFolio(AddressSpace& space, FolioRef folio) : space_(&space), folio_(std::move(folio)) {}
  LockedFolio(LockedFolio&& other) noexcept
      : space_(other.space_), folio_(std::move(other.folio_)) {}
  LockedFolio(const LockedFolio&) = delete;
  LockedFolio& operator=(const LockedFolio&) = delete;
  LockedFolio& operator=(LockedFolio&&) = delete;
  ~LockedFolio() {
    if (folio_) space_->unlock(*folio_);
  }
  [[nodiscard]] const FolioRef& ref() const { return folio_; }
  Folio& operator*() const { return *folio_; }
  Folio* operator->() const { return folio_.get(); }
  // Ends ownership without unlocking: a read completion will.
  FolioRef release() { return std::move(folio_); }

 private:
  AddressSpace* space_;
  FolioRef folio_;
};

}  // namespace zerotail::mm
