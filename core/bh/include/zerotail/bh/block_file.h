// What the buffer-head path asks of a file system: where a block of a file is on the device. One
// BlockFile is one inode's view; the path itself knows no on-disk format.
//
// The valid end moves inside get_block: a block that is created past it is valid from then on,
// whole blocks at a time, and whoever asked owes it its bytes.
#pragma once

#include <cstdint>
#include <limits>

#include "zerotail/mm/address_space.h"
#include "zerotail/sim/block_device.h"
#include "zerotail/sim/result.h"
#include "zerotail/sim/units.h"

namespace zerotail::bh {

struct BlockRequest {
  sim::FilePos pos;       // of a block
  sim::ByteCount length;  // whole blocks, at least one
  // For a write: allocates where nothing is, and makes what lies past the valid end valid.
  bool create = false;
};

// Covers [pos, pos + length) of the request, which is the whole request or the part of it that is
// contiguous and alike.
struct BlockMapping {
  bool mapped = false;  // else a hole: reads as zeros
  sim::ByteCount length;
  sim::DevPos addr;
  // What the device holds there was never the file's: created past the valid end (BH_New).
  bool fresh = false;
};

class BlockFile {
 public:
  virtual ~BlockFile() = default;

  [[nodiscard]] virtual mm::AddressSpace& cache() = 0;
  [[nodiscard]] virtual sim::BlockDevice& device() = 0;
  [[nodiscard]] virtual sim::FilePos size() const = 0;
  // Stamped on the bios of the file's data.
  [[nodiscard]] virtual sim::IoTag data_tag() const = 0;

  // What the device holds at and past it is not the file's. May be past the size, by less than a
  // block.
  [[nodiscard]] virtual sim::FilePos valid_end() const = 0;
  // Lowers it again, after a write that did not happen.
  virtual void set_valid_end(sim::FilePos end) = 0;
  // The bytes before `end` are in the cache: size and valid end follow. Under the folio lock.
  virtual void written_to(sim::FilePos end) = 0;

  // After each page that was dirtied, with no folio locked: may start writeback, and wait for it
  // when too much is dirty.
  virtual void balance_dirty() {}

  // ENOSPC, EIO: nothing changed.
  virtual sim::Result<BlockMapping> get_block(const BlockRequest& request) = 0;
};

}  // namespace zerotail::bh
