// The page cache's traffic with the device, by the path that the mount chose.
#pragma once

#include <span>

#include "zerotail/io/file_node.h"
#include "zerotail/mm/readahead.h"

namespace zerotail::io {

// Writes back what is dirty in [first, last] and waits. The first error is also recorded.
[[nodiscard]] sim::Status write_back(FileNode& node, sim::FilePos first, sim::FilePos last);
// The folio with every block uptodate, not locked. EIO.
[[nodiscard]] sim::Result<mm::FolioRef> read_folio(FileNode& node, uint64_t index);
[[nodiscard]] sim::Result<uint64_t> read_cached(FileNode& node, mm::ReadaheadState& readahead,
                                                sim::FilePos pos, std::span<std::byte> out);
// Nothing of the file at or past `size` stays in the cache.
void truncate_cache(FileNode& node, sim::FilePos size);

}  // namespace zerotail::io
