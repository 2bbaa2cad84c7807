// Writing into the page cache: folio by folio, what a partial write leaves of a block is zeroed or
// read first (NEW, ZERO_TAIL), then the bytes are copied and the blocks marked dirty.
//
// Invariant: a block becomes uptodate only when every byte of it is known: read, zeroed or copied.
#pragma once

#include <cstddef>
#include <optional>
#include <span>

#include "zerotail/iomap/iomap_file.h"

namespace zerotail::iomap {

// A user's buffer; reading the byte at `fault_at`, or any behind it, faults.
struct CopySource {
  std::span<const std::byte> bytes;
  std::optional<uint64_t> fault_at;

  // Bytes that can be copied from `offset` on, at most `length`.
  [[nodiscard]] uint64_t readable(uint64_t offset, uint64_t length) const {
    if (!fault_at || offset + length <= *fault_at) return length;
    return *fault_at > offset ? *fault_at - offset : 0;
  }
};

struct WriteResult {
  uint64_t written = 0;
  sim::Status status;  // why it is short, if not because of a short mapping
};

// Copies the source to [pos, pos + size). The caller holds the inode lock and has filled the gap
// before `pos`. EFAULT, EIO, or what map_begin says; `written` counts what is in the cache.
[[nodiscard]] WriteResult buffered_write(IomapFile& file, sim::FilePos pos,
                                         const CopySource& source);

}  // namespace zerotail::iomap
