// Writing into the page cache, page by page: every block of the page that is written to gets mapped
// with a get_block call of its own; what a write leaves of a block is zeroed when the block is
// fresh, else read first.
//
// Invariant: a page is written as a whole or not at all. When it cannot be prepared the valid end
// is what it was, and no block of it stays mapped that the write created.
#pragma once

#include "zerotail/bh/block_file.h"
#include "zerotail/mm/copy_source.h"

namespace zerotail::bh {

// Copies the source to [pos, pos + size). The caller holds the inode lock and has made everything
// before `pos` valid. EFAULT, EIO, or what get_block says; `written` counts what is in the cache.
[[nodiscard]] mm::WriteResult buffered_write(BlockFile& file, sim::FilePos pos,
                                             const mm::CopySource& source);

// Writes zeros to [pos, end) in the same way; what was done before an error stays.
[[nodiscard]] sim::Status write_zeros(BlockFile& file, sim::FilePos pos, sim::FilePos end);

}  // namespace zerotail::bh
