#include "zerotail/mm/address_space.h"

#include <algorithm>
#include <bit>

namespace zerotail::mm {

AddressSpace::AddressSpace(sim::Scheduler& scheduler, FolioPool& pool, sim::ByteCount block_size)
    : scheduler_(scheduler),
      pool_(pool),
      block_size_(std::min(block_size, pool.page_size())),
      page_shift_(pool.page_shift()),
      block_shift_(static_cast<unsigned>(std::countr_zero(block_size_.value()))),
      invalidate_lock_(scheduler, "invalidate lock"),
      folio_waiters_(scheduler) {
  ZT_ASSERT(std::has_single_bit(block_size.value()));
  ZT_ASSERT(kLargestFolio / block_size_ <= kMaxBlocksPerFolio);
}

AddressSpace::~AddressSpace() {
  while (io_pending_ > 0) folio_waiters_.wait("I/O of a file that goes away");
  while (FolioRef folio = next(0)) {
    lock(*folio);
    remove(*folio);
    unlock(*folio);
  }
}

FolioRef AddressSpace::create_locked(uint64_t index, uint64_t pages) {
  ZT_ASSERT(pages > 0);
  unsigned order = std::min(largest_order(), static_cast<unsigned>(std::bit_width(pages)) - 1);
  if (order > 0) {
    order = std::min(order, static_cast<unsigned>(std::countr_zero(index)));
    while (order > 0 && index_.any({.first = index, .count = uint64_t{1} << order})) --order;
  }
  Folio& folio = pool_.take(order);
  folio.owner_ = this;
  folio.index_ = index;
  folio.block_shift_ = static_cast<uint8_t>(block_shift_);
  folio.blocks_ = static_cast<uint16_t>(folio.size() / block_size_);
  folio.first_bit_ =
      static_cast<uint16_t>(uint64_t{folio.page_in_group_} << page_shift_ >> block_shift_);
  folio.locked_ = true;
  folio.references_ = 1;  // the cache's own
  index_.insert(range_of(folio), folio);
  return FolioRef(&folio);
}

FolioRef AddressSpace::find_or_create_locked(uint64_t index, uint64_t pages) {
  while (true) {
    FolioRef folio = find(index);
    if (!folio) return create_locked(index, pages);
    lock(*folio);
    if (folio->owner_ == this) return folio;
    unlock(*folio);  // removed while we waited; not split, since we had it
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
  pool_.unwritten_ += folio.size();
}

void AddressSpace::end_writeback(Folio& folio) {
  ZT_ASSERT(folio.writeback_);
  folio.writeback_ = false;
  --writeback_count_;
  pool_.unwritten_ -= folio.size();
  wake(folio);
}

void AddressSpace::wait_writeback_range(sim::FilePos first, sim::FilePos last) {
  if (writeback_count_ == 0) return;
  const uint64_t last_index = index_of(last);
  for (FolioRef folio = next(index_of(first)); folio && folio->index() <= last_index;
       folio = next(folio->end_index())) {
    wait_writeback(*folio);
  }
}

void AddressSpace::mark_dirty(Folio& folio, uint64_t offset, uint64_t length) {
  ZT_ASSERT(folio.owner_ == this && folio.locked_);
  if (length == 0) return;
  const auto first = static_cast<unsigned>(offset >> block_shift_);
  const auto last = static_cast<unsigned>((offset + length - 1) >> block_shift_);
  folio.group_->dirty.set(folio.first_bit_ + first, last - first + 1);
  if (folio.dirty_) return;
  folio.dirty_ = true;
  pool_.unwritten_ += folio.size();
  index_.set_dirty(range_of(folio), true);
}

void AddressSpace::begin_clean(Folio& folio) {
  ZT_ASSERT(folio.locked_ && folio.dirty_);
  folio.write_protect();
  folio.dirty_ = false;
  pool_.unwritten_ -= folio.size();
  index_.set_dirty(range_of(folio), false);
}

void AddressSpace::clear_dirty_blocks(Folio& folio) {
  folio.group_->dirty.clear(folio.first_bit_, folio.blocks_);
}

void AddressSpace::clear_dirty_blocks(Folio& folio, unsigned first, unsigned count) {
  folio.group_->dirty.clear(folio.first_bit_ + first, count);
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
  index_.erase(range_of(folio));
  folio.owner_ = nullptr;
  const FolioRef caches_own(&folio);
  --folio.references_;
}

void AddressSpace::split(Folio& folio, uint64_t index) {
  ZT_ASSERT(folio.owner_ == this && folio.locked_ && !folio.writeback_);
  Folio* at = &folio;
  while (at->index_ != index) {
    Folio& second = pool_.split(*at);
    second.owner_ = this;
    second.references_ = 1;  // the cache's own
    second.dirty_ = at->dirty_;
    index_.split(range_of(second), second);
    second.recount();
    at->recount();
    if (index >= second.index_) at = &second;
  }
}

void AddressSpace::truncate(sim::FilePos size) {
  uint64_t at = index_of(size);
  const uint64_t behind = index_of(sim::round_up(size, page_size()));
  while (const FolioRef folio = next(at)) {
    lock(*folio);
    const LockedFolio locked(*this, folio);
    if (folio->owner_ != this) continue;
    wait_writeback(*folio);
    if (folio->pos() >= size) {
      at = folio->end_index();
      remove(*folio);
      continue;
    }
    folio->zero((size - folio->pos()).value(), folio->size().value());
    if (behind < folio->end_index()) {
      folio->unmap_from(behind);
      constexpr uint32_t kOurs = 3;  // the cache's, and two in this function
      if (folio->references_ == kOurs && !folio->attached) split(*folio, behind);
    }
    at = std::max(behind, folio->end_index());  // past every part that a split made before `size`
  }
}

bool AddressSpace::invalidate(sim::FilePos first, sim::FilePos last, bool also_mapped) {
  bool all = true;
  const uint64_t last_index = index_of(last);
  for (FolioRef folio = next(index_of(first)); folio && folio->index() <= last_index;
       folio = next(folio->end_index())) {
    if (also_mapped) {
      lock(*folio);
      wait_writeback(*folio);
    } else if (!try_lock(*folio)) {
      all = false;
      continue;
    }
    const bool mapped = folio->mapped();
    const bool stays = folio->dirty() || folio->writeback() || (mapped && !also_mapped);
    if (folio->owner_ == this) {
      if (stays) {
        all = false;
      } else {
        remove(*folio);
      }
    }
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
