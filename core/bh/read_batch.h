// Reads into locked folios: blocks are added, neighbours merge into one bio, all are submitted and
// waited for together. A folio is unlocked when its last read has ended.
#pragma once

#include <memory>
#include <vector>

#include "zerotail/bh/block_file.h"

namespace zerotail::bh {

class ReadBatch {
 public:
  explicit ReadBatch(BlockFile& file) : file_(file) {}
  ~ReadBatch() { finish(); }
  ReadBatch(const ReadBatch&) = delete;
  ReadBatch& operator=(const ReadBatch&) = delete;

  // Fills what is not uptodate in a locked folio; takes over the lock.
  void add(mm::LockedFolio folio);
  // Submits what was added and waits.
  void finish();

 private:
  struct Segment {
    mm::FolioRef folio;
    uint64_t offset = 0;
    uint64_t length = 0;
    sim::FilePos valid_end;
  };
  struct Io {
    sim::Bio bio;
    std::vector<Segment> segments;
  };
  [[nodiscard]] sim::Status map_folio(mm::Folio& folio);
  // The blocks from `block` on that one answer covers; at most up to `limit`.
  [[nodiscard]] sim::Result<BlockMapping> map(mm::Folio& folio, unsigned block, unsigned limit);
  void add_run(mm::Folio& folio, sim::DevPos addr, uint64_t offset, uint64_t length);
  void end_read(Io& io);
  void put(mm::Folio& folio);

  BlockFile& file_;
  std::vector<std::unique_ptr<Io>> ios_;
  size_t submitted_ = 0;
  uint64_t in_flight_ = 0;
};

}  // namespace zerotail::bh
