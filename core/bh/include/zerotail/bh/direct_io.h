// Reading and writing past the page cache, run of blocks by run of blocks. Positions and lengths
// are multiples of the device's logical block: the caller has checked.
//
// A write creates blocks only behind the file's last block. It stops at a hole before that: what is
// left is the caller's to write through the cache. The cache is the caller's in any case: it writes
// dirty folios back before, and drops folios around a write.
#pragma once

#include <cstddef>
#include <span>

#include "zerotail/bh/block_file.h"
#include "zerotail/mm/copy_source.h"

namespace zerotail::bh {

// Bytes read; 0 at or past the size. EIO.
[[nodiscard]] sim::Result<uint64_t> direct_read(BlockFile& file, sim::FilePos pos,
                                                std::span<std::byte> out);

// `written` counts what is on the device, even when `status` is an error; it is short without an
// error at a hole. The size is the caller's to move. EFAULT, EIO, and what get_block says.
[[nodiscard]] mm::WriteResult direct_write(BlockFile& file, sim::FilePos pos,
                                           const mm::CopySource& source);

}  // namespace zerotail::bh
