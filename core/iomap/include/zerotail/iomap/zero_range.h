// Zeroing a byte range through the page cache, without I/O where it already reads as zeros.
#pragma once

#include "zerotail/iomap/iomap_file.h"

namespace zerotail::iomap {

// Asks for kZero mappings; holes and unwritten blocks are skipped unless a dirty folio covers them.
// The size does not grow: the part past it is left out.
[[nodiscard]] sim::Status zero_range(IomapFile& file, sim::FilePos pos, sim::ByteCount length);

}  // namespace zerotail::iomap
