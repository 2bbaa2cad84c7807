// Reading through the page cache, and filling the cache for others.
//
// A block is read from the device when it is mapped; holes become zeros without I/O. Neighbours on
// the device merge into one bio, across folios and clusters. What is read past the valid end is
// zeroed when it arrives, before anybody can see it.
#pragma once

#include <cstddef>
#include <span>

#include "zerotail/bh/block_file.h"
#include "zerotail/mm/readahead.h"

namespace zerotail::bh {

// Bytes read: fewer than asked for only at the end of the file, or before a block that could not
// be read (EIO when it was the first).
[[nodiscard]] sim::Result<uint64_t> buffered_read(BlockFile& file, mm::ReadaheadState& readahead,
                                                  sim::FilePos pos, std::span<std::byte> out);

// The folio with every block uptodate, not locked. EIO when the device failed.
[[nodiscard]] sim::Result<mm::FolioRef> read_folio(BlockFile& file, uint64_t index);

}  // namespace zerotail::bh
