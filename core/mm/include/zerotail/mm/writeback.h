// Writeback of one file: takes its dirty folios in order, asks where their dirty blocks belong on
// the device, merges neighbours into bios and waits for them.
//
// Invariant: between start_writeback() and the end of its last bio a folio cannot be changed by
// whoever waits for writeback first; the dirty bits go even when a write fails, and the error stays
// in the cache's ErrSeq.
#pragma once

#include <memory>
#include <vector>

#include "zerotail/mm/address_space.h"
#include "zerotail/sim/block_device.h"
#include "zerotail/sim/result.h"

namespace zerotail::mm {

// One object, one call of run().
class Writeback {
 public:
  // `tag` is stamped on the bios.
  Writeback(AddressSpace& cache, sim::BlockDevice& device, sim::IoTag tag)
      : cache_(cache), device_(device), tag_(tag) {}
  virtual ~Writeback() { ZT_ASSERT(in_flight_ == 0); }
  Writeback(const Writeback&) = delete;
  Writeback& operator=(const Writeback&) = delete;

  // Writes what is dirty in the folios that [first, last] touches, and waits also for what others
  // write there. The first error.
  sim::Status run(sim::FilePos first, sim::FilePos last);

 protected:
  AddressSpace& cache() { return cache_; }
  // The file's size now: what lies past it is zeroed in its block, and not written behind it.
  [[nodiscard]] virtual sim::FilePos size() const = 0;
  // add()s the dirty blocks before block `limit`. After an error the rest is left out.
  [[nodiscard]] virtual sim::Status add_dirty(Folio& folio, unsigned limit) = 0;
  // Queues a write of [offset, offset + length) of the folio, whole sectors, to `addr`.
  void add(Folio& folio, sim::DevPos addr, uint64_t offset, uint64_t length);

 private:
  struct Ioend {
    sim::Bio bio;
    std::vector<FolioRef> folios;  // one a segment
  };
  void write_folio(Folio& folio);
  void submit();
  void end_io(Ioend& ioend);
  void put(Folio& folio);
  void record(const sim::Error& error);

  AddressSpace& cache_;
  sim::BlockDevice& device_;
  sim::IoTag tag_;
  std::vector<std::unique_ptr<Ioend>> ioends_;
  size_t submitted_ = 0;
  uint64_t in_flight_ = 0;
  sim::Status status_;
};

}  // namespace zerotail::mm
