// What iomap asks of a file system: where bytes of a file are on the device. One IomapFile is one
// inode's view; iomap itself knows no on-disk format.
#pragma once

#include <cstdint>
#include <limits>

#include "zerotail/mm/address_space.h"
#include "zerotail/sim/block_device.h"
#include "zerotail/sim/result.h"
#include "zerotail/sim/units.h"

namespace zerotail::iomap {

inline constexpr sim::FilePos kNoLimit{std::numeric_limits<uint64_t>::max()};

enum class MappingType : uint8_t {
  kHole,       // no address
  kMapped,     // an address that holds data of the file
  kUnwritten,  // an address; reads as zeros
};

// Why a mapping is asked for; only kWrite, kZero and kDirectWrite may allocate.
enum class Intent : uint8_t {
  kRead,
  kWrite,
  kZero,       // zeroing through the page cache
  kFault,      // a store through a shared mapping
  kWriteback,  // dirty folios on their way to the device
  kReport,     // seek and fiemap
  kDirectRead,
  kDirectWrite,
};

struct MapRequest {
  sim::FilePos pos;
  sim::ByteCount length;  // > 0
  Intent intent = Intent::kRead;
};

// Covers [pos, pos + length), which begins at the requested position.
struct Mapping {
  sim::FilePos pos;
  sim::ByteCount length;
  MappingType type = MappingType::kHole;
  sim::DevPos addr;  // of `pos`; a hole has none
  // The blocks were just allocated: what the device holds there is not the file's (IOMAP_F_NEW).
  bool fresh = false;
  // The bytes after a write in its last block are to be zeroed, not kept (IOMAP_F_ZERO_TAIL).
  bool zero_tail = false;
  // What the device holds at and past this position is not the file's: it reads as zeros.
  sim::FilePos valid_end = kNoLimit;

  [[nodiscard]] sim::FilePos end() const { return pos + length; }
  [[nodiscard]] sim::DevPos addr_of(sim::FilePos at) const { return addr + (at - pos); }
};

class IomapFile {
 public:
  virtual ~IomapFile() = default;

  [[nodiscard]] virtual mm::AddressSpace& cache() = 0;
  [[nodiscard]] virtual sim::BlockDevice& device() = 0;
  [[nodiscard]] virtual sim::FilePos size() const = 0;
  // write_end: the file has grown. Under the folio lock.
  virtual void grow_size(sim::FilePos size) = 0;
  // Stamped on the bios of the file's data.
  [[nodiscard]] virtual sim::IoTag data_tag() const = 0;

  // The mapping at request.pos; length > 0, no longer than asked for.
  virtual sim::Result<Mapping> map_begin(const MapRequest& request) = 0;
  // After `done` bytes of the mapping were used; 0 after a failure.
  virtual sim::Status map_end(const MapRequest& request, const Mapping& mapping,
                              sim::ByteCount done) = 0;
  // Readahead stays below this position; past it the cache is filled folio by folio.
  [[nodiscard]] virtual sim::FilePos readahead_limit() const = 0;
  // After each folio that was dirtied, with none locked: may start writeback, and wait for it when
  // too much is dirty.
  virtual void balance_dirty() {}
  // Changes whenever an address once given for kWriteback may be wrong now.
  [[nodiscard]] virtual uint64_t mapping_sequence() const = 0;
};

}  // namespace zerotail::iomap
