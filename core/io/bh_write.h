// Writes on the buffer-head path.
#pragma once

#include "zerotail/io/file_ops.h"

namespace zerotail::io {

// As io::write and io::direct_write.
[[nodiscard]] sim::Result<uint64_t> bh_write(FileNode& node, sim::FilePos pos,
                                             const mm::CopySource& source, const WriteMode& mode,
                                             ErrorSample& errors);
[[nodiscard]] sim::Result<uint64_t> bh_direct_write(FileNode& node, sim::FilePos pos,
                                                    const mm::CopySource& source,
                                                    const DirectMode& direct, const WriteMode& mode,
                                                    ErrorSample& errors);
// EINVAL: the memory, the position or the length is misaligned to the device's logical block.
[[nodiscard]] sim::Result<uint64_t> bh_direct_read(FileNode& node, sim::FilePos pos,
                                                   std::span<std::byte> out, bool memory_aligned);

// Writes zeros to [V, end), page by page, so that V reaches `end`. The caller holds the inode lock
// exclusively. ENOSPC and EIO leave what was done before.
[[nodiscard]] sim::Status bh_make_valid(FileNode& node, sim::FilePos end);

}  // namespace zerotail::io
