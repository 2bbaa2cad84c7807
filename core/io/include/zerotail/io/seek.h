// SEEK_DATA and SEEK_HOLE.
#pragma once

#include "zerotail/io/file_node.h"

namespace zerotail::io {

// The iomap path knows the hole behind V, to the byte; on the buffer-head path a file is data up to
// S. The caller holds the inode lock. ENXIO: at or past S; no data behind.
[[nodiscard]] sim::Result<sim::FilePos> seek_hole(FileNode& node, sim::FilePos pos);
[[nodiscard]] sim::Result<sim::FilePos> seek_data(FileNode& node, sim::FilePos pos);

}  // namespace zerotail::io
