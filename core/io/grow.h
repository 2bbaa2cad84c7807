// Growing a file without writing: shared by truncate, fallocate and writes behind S.
#pragma once

#include "zerotail/io/file_node.h"

namespace zerotail::io {

// Allocates clusters for `size` > S and moves S there; V stays. Cached bytes behind the old S are
// zeroed first, and stores of shared mappings into the folio that straddles it fault again. On a
// sync mount the dentry set is written. The caller holds the inode lock exclusively. ENOSPC and EIO
// with nothing changed, but EIO of that last write.
[[nodiscard]] sim::Status grow(FileNode& node, sim::FilePos size);

// S goes down to `size`, V and Z with it, and the clusters behind it are freed; the dentry set is
// written before they are (exfat::FileSystem::shrink). Its errors come after S has moved. The
// caller holds the inode lock exclusively and has waited for direct I/O.
[[nodiscard]] sim::Status shrink_to(FileNode& node, sim::FilePos size);

// Bytes behind the end of the file, left in the cache by stores of shared mappings, become zeros
// before they can become content, and stores there fault again.
void hide_bytes_past_size(FileNode& node);

// Frees clusters that a failed or short write left behind S.
[[nodiscard]] sim::Status free_beyond_size(FileNode& node);

}  // namespace zerotail::io
