// The extents that a swap file would use, as swapon asks a file system for them.
#pragma once

#include <vector>

#include "zerotail/iomap/iomap_file.h"

namespace zerotail::iomap {

// Whole pages that are whole pages on the device too.
struct SwapExtent {
  uint64_t page = 0;  // the first, counted within the swap area
  uint64_t pages = 0;
  sim::DevPos addr;
};

// The whole pages below the size. What lies side by side on the device is one extent; the ends of
// an extent that do not fill a page of the device are left out. The caller has synced the file.
// EINVAL: a hole, or bytes that were never written (kReport calls them a hole), or no page at all.
[[nodiscard]] sim::Result<std::vector<SwapExtent>> swap_extents(IomapFile& file,
                                                                sim::ByteCount page);

}  // namespace zerotail::iomap
