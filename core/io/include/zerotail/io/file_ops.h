// What a process does to the data of one file. README.md has the table of how S, V and Z move.
// Every call takes the locks it needs.
#pragma once

#include <functional>
#include <span>

#include "zerotail/io/file_node.h"
#include "zerotail/iomap/buffered_read.h"
#include "zerotail/iomap/buffered_write.h"

namespace zerotail::io {

struct WriteMode {
  bool append = false;     // O_APPEND: the position is S, resolved under the inode lock
  bool sync = false;       // O_SYNC
  bool data_sync = false;  // O_DSYNC
};

// A descriptor's memory of writeback errors: fsync reports each once (mm/errseq.h).
using ErrorSample = mm::ErrSeq::Sample;

// Bytes read; 0 at or past S.
[[nodiscard]] sim::Result<uint64_t> read(FileNode& node, iomap::ReadaheadState& readahead,
                                         sim::FilePos pos, std::span<std::byte> out);

// Bytes written. EFBIG: the position is at or past the largest size. ENOSPC, EIO, EFAULT: only when
// nothing was written; a gap that does not fit changes nothing.
[[nodiscard]] sim::Result<uint64_t> write(FileNode& node, sim::FilePos pos,
                                          const iomap::CopySource& source, const WriteMode& mode,
                                          ErrorSample& errors);

struct DirectMode {
  bool memory_aligned = true;  // the caller's buffer
  bool no_invalidate = false;  // the cache refuses to be dropped: the write goes through it
};

// O_DIRECT. EINVAL: the memory or a mapped range is misaligned to the device's logical block. A
// direct write that does not fit is ENOSPC and changes nothing. The write's `submitted` is called
// once, when everything is on its way and the inode lock is free: a task of its own can do the rest
// while the submitter goes on. Without it the lock is held until the write has landed. Writes that
// move V follow one after the other.
[[nodiscard]] sim::Result<uint64_t> direct_read(FileNode& node, sim::FilePos pos,
                                                std::span<std::byte> out, bool memory_aligned);
[[nodiscard]] sim::Result<uint64_t> direct_write(FileNode& node, sim::FilePos pos,
                                                 const iomap::CopySource& source,
                                                 const DirectMode& direct, const WriteMode& mode,
                                                 ErrorSample& errors,
                                                 const std::function<void()>& submitted = {});

// To any size. EFBIG; ENOSPC and EIO of growing leave the file as it was; errors of shrinking are
// returned after S has moved.
sim::Status truncate(FileNode& node, sim::FilePos size);

// fallocate mode 0: grows to pos + length, or changes nothing when that is inside S.
sim::Status fallocate(FileNode& node, sim::FilePos pos, sim::ByteCount length);

// Data in [first, last], the dentry set (with data_only: unless only times changed), all other
// dirty metadata, a flush. Stops at the first error; an error of earlier writeback counts, if the
// descriptor whose sample is given was not told.
sim::Status fsync(FileNode& node, sim::FilePos first, sim::FilePos last, bool data_only,
                  ErrorSample& errors);
// The same for a directory, which has no data.
sim::Status fsync_metadata(exfat::Inode& inode, bool data_only);

}  // namespace zerotail::io
