// Memory of folios, reused so that the hot paths do not allocate. Not zeroed on reuse: whoever
// makes a block uptodate fills it. Fresh memory holds a poison byte, so that a block that was
// never filled shows.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "zerotail/mm/folio.h"

namespace zerotail::mm {

inline constexpr std::byte kFolioPoison{0xFD};

class FolioPool {
 public:
  // `folio_size`: a power of two; all folios of a pool are of one size.
  explicit FolioPool(sim::ByteCount folio_size);
  ~FolioPool();
  FolioPool(const FolioPool&) = delete;
  FolioPool& operator=(const FolioPool&) = delete;

  [[nodiscard]] sim::ByteCount folio_size() const { return folio_size_; }
  // Folios in use (in a cache, or referenced).
  [[nodiscard]] uint64_t in_use() const { return in_use_; }

 private:
  friend class AddressSpace;
  friend class FolioRef;
  Folio& take();
  void give_back(Folio& folio);

  struct Slab {
    std::unique_ptr<std::byte[]> memory;
    std::vector<std::unique_ptr<Folio>> folios;
  };
  sim::ByteCount folio_size_;
  uint64_t in_use_ = 0;
  Folio* free_ = nullptr;
  std::vector<Slab> slabs_;
};

}  // namespace zerotail::mm
