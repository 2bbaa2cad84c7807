#include "zerotail/mm/folio_pool.h"

#include <sys/mman.h>

#include <bit>
#include <cstring>
#include <new>

namespace zerotail::mm {

namespace {
constexpr uint64_t kGroupBytes = kLargestFolio.value();
constexpr uint64_t kHugePage = uint64_t{2} << 20;
constexpr size_t kAlignment = 4096;

// Small mounts stay small, large ones grow in large steps.
size_t groups_of_next_slab(size_t groups) {
  constexpr size_t kInHugePage = kHugePage / kGroupBytes;
  if (groups < kInHugePage) return 1;
  return groups < 8 * kInHugePage ? kInHugePage : 8 * kInHugePage;
}
}  // namespace

void FolioPool::Slab::Free::operator()(std::byte* block) const {
  ::operator delete[](block, std::align_val_t{alignment});
}

FolioPool::FolioPool(sim::ByteCount page_size, FolioSizes sizes)
    : page_size_(page_size),
      page_shift_(static_cast<unsigned>(std::countr_zero(page_size.value()))),
      largest_order_(0),
      pages_per_group_(kLargestFolio / page_size) {
  ZT_ASSERT(std::has_single_bit(page_size.value()));
  ZT_ASSERT(pages_per_group_ > 0 && pages_per_group_ <= size_t{1} << (kOrders - 1));
  switch (sizes) {
    case FolioSizes::kSinglePage:
      break;
    case FolioSizes::kLarge:
      largest_order_ = static_cast<unsigned>(std::countr_zero(pages_per_group_));
      break;
  }
}

FolioPool::~FolioPool() { ZT_ASSERT_MSG(in_use_ == 0, "a folio outlives its pool"); }

// ---- memory

void FolioPool::add_slab() {
  Slab slab;
  slab.group_count = groups_of_next_slab(groups_);
  const size_t bytes = slab.group_count * kGroupBytes;
  slab.memory.get_deleter().alignment = bytes < kHugePage ? kAlignment : kHugePage;
  const std::align_val_t alignment{slab.memory.get_deleter().alignment};
  slab.memory.reset(static_cast<std::byte*>(::operator new[](bytes, alignment)));
#ifdef MADV_HUGEPAGE
  // Only advice: faults for 2 MiB at once are what makes the first use of memory affordable.
  if (bytes >= kHugePage) static_cast<void>(::madvise(slab.memory.get(), bytes, MADV_HUGEPAGE));
#endif
  slab.groups = std::make_unique<FolioGroup[]>(slab.group_count);
  slab.pages.reset(new Folio[slab.group_count * pages_per_group_]);
  slabs_.push_back(std::move(slab));
}

void FolioPool::add_group() {
  if (slabs_.empty() || slabs_.back().groups_used == slabs_.back().group_count) add_slab();
  Slab& slab = slabs_.back();
  const size_t number = slab.groups_used++;
  ++groups_;
  Folio* const pages = &slab.pages[number * pages_per_group_];
  for (size_t i = 0; i < pages_per_group_; ++i) {
    Folio& page = pages[i];
    page.pool_ = this;
    page.group_ = &slab.groups[number];
    page.page_shift_ = static_cast<uint8_t>(page_shift_);
    page.page_in_group_ = static_cast<uint16_t>(i);
    page.data_ = slab.memory.get() + number * kGroupBytes + (i << page_shift_);
  }
  for (size_t i = pages_per_group_; i > 0; i -= size_t{1} << largest_order_) {
    push(pages[i - (size_t{1} << largest_order_)], largest_order_);
  }
}

void FolioPool::poison_never_used(Folio& folio) {
  const uint64_t pages = folio.pages();
  const uint64_t ones = pages == 64 ? ~uint64_t{0} : (uint64_t{1} << pages) - 1;
  uint64_t& never_used = folio.group_->never_used;
  uint64_t poisoned = never_used >> folio.page_in_group_ & ones;
  if (poisoned == 0) return;
  never_used &= ~(ones << folio.page_in_group_);
  const uint64_t page_size = uint64_t{1} << folio.page_shift_;
  for (; poisoned != 0; poisoned &= poisoned - 1) {
    const auto page = static_cast<uint64_t>(std::countr_zero(poisoned));
    std::memset(folio.data_ + page * page_size, static_cast<int>(kFolioPoison), page_size);
  }
}

// ---- free lists

void FolioPool::push(Folio& folio, unsigned order) {
  folio.order_ = static_cast<uint8_t>(order);
  folio.free_ = true;
  folio.previous_free_ = nullptr;
  folio.next_free_ = free_[order];
  if (folio.next_free_ != nullptr) folio.next_free_->previous_free_ = &folio;
  free_[order] = &folio;
}

void FolioPool::unlink(Folio& folio) {
  folio.free_ = false;
  if (folio.next_free_ != nullptr) folio.next_free_->previous_free_ = folio.previous_free_;
  Folio*& before =
      folio.previous_free_ != nullptr ? folio.previous_free_->next_free_ : free_[folio.order_];
  before = folio.next_free_;
}

Folio& FolioPool::take(unsigned order) {
  ZT_ASSERT(order <= largest_order_);
  unsigned found = order;
  while (found <= largest_order_ && free_[found] == nullptr) ++found;
  if (found > largest_order_) {
    add_group();
    found = largest_order_;
  }
  Folio& folio = *free_[found];
  unlink(folio);
  while (found > order) {
    --found;
    push(*(&folio + (ptrdiff_t{1} << found)), found);
  }
  folio.order_ = static_cast<uint8_t>(order);
  poison_never_used(folio);
  ++in_use_;
  return folio;
}

void FolioPool::give_back(Folio& folio) {
  ZT_ASSERT(folio.owner_ == nullptr && !folio.locked_ && !folio.writeback_ && !folio.dirty_);
  ZT_ASSERT(!folio.mapped());
  folio.clear_uptodate();
  folio.read_failed = false;
  --in_use_;
  Folio* merged = &folio;
  unsigned order = folio.order_;
  for (; order < largest_order_; ++order) {
    const ptrdiff_t half = ptrdiff_t{1} << order;
    const bool second = (merged->page_in_group_ & half) != 0;
    Folio* const buddy = second ? merged - half : merged + half;
    if (!buddy->free_ || buddy->order_ != order) break;
    unlink(*buddy);
    if (second) merged = buddy;
  }
  push(*merged, order);
}

Folio& FolioPool::split(Folio& folio) {
  ZT_ASSERT(folio.order_ > 0);
  --folio.order_;
  folio.blocks_ = static_cast<uint16_t>(folio.blocks_ / 2);
  Folio& second = *(&folio + folio.pages());
  second.order_ = folio.order_;
  second.block_shift_ = folio.block_shift_;
  second.blocks_ = folio.blocks_;
  second.first_bit_ = static_cast<uint16_t>(folio.first_bit_ + folio.blocks_);
  second.index_ = folio.end_index();
  ++in_use_;
  return second;
}

}  // namespace zerotail::mm
