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
  ZT_ASSERT(from <= to && to <= size_.value());
  std::memset(data_ + from, 0, to - from);
}

bool Folio::range_uptodate(uint64_t offset, uint64_t length) const {
  if (uptodate_ || length == 0) return true;
  const unsigned first = static_cast<unsigned>(offset >> block_shift_);
  const unsigned last = static_cast<unsigned>((offset + length - 1) >> block_shift_);
  return uptodate_bits_.all(first, last - first + 1);
}

void Folio::set_uptodate(uint64_t offset, uint64_t length) {
  if (uptodate_ || length == 0) return;
  const unsigned first = static_cast<unsigned>(offset >> block_shift_);
  const unsigned last = static_cast<unsigned>((offset + length - 1) >> block_shift_);
  uptodate_bits_.set(first, last - first + 1);
  uptodate_ = uptodate_bits_.next_clear(0, blocks_) == blocks_;
}

}  // namespace zerotail::mm
