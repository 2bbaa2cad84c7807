// Reads into locked folios, block by block.
#pragma once

#include "zerotail/bh/block_file.h"
#include "zerotail/mm/folio_reads.h"

namespace zerotail::bh {

class ReadBatch {
 public:
  explicit ReadBatch(BlockFile& file)
      : file_(file), reads_(file.cache(), file.device(), file.data_tag()) {}

  // Fills what is not uptodate in a locked folio; takes over the lock.
  void add(mm::LockedFolio folio);
  // Submits what was added and waits.
  void finish() { reads_.finish(); }

 private:
  [[nodiscard]] sim::Status map_folio(mm::Folio& folio);
  // The blocks from `block` on that one answer covers; at most up to `limit`.
  [[nodiscard]] sim::Result<BlockMapping> map(mm::Folio& folio, unsigned block, unsigned limit);

  BlockFile& file_;
  mm::FolioReads reads_;
};

}  // namespace zerotail::bh
