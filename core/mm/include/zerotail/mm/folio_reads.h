// Reads into locked folios: runs are added, neighbours on the device merge into one bio, all are
// submitted and waited for together. A folio is unlocked when its last read has ended.
//
// Where a run lies is the caller's business; this is the bookkeeping that every way of asking
// shares.
#pragma once

#include <memory>
#include <vector>

#include "zerotail/mm/address_space.h"
#include "zerotail/sim/block_device.h"
#include "zerotail/sim/result.h"

namespace zerotail::mm {

class FolioReads {
 public:
  // `tag` is stamped on the bios.
  FolioReads(AddressSpace& cache, sim::BlockDevice& device, sim::IoTag tag)
      : cache_(cache), device_(device), tag_(tag) {}
  ~FolioReads() { finish(); }
  FolioReads(const FolioReads&) = delete;
  FolioReads& operator=(const FolioReads&) = delete;

  // Takes over the lock: the folio stays locked until end(), and longer while reads are under way.
  [[nodiscard]] FolioRef begin(LockedFolio folio);
  // Queues a read of whole sectors at `addr` into [offset, offset + length) of a folio between its
  // begin() and end(). What the device holds at and past `valid_end` becomes zeros.
  void add(Folio& folio, sim::DevPos addr, uint64_t offset, uint64_t length,
           sim::FilePos valid_end);
  // All runs of the folio are known, or cannot be.
  void end(Folio& folio, const sim::Status& mapped);
  // Submits what was added and waits. A folio of which a read failed has `read_failed`.
  void finish();

 private:
  struct Segment {
    FolioRef folio;
    uint64_t offset = 0;
    uint64_t length = 0;
    sim::FilePos valid_end;
  };
  struct Io {
    sim::Bio bio;
    std::vector<Segment> segments;
  };
  void end_io(Io& io);
  void put(Folio& folio);

  AddressSpace& cache_;
  sim::BlockDevice& device_;
  sim::IoTag tag_;
  std::vector<std::unique_ptr<Io>> ios_;
  size_t submitted_ = 0;
  uint64_t in_flight_ = 0;
};

}  // namespace zerotail::mm
