// The block device's own page cache of metadata: blocks of the volume's sector size, read once,
// changed in memory, written back by whoever asks. It knows no exFAT.
//
// What it models: the kernel's buffer heads of a block device. A dirty buffer is written by
// sync() (one, waited for), by write_all() (all, ascending, submitted together and then waited
// for: between two flushes their order means nothing) or by write_some() (the flusher).
// What it leaves out: memory pressure. Nothing is dropped until drop_clean() or forget().
//
// Invariants: a block has at most one Buffer; a dirty Buffer is uptodate; a Buffer that somebody
// holds a BufferRef to, or whose I/O is in flight, does not move or go away.
// A write that fails leaves the buffer clean with the new content in memory (the kernel does not
// try again either). sync() reports the error at once; besides, any failed write is remembered
// and reported by the next write_all(), once.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "zerotail/buffer/flush_clock.h"
#include "zerotail/buffer/io_kind.h"
#include "zerotail/sim/block_device.h"
#include "zerotail/sim/task.h"

namespace zerotail::buffer {

using BlockCount = sim::Quantity<struct BlockCountTag>;
// A block of the device, in units of the cache's block size.
using Block = sim::Point<struct BlockTag, BlockCount>;

class BufferCache;

class Buffer {
 public:
  Buffer() = default;
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;

  [[nodiscard]] Block block() const { return block_; }
  // Change it only together with BufferCache::mark_dirty().
  [[nodiscard]] std::span<std::byte> data() { return {data_, size_}; }
  [[nodiscard]] std::span<const std::byte> data() const { return {data_, size_}; }
  [[nodiscard]] bool dirty() const { return dirty_; }
  [[nodiscard]] sim::IoTag tag() const { return tag_; }

 private:
  friend class BufferCache;
  friend class BufferRef;
  Block block_;
  std::byte* data_ = nullptr;  // in a slab of the cache
  uint32_t size_ = 0;
  uint32_t pins_ = 0;  // BufferRefs
  uint32_t dirty_index_ = 0;
  bool uptodate_ = false;
  bool dirty_ = false;
  bool in_flight_ = false;  // a read or write of it has been submitted
  sim::IoTag tag_;
};

// Keeps a buffer in the cache while it lives. Must not outlive the cache.
class BufferRef {
 public:
  BufferRef() = default;
  explicit BufferRef(Buffer& buffer) : buffer_(&buffer) { ++buffer_->pins_; }
  BufferRef(BufferRef&& other) noexcept : buffer_(other.buffer_) { other.buffer_ = nullptr; }
  BufferRef& operator=(BufferRef&& other) noexcept {
    if (this != &other) {
      reset();
      buffer_ = other.buffer_;
      other.buffer_ = nullptr;
    }
    return *this;
  }
  BufferRef(const BufferRef&) = delete;
  BufferRef& operator=(const BufferRef&) = delete;
  ~BufferRef() { reset(); }

  [[nodiscard]] Buffer& operator*() const { return *buffer_; }
  [[nodiscard]] Buffer* operator->() const { return buffer_; }
  explicit operator bool() const { return buffer_ != nullptr; }
  void reset() {
    if (buffer_ != nullptr) --buffer_->pins_;
    buffer_ = nullptr;
  }

 private:
  Buffer* buffer_ = nullptr;
};

struct WriteFlags {
  bool preflush = false;
  bool fua = false;
};

// Whether adjacent blocks go out in one bio.
enum class Merge : uint8_t { kNo, kYes };

class BufferCache {
 public:
  struct Options {
    sim::ByteCount block_size{512};    // 512..4096, a power of two, at least the device's
    sim::ByteCount max_bio{1U << 20};  // adjacent blocks are written in bios of at most this
  };
  struct Counters {
    uint64_t reads = 0;   // blocks read from the device
    uint64_t writes = 0;  // blocks written to it
    uint64_t bios = 0;    // read and write bios submitted
  };

  BufferCache(sim::BlockDevice& device, sim::Scheduler& scheduler, const Options& options);
  ~BufferCache();
  BufferCache(const BufferCache&) = delete;
  BufferCache& operator=(const BufferCache&) = delete;

  [[nodiscard]] sim::ByteCount block_size() const { return options_.block_size; }
  [[nodiscard]] BlockCount capacity() const { return capacity_; }  // whole blocks of the device
  [[nodiscard]] sim::BlockDevice& device() { return device_; }
  [[nodiscard]] sim::Scheduler& scheduler() { return scheduler_; }

  // The block at a byte address of the device; the address must be a multiple of the block size.
  [[nodiscard]] Block block_at(sim::DevPos pos) const;

  // The buffer with its content, read if it is not cached. EIO: beyond the device, or the read
  // failed (it is tried again by the next get).
  [[nodiscard]] sim::Result<BufferRef> get(Block block, sim::IoTag tag);
  // The buffer filled with zeros, without reading, dirty. EIO: beyond the device.
  [[nodiscard]] sim::Result<BufferRef> get_zeroed(Block block, sim::IoTag tag);
  // Reads what is not cached of a run of blocks, with one bio for each gap. Errors as get().
  sim::Status read_run(Block first, BlockCount count, sim::IoTag tag);
  // Reads whole blocks from the device and keeps nothing: for what is read once. What is dirty in
  // the cache is not seen. Errors as get().
  [[nodiscard]] sim::Status read_uncached(Block first, std::span<std::byte> out, sim::IoTag tag);

