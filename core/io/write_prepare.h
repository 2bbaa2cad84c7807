// What buffered and direct writes do before the first byte: the position, the limits, the gap.
#pragma once

#include "zerotail/io/file_ops.h"

namespace zerotail::io {

struct PreparedWrite {
  sim::FilePos pos;
  sim::FilePos valid_before;  // V before the gap was filled
  uint64_t length = 0;        // 0: nothing to do
};

// The position and the limits; changes nothing. EFBIG.
[[nodiscard]] sim::Result<PreparedWrite> place_write(FileNode& node, sim::FilePos pos,
                                                     uint64_t length, bool append);

// And what lies before it. The caller holds the inode lock exclusively. O_APPEND resolves the
// position before the gap is judged. EFBIG; ENOSPC with nothing changed; EIO.
[[nodiscard]] sim::Result<PreparedWrite> prepare_write(FileNode& node, sim::FilePos pos,
                                                       uint64_t length, bool append);

// The copy into the page cache; a short one gives back the clusters behind S. An error only when
// nothing was written. The caller holds the inode lock and has prepared the write.
[[nodiscard]] sim::Result<uint64_t> buffered_write_locked(FileNode& node, sim::FilePos pos,
                                                          const iomap::CopySource& source);

// After a copy of `wanted` bytes: a short one gives back the clusters behind S. The bytes written;
// an error only when there are none.
[[nodiscard]] sim::Result<uint64_t> settle_write(FileNode& node, const mm::WriteResult& written,
                                                 uint64_t wanted);

// What O_SYNC, O_DSYNC and sync mounts promise for a write that wrote `count` bytes.
[[nodiscard]] sim::Status sync_write(FileNode& node, const PreparedWrite& write, uint64_t count,
                                     const WriteMode& mode, ErrorSample& errors);

}  // namespace zerotail::io
