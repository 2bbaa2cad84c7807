// Preparing and finishing one folio of a write: shared by buffered_write and zero_range.
#pragma once

#include "zerotail/iomap/iomap_file.h"

namespace zerotail::iomap {

// Zeroes or reads the parts of touched blocks that [offset, offset + length) does not overwrite.
[[nodiscard]] sim::Status write_begin(IomapFile& file, mm::Folio& folio, const Mapping& mapping,
                                      uint64_t offset, uint64_t length);

// The `copied` first bytes of the range are in the folio: marks blocks uptodate and dirty, grows
// the size. A short copy into a folio that is not uptodate counts as nothing. Returns what counts.
[[nodiscard]] uint64_t write_end(IomapFile& file, mm::Folio& folio, uint64_t offset,
                                 uint64_t length, uint64_t copied);

}  // namespace zerotail::iomap
