// Reading and writing past the page cache. Aligned to the device's logical block, not to the file
// system's: a write zeroes the rest of its first and last block where they were never written.
//
// Alignment is judged mapping by mapping, so a write may get as far as an earlier mapping before it
// is refused. The cache is the caller's: it writes dirty folios back before, and drops folios
// around a write.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include "zerotail/iomap/buffered_write.h"
#include "zerotail/iomap/iomap_file.h"
#include "zerotail/sim/task.h"

namespace zerotail::iomap {

// Bytes read; 0 at or past the size. Holes and unwritten blocks give zeros whatever the alignment.
// EINVAL: a mapped range, or the memory (`memory_aligned`), is misaligned. EIO.
[[nodiscard]] sim::Result<uint64_t> direct_read(IomapFile& file, sim::FilePos pos,
                                                std::span<std::byte> out, bool memory_aligned);

// A write in two steps, so that its submitter need not wait for it: submit() sends everything to
// the device, mapping by mapping, without waiting for data; wait() ends when all of it has
// completed. What the source points at must stay until then. The size is the caller's to move.
class DirectWrite {
 public:
  DirectWrite(IomapFile& file, sim::FilePos pos, const CopySource& source, bool memory_aligned);
  ~DirectWrite();
  DirectWrite(const DirectWrite&) = delete;
  DirectWrite& operator=(const DirectWrite&) = delete;

  void submit();
  // `written`: the bytes from the start that are on the device, up to the first that are not, also
  // when `status` is an error: EINVAL as above, EFAULT, EIO, and what map_begin says.
  [[nodiscard]] WriteResult wait();

 private:
  struct Io;
  [[nodiscard]] sim::Status submit_piece(const Mapping& mapping, sim::FilePos pos,
                                         std::span<std::byte> data);
  // `at`: from where on the file's bytes are lost if it fails.
  void add(sim::DevPos addr, std::span<std::byte> memory, sim::FilePos at);
  void end_io(const Io& io);

  IomapFile& file_;
  sim::FilePos pos_;
  CopySource source_;
  bool memory_aligned_;
  sim::FilePos reached_;  // submitted up to here
  sim::FilePos failed_at_ = kNoLimit;
  sim::Status status_;
  std::vector<std::byte> zeros_;
  std::vector<std::unique_ptr<Io>> ios_;
  uint64_t in_flight_ = 0;
  sim::WaitQueue landed_;
};

// Both steps.
[[nodiscard]] WriteResult direct_write(IomapFile& file, sim::FilePos pos, const CopySource& source,
                                       bool memory_aligned);

}  // namespace zerotail::iomap
