// Writing into the page cache: folio by folio, what a partial write leaves of a block is zeroed or
// read first (NEW, ZERO_TAIL), then the bytes are copied and the blocks marked dirty.
//
// Invariant: a block becomes uptodate only when every byte of it is known: read, zeroed or copied.
#pragma once

#include "zerotail/iomap/iomap_file.h"
#include "zerotail/mm/copy_source.h"

namespace zerotail::iomap {

using mm::CopySource;
using mm::WriteResult;

// Copies the source to [pos, pos + size). The caller holds the inode lock and has filled the gap
// before `pos`. EFAULT, EIO, or what map_begin says; `written` counts what is in the cache.
[[nodiscard]] WriteResult buffered_write(IomapFile& file, sim::FilePos pos,
                                         const CopySource& source);

}  // namespace zerotail::iomap
