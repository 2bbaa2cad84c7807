// The parts of a write on the buffer-head path that buffered and direct writes share. The caller
// holds the inode lock exclusively.
#pragma once

#include "bh_write.h"
#include "write_prepare.h"

namespace zerotail::io {

// Makes everything before `pos` valid. ENOSPC and EIO leave the zeros written before.
[[nodiscard]] sim::Status bh_fill_gap(FileNode& node, sim::FilePos pos);
// The copy into the page cache; a short one gives back the clusters behind S. An error only when
// nothing was written.
[[nodiscard]] sim::Result<uint64_t> bh_buffered_write(FileNode& node, sim::FilePos pos,
                                                      const mm::CopySource& source);

}  // namespace zerotail::io
