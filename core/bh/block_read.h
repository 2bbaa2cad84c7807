// Reading one block of a locked folio, for a write that leaves a part of it.
#pragma once

#include "zerotail/bh/block_file.h"

namespace zerotail::bh {

// The block is mapped; waits. What the device holds past the valid end becomes zeros. EIO.
[[nodiscard]] sim::Status read_block(BlockFile& file, mm::Folio& folio, unsigned block);

}  // namespace zerotail::bh
