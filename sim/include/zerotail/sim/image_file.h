// Raw image files on the host: loading one into a disk and saving a snapshot, sparsely.
#pragma once

#include <string>

#include "zerotail/sim/mem_disk.h"

namespace zerotail::sim {

// Loads a raw image. Holes stay unallocated when the fill byte is 0. Errors name the file: it
// cannot be opened or read, is empty, or is no multiple of `logical_block`. The capacity is the
// file's; `options.capacity` is not looked at.
[[nodiscard]] Result<MemDisk> load_image(const std::string& path, const MemDisk::Options& options);

// Writes a snapshot (any SectorReader) as a raw image; zero chunks become holes. Without
// `overwrite`, an existing file is an error. Written to a temporary name first, then renamed: an
// error leaves nothing behind.
[[nodiscard]] Status save_image(const std::string& path, const SectorReader& disk, bool overwrite);

}  // namespace zerotail::sim
