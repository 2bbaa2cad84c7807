#include "zerotail/mm/folio.h"

#include <cstring>

#include "zerotail/mm/folio_pool.h"

namespace zerotail::mm {

FolioRef::FolioRef(Folio* folio) : folio_(folio) {
  if (folio_ != nullptr) ++folio_->references_;
}

FolioRef::FolioRef(const FolioRef& other) : FolioRef(other.folio_) {}

FolioRef::~FolioRef() {
  if (folio_ == nullptr) return;
  ZT_ASSERT(folio_->references_ > 0);
  if (--folio_->references_ == 0) folio_->pool_->give_back(*folio_);
}

void Folio::zero(uint64_t from, uint64_t to) {
  ZT_ASSERT(from <= to && to <= size().value());
  std::memset(data_ + from, 0, to - from);
}

// ---- blocks

bool Folio::block_uptodate(unsigned block) const {
  return uptodate_ || group_->uptodate.test(first_bit_ + block);
}

bool Folio::range_uptodate(uint64_t offset, uint64_t length) const {
  if (uptodate_ || length == 0) return true;
  const unsigned first = static_cast<unsigned>(offset >> block_shift_);
  const unsigned last = static_cast<unsigned>((offset + length - 1) >> block_shift_);
  return group_->uptodate.all(first_bit_ + first, last - first + 1);
}

unsigned Folio::next_not_uptodate(unsigned first, unsigned limit) const {
  return group_->uptodate.next_clear(first_bit_ + first, first_bit_ + limit) - first_bit_;
}

unsigned Folio::next_uptodate(unsigned first, unsigned limit) const {
  return group_->uptodate.next_set(first_bit_ + first, first_bit_ + limit) - first_bit_;
}

void Folio::set_uptodate(uint64_t offset, uint64_t length) {
  if (uptodate_ || length == 0) return;
  const unsigned first = static_cast<unsigned>(offset >> block_shift_);
  const unsigned last = static_cast<unsigned>((offset + length - 1) >> block_shift_);
  group_->uptodate.set(first_bit_ + first, last - first + 1);
  uptodate_ = group_->uptodate.all(first_bit_, blocks_);
}

void Folio::clear_uptodate() {
  group_->uptodate.clear(first_bit_, blocks_);
  uptodate_ = false;
}

unsigned Folio::next_dirty(unsigned first, unsigned limit) const {
  return group_->dirty.next_set(first_bit_ + first, first_bit_ + limit) - first_bit_;
}

unsigned Folio::dirty_run_end(unsigned first, unsigned limit) const {
  return group_->dirty.next_clear(first_bit_ + first, first_bit_ + limit) - first_bit_;
}

// ---- shared mappings

void Folio::map(uint64_t index, bool writable) {
  ZT_ASSERT(!writable || dirty_);
  MapState& state = page(index).map_state_;
  if (state == MapState::kUnmapped) ++mapped_pages_;
  if (writable || state == MapState::kUnmapped) {
    state = writable ? MapState::kWritable : MapState::kReadOnly;
  }
}

void Folio::unmap_from(uint64_t index) {
  for (; mapped_pages_ > 0 && index < end_index(); ++index) {
    MapState& state = page(index).map_state_;
    if (state == MapState::kUnmapped) continue;
    state = MapState::kUnmapped;
    --mapped_pages_;
  }
}

void Folio::write_protect() {
  if (mapped_pages_ == 0) return;
  for (uint64_t index = index_; index < end_index(); ++index) {
    MapState& state = page(index).map_state_;
    if (state == MapState::kWritable) state = MapState::kReadOnly;
  }
}

void Folio::recount() {
  uptodate_ = group_->uptodate.all(first_bit_, blocks_);
  mapped_pages_ = 0;
  for (uint64_t index = index_; index < end_index(); ++index) {
    if (page(index).map_state_ != MapState::kUnmapped) ++mapped_pages_;
  }
}

}  // namespace zerotail::mm
