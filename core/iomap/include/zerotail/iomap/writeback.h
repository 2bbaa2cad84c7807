// Dirty folios on their way to the device.
//
// For each dirty folio, in ascending order: [size, end of folio) is zeroed every time, since stores
// of shared mappings past the size must not reach the device; blocks wholly past the size are left
// out; runs of dirty blocks become bios, merged across folios where file and device are both
// contiguous. A folio's dirty bits go even when its write fails; the error is kept in the cache's
// ErrSeq, for fsync.
#pragma once

#include "zerotail/iomap/iomap_file.h"

namespace zerotail::iomap {

// Writes back what is dirty in [first, last] and waits for it, and for what was under way there.
// Returns the first error met (it is also recorded).
[[nodiscard]] sim::Status writeback(IomapFile& file, sim::FilePos first, sim::FilePos last);

}  // namespace zerotail::iomap
