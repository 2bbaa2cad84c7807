// A block I/O: what the file system submits and a device completes, in the kernel's terms.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "zerotail/sim/result.h"
#include "zerotail/sim/units.h"

namespace zerotail::sim {

enum class BioOp : uint8_t { kRead, kWrite, kFlush, kDiscard };

// Why a bio was submitted, as its submitter likes to say it; sim and fault pass it on unread.
struct IoTag {
  uint32_t kind = 0;
  uint64_t id = 0;
  bool operator==(const IoTag&) const = default;
};

// The submitter owns the bio and its memory until end_io has run. Not copyable: devices hold
// pointers to it.
struct Bio {
  using EndIo = std::function<void(Bio&)>;

  BioOp op = BioOp::kRead;
  bool preflush = false;  // flush the device's cache before this write
  bool fua = false;       // this write is durable when it completes
  Sector sector;
  SectorCount count;                           // equals the segments' length; discard has none
  std::vector<std::span<std::byte>> segments;  // read: filled; write: read from, never changed
  IoTag tag;
  EndIo end_io;  // called once; may be empty

  // Set by complete().
  Errno status = Errno::kOk;
  bool done = false;

  Bio() = default;
  Bio(const Bio&) = delete;
  Bio& operator=(const Bio&) = delete;

  [[nodiscard]] Sector end() const { return sector + count; }
  // For devices: stores the outcome and calls end_io.
  void complete(Errno outcome);
};

}  // namespace zerotail::sim
