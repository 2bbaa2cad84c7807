// SEEK_DATA and SEEK_HOLE over kReport mappings, to the byte.
#pragma once

#include "zerotail/iomap/iomap_file.h"

namespace zerotail::iomap {

// The first position at or after `pos` that is in a hole; the end of the file counts as one.
// ENXIO at or past the size.
[[nodiscard]] sim::Result<sim::FilePos> seek_hole(IomapFile& file, sim::FilePos pos);
// The first that is in data. ENXIO when there is none.
[[nodiscard]] sim::Result<sim::FilePos> seek_data(IomapFile& file, sim::FilePos pos);

}  // namespace zerotail::iomap
