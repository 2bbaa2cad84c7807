// The extents of a file, as FIEMAP lists them.
#pragma once

#include <vector>

#include "zerotail/iomap/iomap_file.h"

namespace zerotail::iomap {

// The mappings of kReport that are no holes, in [pos, pos + length) below the size.
[[nodiscard]] sim::Result<std::vector<Mapping>> fiemap(IomapFile& file, sim::FilePos pos,
                                                       sim::ByteCount length);

}  // namespace zerotail::iomap
