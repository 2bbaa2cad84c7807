// Loads and stores through a shared mapping of a whole file (mmap, MAP_SHARED): faults, what a
// store makes valid, and SIGBUS.
//
// Invariant: a folio that may be stored to without a fault is dirty, and V reaches its end or S.
#pragma once

#include <cstddef>
#include <span>

#include "zerotail/io/file_ops.h"

namespace zerotail::io {

struct MappedAccess {
  uint64_t count = 0;   // bytes loaded or stored
  bool sigbus = false;  // the next byte is behind the last page of the file, or cannot be read
};

[[nodiscard]] MappedAccess load(FileNode& node, sim::FilePos pos, std::span<std::byte> out);
[[nodiscard]] MappedAccess store(FileNode& node, sim::FilePos pos,
                                 std::span<const std::byte> bytes);
// The last mapping of the file goes; what was stored stays dirty in the cache.
void unmap_all(FileNode& node);

}  // namespace zerotail::io
