// Reading and writing past the page cache. Aligned to the device's logical block, not to the file
// system's: a write zeroes the rest of its first and last block where they were never written.
//
// Alignment is judged mapping by mapping, so a write may get as far as an earlier mapping before it
// is refused. The cache is the caller's: it writes dirty folios back before, and drops folios
// around a write.
#pragma once

#include <cstddef>
#include <span>

#include "zerotail/iomap/buffered_write.h"
#include "zerotail/iomap/iomap_file.h"

namespace zerotail::iomap {

// Bytes read; 0 at or past the size. Holes and unwritten blocks give zeros whatever the alignment.
// EINVAL: a mapped range, or the memory (`memory_aligned`), is misaligned. EIO.
[[nodiscard]] sim::Result<uint64_t> direct_read(IomapFile& file, sim::FilePos pos,
                                                std::span<std::byte> out, bool memory_aligned);

// Writes, mapping by mapping, each waited for. `written` counts what is on the device even when
// `status` is an error. The size is the caller's to move. EINVAL as above, EFAULT, EIO, and what
// map_begin says.
[[nodiscard]] WriteResult direct_write(IomapFile& file, sim::FilePos pos, const CopySource& source,
                                       bool memory_aligned);

}  // namespace zerotail::iomap
