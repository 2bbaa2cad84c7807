#include "zerotail/mm/folio_pool.h"

#include <bit>
#include <cstring>

namespace zerotail::mm {

namespace {
constexpr uint64_t kSlabBytes = uint64_t{256} << 10;
}

FolioPool::FolioPool(sim::ByteCount folio_size) : folio_size_(folio_size) {
  ZT_ASSERT(std::has_single_bit(folio_size.value()));
}

FolioPool::~FolioPool() { ZT_ASSERT_MSG(in_use_ == 0, "a folio outlives its pool"); }

Folio& FolioPool::take() {
  if (free_ == nullptr) {
    const uint64_t size = folio_size_.value();
    const uint64_t count = size < kSlabBytes ? kSlabBytes / size : 1;
    Slab slab;
    slab.memory = std::make_unique_for_overwrite<std::byte[]>(count * size);
    std::memset(slab.memory.get(), static_cast<int>(kFolioPoison), count * size);
    slab.folios.reserve(count);
    for (uint64_t i = count; i-- > 0;) {
      slab.folios.push_back(std::unique_ptr<Folio>(new Folio()));
      Folio& folio = *slab.folios.back();
      folio.pool_ = this;
      folio.size_ = folio_size_;
      folio.data_ = slab.memory.get() + i * size;
      folio.next_free_ = free_;
      free_ = &folio;
    }
    slabs_.push_back(std::move(slab));
  }
  Folio& folio = *free_;
  free_ = folio.next_free_;
  folio.next_free_ = nullptr;
  ++in_use_;
  return folio;
}

void FolioPool::give_back(Folio& folio) {
  ZT_ASSERT(folio.owner_ == nullptr && !folio.locked_ && !folio.writeback_ && !folio.dirty_);
  folio.clear_uptodate();
  folio.map_state_ = MapState::kUnmapped;
  folio.read_failed = false;
  folio.next_free_ = free_;
  free_ = &folio;
  --in_use_;
}

}  // namespace zerotail::mm