  // The content was changed in memory.
  void mark_dirty(Buffer& buffer);
  // When the first of the buffers that are dirty now became dirty while none was; only when
  // dirty() > 0. The flusher goes by it.
  [[nodiscard]] sim::Nanos dirty_since() const { return dirty_since_; }
  // Called when a buffer becomes dirty while none is.
  void set_dirty_hook(std::function<void()> hook) { dirty_hook_ = std::move(hook); }
  // Writes a buffer now if it is dirty, and waits. EIO: the write failed.
  sim::Status sync(Buffer& buffer);
  // As sync(), but always writes, with these flags.
  sim::Status write_through(Buffer& buffer, WriteFlags flags);
  // Writes what is dirty of some buffers: all submitted in ascending order, then waited for.
  sim::Status sync_all_of(std::span<Buffer* const> buffers, Merge merge);
  // One pass over everything dirty in ascending block order, waited for, writes of others that
  // are in flight included. Returns the first error since the last write_all(), this one's too.
  sim::Status write_all();
  // Writes at most `limit` dirty buffers in ascending order, as the flusher does: waits, and
  // remembers errors for the next write_all(). Returns how many were written.
  size_t write_some(size_t limit);

  // The blocks are no longer metadata (their clusters now hold a file's data): what is cached of
  // them goes, dirty or not, unwritten. Waits for I/O that is in flight.
  void forget(Block first, BlockCount count);
  // Drops every clean buffer that nobody holds (drop_caches).
  void drop_clean();

  // Flushes the device's cache (blkdev_issue_flush).
  sim::Status flush();
  // For those who order their writes. Writes what is dirty of these kinds and waits, for what is on
  // its way as well; then flushes, unless a flush has covered all that was written of them. EIO.
  sim::Status harden(IoKinds kinds);
  // Something of these kinds is dirty, or on its way to the device.
  [[nodiscard]] bool busy(IoKinds kinds) const;
  // Counts flush() and writes with PREFLUSH.
  [[nodiscard]] const FlushClock& clock() const { return clock_; }
  // Discards blocks; a device without discard support does nothing.
  sim::Status discard(Block first, BlockCount count);

  [[nodiscard]] size_t cached() const { return count_; }
  [[nodiscard]] size_t dirty() const { return dirty_.size(); }
  [[nodiscard]] const Counters& counters() const { return counters_; }

 private:
  struct Slab;
  struct Transfer;

  [[nodiscard]] size_t home(Block block) const;
  [[nodiscard]] Buffer* find(Block block) const;
  Buffer& find_or_insert(Block block);
  void place(Buffer& buffer);
  void remove(Buffer& buffer);
  void grow_table();
  void add_slab();
  void set_clean(Buffer& buffer);
  void drop(Buffer& buffer);  // content lost; gone when nobody holds it
  void wait_idle(const Buffer& buffer);
  [[nodiscard]] sim::Status check_range(Block first, BlockCount count) const;
  [[nodiscard]] sim::DevPos pos(Block block) const;
  [[nodiscard]] size_t bio_length(std::span<Buffer* const> sorted, Merge merge) const;
  void fill_bio(sim::Bio& bio, std::span<Buffer* const> run, sim::BioOp op, WriteFlags flags);
  void finish(std::span<Buffer* const> run, const sim::Bio& bio);
  sim::Status transfer(std::span<Buffer* const> sorted, sim::BioOp op, WriteFlags flags,
                       Merge merge);
  sim::Status write_sorted(std::span<Buffer* const> sorted, WriteFlags flags,
                           Merge merge = Merge::kYes);
  [[nodiscard]] std::vector<Buffer*> dirty_sorted() const;

  sim::BlockDevice& device_;
  sim::Scheduler& scheduler_;
  Options options_;
  BlockCount capacity_;
  sim::WaitQueue io_done_;
  Counters counters_;
  std::vector<Buffer*> slots_;  // open addressing with linear probing; a power of two
  unsigned hash_shift_ = 0;
  size_t count_ = 0;
  std::vector<Buffer*> dirty_;  // unordered; Buffer::dirty_index_ is the place in it
  std::vector<std::unique_ptr<Slab>> slabs_;
  std::vector<Buffer*> free_;
  size_t writes_in_flight_ = 0;
  struct KindState {
    size_t in_flight = 0;     // write bios
    uint64_t written_at = 0;  // of the clock, by the last one that completed
  };
  std::array<KindState, kIoKindCount> kinds_{};
  FlushClock clock_;
  sim::Nanos dirty_since_{0};
  std::function<void()> dirty_hook_;
  std::optional<sim::Error> remembered_;  // a failed write, for the next write_all()
};

}  // namespace zerotail::buffer
