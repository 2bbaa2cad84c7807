// What a file that becomes shorter leaves in the cache.
#pragma once

#include "zerotail/bh/block_file.h"

namespace zerotail::bh {

// Before the size moves down to `size`: the rest of the block that holds it becomes zeros, in the
// cache and, with the next writeback, on the device. Nothing when the size ends a block or lies in
// a hole. EIO: the block could not be read.
[[nodiscard]] sim::Status zero_block_tail(BlockFile& file, sim::FilePos size);

// Cuts the cache at the size: folios behind it go, and blocks behind it are neither mapped nor
// dirty any more.
void truncate_cache(BlockFile& file, sim::FilePos size);

}  // namespace zerotail::bh
