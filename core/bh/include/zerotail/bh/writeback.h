// Dirty folios on their way to the device.
//
// For each dirty folio, in ascending order: [size, end of folio) is zeroed every time, since stores
// of shared mappings past the size must not reach the device; blocks wholly past the size are left
// out; a dirty block that is not mapped (a store got there) is created now. Dirty blocks become
// bios, merged across folios where the device is contiguous. A folio's dirty bits go even when its
// write fails; the error is kept in the cache's ErrSeq, for fsync.
#pragma once

#include "zerotail/bh/block_file.h"

namespace zerotail::bh {

// Writes back what is dirty in [first, last] and waits for it, and for what was under way there.
// Returns the first error met (it is also recorded).
[[nodiscard]] sim::Status writeback(BlockFile& file, sim::FilePos first, sim::FilePos last);

}  // namespace zerotail::bh
