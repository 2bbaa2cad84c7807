// Where a file's bytes are on the device, as FIBMAP, swapon and a curious reader are told. Nothing
// is allocated; only bmap and swap_map write (what is dirty, so that the device holds the file).
#pragma once

#include <optional>
#include <vector>

#include "zerotail/io/file_ops.h"
#include "zerotail/iomap/swapfile.h"

namespace zerotail::io {

// The address of the byte at `pos`, or none: past the size, never written, or an error.
[[nodiscard]] std::optional<sim::DevPos> bmap(FileNode& node, sim::FilePos pos);

// [pos, pos + length) as a read maps it, one after the other: mapped up to the end of V's block,
// unwritten from there to the end of S's, a hole behind it.
[[nodiscard]] sim::Result<std::vector<iomap::Mapping>> map_range(FileNode& node, sim::FilePos pos,
                                                                 sim::ByteCount length);

// Syncs the file, then iomap::swap_extents with pages of the mount's size.
[[nodiscard]] sim::Result<std::vector<iomap::SwapExtent>> swap_map(FileNode& node,
                                                                   ErrorSample& errors);

}  // namespace zerotail::io
