// Where one block of a file is on the device, as FIBMAP tells.
#pragma once

#include <optional>

#include "zerotail/iomap/iomap_file.h"

namespace zerotail::iomap {

// The address of `pos`, or none where nothing valid is. Dirty data is written back first, since the
// caller will look at the device. Any error answers "none".
[[nodiscard]] std::optional<sim::DevPos> bmap(IomapFile& file, sim::FilePos pos);

}  // namespace zerotail::iomap
