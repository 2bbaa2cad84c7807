// The buffer heads of one folio: for each block whether it is mapped, and where. Whether a block is
// uptodate or dirty the folio knows itself.
//
// Invariant: a mapped block lies before the file's valid end (in whole blocks), so that what the
// device holds there is the file's or is about to be written.
#pragma once

#include <vector>

#include "zerotail/mm/folio.h"
#include "zerotail/sim/assert.h"

namespace zerotail::bh {

class BufferHeads final : public mm::FolioPrivate {
 public:
  explicit BufferHeads(unsigned blocks) : addresses_(blocks, kUnmapped) {}

  // The folio's; made when it has none. Nobody else attaches anything to a folio of a BlockFile.
  static BufferHeads& of(mm::Folio& folio) {
    if (folio.attached == nullptr) folio.attached = std::make_unique<BufferHeads>(folio.blocks());
    return static_cast<BufferHeads&>(*folio.attached);
  }
  static BufferHeads* find(mm::Folio& folio) {
    return static_cast<BufferHeads*>(folio.attached.get());
  }

  [[nodiscard]] bool mapped(unsigned block) const { return addresses_[block] != kUnmapped; }
  [[nodiscard]] sim::DevPos address(unsigned block) const {
    ZT_ASSERT(mapped(block));
    return addresses_[block];
  }
  void map(unsigned block, sim::DevPos address) { addresses_[block] = address; }
  void unmap(unsigned block) { addresses_[block] = kUnmapped; }

 private:
  // The boot sector is no file's.
  static constexpr sim::DevPos kUnmapped{0};
  std::vector<sim::DevPos> addresses_;
};

}  // namespace zerotail::bh
