// Reading through the page cache, and filling the cache for others.
//
// A block is read from the device when it is mapped and below the size; unwritten blocks, holes and
// blocks past the size become zeros without I/O. What a read brings in past a mapping's valid_end
// is zeroed when it arrives, before anybody can see it.
#pragma once

#include <cstddef>
#include <span>

#include "zerotail/iomap/iomap_file.h"
#include "zerotail/mm/readahead.h"

namespace zerotail::iomap {

using mm::ReadaheadState;

// Bytes read: fewer than asked for only at the end of the file, or before a block that could not
// be read (EIO when it was the first).
[[nodiscard]] sim::Result<uint64_t> buffered_read(IomapFile& file, ReadaheadState& readahead,
                                                  sim::FilePos pos, std::span<std::byte> out);

// The folio that has the page, with every block uptodate, not locked. Takes no invalidate lock: the
// caller holds it where it matters. EIO when the device failed.
[[nodiscard]] sim::Result<mm::FolioRef> read_folio(IomapFile& file, uint64_t index);

// Brings [pos, pos + length) into the cache as it reads now, and marks those folios dirty whole:
// zeros beyond what is valid get to the device, and stores of shared mappings survive.
[[nodiscard]] sim::Status fill_dirty(IomapFile& file, sim::FilePos pos, sim::ByteCount length);

// For write_begin: reads some blocks of a locked folio and waits. Offsets in the folio.
[[nodiscard]] sim::Status read_blocks(IomapFile& file, mm::Folio& folio, const Mapping& mapping,
                                      uint64_t offset, uint64_t length);

}  // namespace zerotail::iomap
