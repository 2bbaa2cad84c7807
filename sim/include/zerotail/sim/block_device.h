// What every layer of the disk stack is: something that takes bios.
#pragma once

#include "zerotail/sim/bio.h"

namespace zerotail::sim {

struct DeviceInfo {
  SectorCount capacity;
  ByteCount logical_block{512};   // L: the smallest addressable unit
  ByteCount physical_block{512};  // what the device writes atomically
  bool volatile_cache = true;     // completed writes may be lost until a flush
  bool fua = true;
  bool discard = true;
};

class BlockDevice {
 public:
  virtual ~BlockDevice() = default;
  [[nodiscard]] virtual const DeviceInfo& info() const = 0;
  // Takes the bio; calls bio.complete() once, before returning or from the event loop.
  // A range that is misaligned to the logical block or ends past the capacity completes with EIO.
  virtual void submit(Bio& bio) = 0;
};

// EIO when the bio's range is misaligned, past the end, or differs from its segments; else kOk.
[[nodiscard]] Errno check_range(const DeviceInfo& info, const Bio& bio);

}  // namespace zerotail::sim
