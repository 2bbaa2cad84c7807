// Memory of folios, reused so that the hot paths do not allocate. Not zeroed on reuse: whoever
// makes a block uptodate fills it. Memory that was never used holds a poison byte, so that a block
// that was never filled shows.
//
// Memory comes in groups of the largest folio's size. With large folios a group is cut into halves
// until the order asked for is there, and free halves join again (a buddy allocator).
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <vector>

#include "zerotail/mm/folio.h"

namespace zerotail::mm {

inline constexpr std::byte kFolioPoison{0xFD};
// The kernel goes up to what one entry of a page middle directory maps, 2 MiB on x86-64.
inline constexpr sim::ByteCount kLargestFolio{uint64_t{256} << 10};

// Whether folios are one page each, or as many as writes and readahead ask for.
enum class FolioSizes : uint8_t { kSinglePage, kLarge };

// The bits of a group's blocks, folio after folio.
struct FolioGroup {
  BlockBits uptodate;
  BlockBits dirty;
  uint64_t never_used = ~uint64_t{0};  // a bit a page
};

class FolioPool {
 public:
  // `page_size`: a power of two, 4 KiB to kLargestFolio.
  explicit FolioPool(sim::ByteCount page_size, FolioSizes sizes = FolioSizes::kSinglePage);
  ~FolioPool();
  FolioPool(const FolioPool&) = delete;
  FolioPool& operator=(const FolioPool&) = delete;

  [[nodiscard]] sim::ByteCount page_size() const { return page_size_; }
  [[nodiscard]] unsigned page_shift() const { return page_shift_; }
  // Folios have up to 2^largest_order() pages.
  [[nodiscard]] unsigned largest_order() const { return largest_order_; }
  // Folios in use (in a cache, or referenced).
  [[nodiscard]] uint64_t in_use() const { return in_use_; }
  // Bytes of folios that are dirty or under writeback, in all caches of the pool.
  [[nodiscard]] sim::ByteCount unwritten() const { return unwritten_; }

 private:
  friend class AddressSpace;
  friend class FolioRef;
  static constexpr unsigned kOrders = 7;  // 4 KiB pages up to kLargestFolio

  Folio& take(unsigned order);
  void give_back(Folio& folio);
  // The second half becomes a folio of its own, in use, with no owner and no reference.
  Folio& split(Folio& folio);
  void add_slab();
  void add_group();
  void push(Folio& folio, unsigned order);
  void unlink(Folio& folio);
  static void poison_never_used(Folio& folio);

  // Memory for some groups; aligned, and in huge pages where the host has them.
  struct Slab {
    struct Free {
      size_t alignment;
      void operator()(std::byte* memory) const;
    };
    std::unique_ptr<std::byte[], Free> memory;
    std::unique_ptr<FolioGroup[]> groups;
    std::unique_ptr<Folio[]> pages;
    size_t group_count = 0;
    size_t groups_used = 0;
  };
  sim::ByteCount page_size_;
  unsigned page_shift_;
  unsigned largest_order_;
  size_t pages_per_group_;
  uint64_t in_use_ = 0;
  size_t groups_ = 0;
  std::array<Folio*, kOrders> free_{};
  sim::ByteCount unwritten_;
  std::vector<Slab> slabs_;
};

}  // namespace zerotail::mm
