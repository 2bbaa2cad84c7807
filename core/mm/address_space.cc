#include "zerotail/mm/address_space.h"

#include <algorithm>
#include <bit>

namespace zerotail::mm {

AddressSpace::AddressSpace(sim::Scheduler& scheduler, FolioPool& pool, sim::ByteCount block_size)
    : scheduler_(scheduler),
      pool_(pool),
      block_size_(std::min(block_size, pool.folio_size())),
      folio_shift_(static_cast<unsigned>(std::countr_zero(pool.folio_size().value()))),
      block_shift_(static_cast<unsigned>(std::countr_zero(block_size_.value()))),
      invalidate_lock_(scheduler, "invalidate lock"),
      folio_waiters_(scheduler) {
  ZT_ASSERT(std::has_single_bit(block_size.value()));
  ZT_ASSERT(pool.folio_size() / block_size_ <= kMaxBlocksPerFolio);
}

AddressSpace::~AddressSpace() {
  while (io_pending_ > 0) folio_waiters_.wait("I/O of a file that goes away");
  while (FolioRef folio = next(0)) {
    lock(*folio);
    remove(*folio);
    unlock(*folio);
  }
}

FolioRef AddressSpace::find_or_create_locked(uint64_t index) {
  while (true) {
    FolioRef folio = find(index);
    if (!folio) {
      folio = FolioRef(&pool_.take());
      folio->owner_ = this;
      folio->index_ = index;
      folio->pos_ = pos_of(index);
      folio->block_shift_ = block_shift_;
      folio->blocks_ = static_cast<unsigned>(folio->size_ / block_size_);
      folio->locked_ = true;
      ++folio->references_;  // the cache's own
      index_.insert(index, *folio);
      return folio;
    }
    lock(*folio);
    if (folio->owner_ == this) return folio;
    unlock(*folio);  // removed while we waited
  }
}

void AddressSpace::wait(Folio& folio, const char* what) {
  folio.waiters_ = true;
  folio_waiters_.wait(what);
}

void AddressSpace::wake(Folio& folio) {
  if (!folio.waiters_) return;
  folio.waiters_ = false;
  folio_waiters_.wake_all();
}

void AddressSpace::lock(Folio& folio) {
  while (folio.locked_) wait(folio, "folio lock");
  folio.locked_ = true;
}

bool AddressSpace::try_lock(Folio& folio) {
  if (folio.locked_) return false;
  folio.locked_ = true;
  return true;
}

void AddressSpace::unlock(Folio& folio) {
  ZT_ASSERT(folio.locked_);
  folio.locked_ = false;
  wake(folio);
}

void AddressSpace::wait_writeback(Folio& folio) {
  while (folio.writeback_) wait(folio, "folio writeback");
}

void AddressSpace::start_writeback(Folio& folio) {
  ZT_ASSERT(folio.locked_ && !folio.writeback_ && folio.owner_ == this);
  folio.writeback_ = true;
  ++writeback_count_;
}

void AddressSpace::end_writeback(Folio& folio) {
  ZT_ASSERT(folio.writeback_);
  folio.writeback_ = false;
  --writeback_count_;
  wake(folio);
}

void AddressSpace::wait_writeback_range(sim::FilePos first, sim::FilePos last) {
  if (writeback_count_ == 0) return;
  const uint64_t last_index = index_of(last);
  for (FolioRef folio = next(index_of(first)); folio && folio->index() <= last_index;
       folio = next(folio->index() + 1)) {
    wait_writeback(*folio);
  }
}

void AddressSpace::mark_dirty(Folio& folio, uint64_t offset, uint64_t length) {
  ZT_ASSERT(folio.owner_ == this && folio.locked_);
  if (length == 0) return;
  const auto first = static_cast<unsigned>(offset >> block_shift_);
  const auto last = static_cast<unsigned>((offset + length - 1) >> block_shift_);
  folio.dirty_bits_.set(first, last - first + 1);
  if (folio.dirty_) return;
  folio.dirty_ = true;
  index_.set_dirty(folio.index_, true);
}

void AddressSpace::begin_clean(Folio& folio) {
  ZT_ASSERT(folio.locked_ && folio.dirty_);
  folio.write_protect();
  folio.dirty_ = false;
  index_.set_dirty(folio.index_, false);
}

void AddressSpace::clear_dirty_blocks(Folio& folio) { folio.dirty_bits_.clear(0, folio.blocks_); }

void AddressSpace::clear_dirty_blocks(Folio& folio, unsigned first, unsigned count) {
  folio.dirty_bits_.clear(first, count);
}

void AddressSpace::cancel_dirty(Folio& folio) {
  if (folio.dirty_) begin_clean(folio);
  clear_dirty_blocks(folio);
}

void AddressSpace::remove(Folio& folio) {
  ZT_ASSERT(folio.owner_ == this && folio.locked_);
  wait_writeback(folio);
  folio.unmap();
  cancel_dirty(folio);
  folio.attached.reset();
  index_.erase(folio.index_);
  folio.owner_ = nullptr;
  const FolioRef caches_own(&folio);
  --folio.references_;
}

void AddressSpace::truncate(sim::FilePos size) {
  for (FolioRef folio = next(index_of(size)); folio; folio = next(folio->index() + 1)) {
    lock(*folio);
    if (folio->owner_ == this) {
      wait_writeback(*folio);
      if (folio->pos() >= size) {
        remove(*folio);
      } else {
        folio->zero((size - folio->pos()).value(), folio->size().value());
      }
    }
    unlock(*folio);
  }
}

bool AddressSpace::invalidate(sim::FilePos first, sim::FilePos last, bool also_mapped) {
  bool all = true;
  const uint64_t last_index = index_of(last);
  for (FolioRef folio = next(index_of(first)); folio && folio->index() <= last_index;
       folio = next(folio->index() + 1)) {
    const bool mapped = folio->map_state() != MapState::kUnmapped;
    if (folio->dirty() || folio->writeback() || (mapped && !also_mapped) || !try_lock(*folio)) {
      all = false;
      continue;
    }
    remove(*folio);
    unlock(*folio);
  }
  return all;
}

void AddressSpace::io_ended() {
  ZT_ASSERT(io_pending_ > 0);
  --io_pending_;
  folio_waiters_.wake_all();
}

}  // namespace zerotail::mm
