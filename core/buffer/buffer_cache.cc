#include "zerotail/buffer/buffer_cache.h"

#include <algorithm>
#include <array>
#include <bit>
#include <string>

#include "zerotail/sim/world.h"

namespace zerotail::buffer {

namespace {
constexpr size_t kSlabBuffers = 32;
constexpr size_t kFirstSlots = 64;

bool by_block(const Buffer* a, const Buffer* b) { return a->block() < b->block(); }
}  // namespace

// Buffers and their memory are allocated together, and stay until the cache goes.
struct BufferCache::Slab {
  explicit Slab(size_t block_size)
      : memory(std::make_unique_for_overwrite<std::byte[]>(kSlabBuffers * block_size)) {}
  std::array<Buffer, kSlabBuffers> buffers;
  std::unique_ptr<std::byte[]> memory;
};

// One bio and the buffers it carries.
struct BufferCache::Transfer {
  sim::Bio bio;
  std::span<Buffer* const> run;
};

BufferCache::BufferCache(sim::BlockDevice& device, sim::Scheduler& scheduler,
                         const Options& options)
    : device_(device),
      scheduler_(scheduler),
      options_(options),
      capacity_(sim::bytes(device.info().capacity) / options.block_size),
      io_done_(scheduler) {
  ZT_ASSERT(std::has_single_bit(options.block_size.value()));
  ZT_ASSERT(options.block_size >= device.info().logical_block);
  ZT_ASSERT(options.max_bio >= options.block_size);
  slots_.assign(kFirstSlots, nullptr);
  hash_shift_ = 64 - static_cast<unsigned>(std::countr_zero(kFirstSlots));
}

BufferCache::~BufferCache() = default;

// ---- the table

size_t BufferCache::home(Block block) const {
  return static_cast<size_t>((block.value() * 0x9E3779B97F4A7C15U) >> hash_shift_);
}

Buffer* BufferCache::find(Block block) const {
  const size_t mask = slots_.size() - 1;
  for (size_t slot = home(block); slots_[slot] != nullptr; slot = (slot + 1) & mask) {
    if (slots_[slot]->block_ == block) return slots_[slot];
  }
  return nullptr;
}

void BufferCache::place(Buffer& buffer) {
  const size_t mask = slots_.size() - 1;
  size_t slot = home(buffer.block_);
  while (slots_[slot] != nullptr) slot = (slot + 1) & mask;
  slots_[slot] = &buffer;
}

void BufferCache::grow_table() {
  const std::vector<Buffer*> old = std::move(slots_);
  slots_.assign(old.size() * 2, nullptr);
  --hash_shift_;
  for (Buffer* buffer : old) {
    if (buffer != nullptr) place(*buffer);
  }
}

void BufferCache::add_slab() {
  const size_t block_size = options_.block_size.value();
  slabs_.push_back(std::make_unique<Slab>(block_size));
  Slab& slab = *slabs_.back();
  for (size_t i = kSlabBuffers; i-- > 0;) {
    Buffer& buffer = slab.buffers[i];
    buffer.data_ = slab.memory.get() + i * block_size;
    buffer.size_ = static_cast<uint32_t>(block_size);
    free_.push_back(&buffer);
  }
}

Buffer& BufferCache::find_or_insert(Block block) {
  if (Buffer* cached = find(block)) return *cached;
  if ((count_ + 1) * 2 > slots_.size()) grow_table();
  if (free_.empty()) add_slab();
  Buffer& buffer = *free_.back();
  free_.pop_back();
  buffer.block_ = block;
  buffer.uptodate_ = false;
  place(buffer);
  ++count_;
  return buffer;
}

// Closes the gap that linear probing would stop at.
void BufferCache::remove(Buffer& buffer) {
  ZT_ASSERT(!buffer.dirty_ && !buffer.in_flight_ && buffer.pins_ == 0);
  const size_t mask = slots_.size() - 1;
  size_t hole = home(buffer.block_);
  while (slots_[hole] != &buffer) hole = (hole + 1) & mask;
  for (size_t slot = (hole + 1) & mask; slots_[slot] != nullptr; slot = (slot + 1) & mask) {
    const size_t distance_home = (slot - home(slots_[slot]->block_)) & mask;
    if (distance_home < ((slot - hole) & mask)) continue;
    slots_[hole] = slots_[slot];
    hole = slot;
  }
  slots_[hole] = nullptr;
  --count_;
  free_.push_back(&buffer);
}

// ---- state of one buffer

sim::DevPos BufferCache::pos(Block block) const {
  return sim::DevPos{block.value() * options_.block_size.value()};
}

Block BufferCache::block_at(sim::DevPos where) const {
  ZT_ASSERT(sim::offset_in(where, options_.block_size).value() == 0);
  return Block{where.value() / options_.block_size.value()};
}

sim::Status BufferCache::check_range(Block first, BlockCount count) const {
  const Block limit = Block{} + capacity_;
  if (first < limit && count <= limit - first) return {};
  return sim::Error(sim::Errno::kIo, "buffer: block " + std::to_string(first.value()) +
                                         " lies beyond the device's " +
                                         std::to_string(capacity_.value()) + " blocks");
}

void BufferCache::mark_dirty(Buffer& buffer) {
  ZT_ASSERT_MSG(buffer.uptodate_, "a buffer without content becomes dirty");
  if (buffer.dirty_) return;
  buffer.dirty_ = true;
  buffer.dirty_index_ = static_cast<uint32_t>(dirty_.size());
  dirty_.push_back(&buffer);
  if (dirty_.size() > 1) return;
  dirty_since_ = scheduler_.loop().now();
  if (dirty_hook_) dirty_hook_();
}

void BufferCache::set_clean(Buffer& buffer) {
  if (!buffer.dirty_) return;
  buffer.dirty_ = false;
  dirty_.back()->dirty_index_ = buffer.dirty_index_;
  dirty_[buffer.dirty_index_] = dirty_.back();
  dirty_.pop_back();
}

void BufferCache::wait_idle(const Buffer& buffer) {
  while (buffer.in_flight_) io_done_.wait("a metadata buffer");
}

void BufferCache::drop(Buffer& buffer) {
  set_clean(buffer);
  buffer.uptodate_ = false;
  if (buffer.pins_ == 0) remove(buffer);
}

// ---- bios

// How many of the first buffers one bio carries: adjacent, of one tag, up to the limit.
size_t BufferCache::bio_length(std::span<Buffer* const> sorted, Merge merge) const {
  if (merge == Merge::kNo) return 1;
  const uint64_t limit = options_.max_bio / options_.block_size;
  size_t length = 1;
  while (length < sorted.size() && length < limit &&
         sorted[length]->block_ == sorted[0]->block_ + BlockCount{length} &&
         sorted[length]->tag_ == sorted[0]->tag_) {
    ++length;
  }
  return length;
}

void BufferCache::fill_bio(sim::Bio& bio, std::span<Buffer* const> run, sim::BioOp op,
                           WriteFlags flags) {
  bio.op = op;
  bio.preflush = flags.preflush;
  bio.fua = flags.fua;
  bio.sector = sim::sector_at(pos(run[0]->block_));
  bio.count = sim::sectors(options_.block_size * run.size());
  bio.tag = run[0]->tag_;
  ZT_ASSERT(bio.tag.kind < kIoKindCount);
  bio.segments.reserve(run.size());
  for (Buffer* buffer : run) {
    ZT_ASSERT(!buffer->in_flight_);
    buffer->in_flight_ = true;
    bio.segments.push_back(buffer->data());
  }
  ++counters_.bios;
  (op == sim::BioOp::kRead ? counters_.reads : counters_.writes) += run.size();
}

void BufferCache::finish(std::span<Buffer* const> run, const sim::Bio& bio) {
  const bool ok = bio.status == sim::Errno::kOk;
  for (Buffer* buffer : run) {
    buffer->in_flight_ = false;
    if (bio.op == sim::BioOp::kRead) buffer->uptodate_ = ok;
  }
  if (bio.op == sim::BioOp::kWrite) {
    --writes_in_flight_;
    KindState& kind = kinds_[bio.tag.kind];
    --kind.in_flight;
    kind.written_at = clock_.now();
    if (!ok && !remembered_) {
      remembered_ =
          sim::Error(bio.status, std::string("buffer: write of ") + io_kind_name(bio.tag.kind) +
                                     " block " + std::to_string(run[0]->block_.value()));
    }
  }
  io_done_.wake_all();
}

// Submits all, then waits for all; the buffers are idle, in ascending order, without duplicates.
sim::Status BufferCache::transfer(std::span<Buffer* const> sorted, sim::BioOp op, WriteFlags flags,
                                  Merge merge) {
  std::vector<std::unique_ptr<Transfer>> transfers;
  size_t outstanding = 0;
  for (size_t from = 0; from < sorted.size();) {
    const size_t length = bio_length(sorted.subspan(from), merge);
    transfers.push_back(std::make_unique<Transfer>());
    Transfer& one = *transfers.back();
    one.run = sorted.subspan(from, length);
    fill_bio(one.bio, one.run, op, flags);
    from += length;
  }
  for (const auto& one : transfers) {
    ++outstanding;
    if (op == sim::BioOp::kWrite) {
      ++writes_in_flight_;
      ++kinds_[one->bio.tag.kind].in_flight;
    }
    one->bio.end_io = [this, &run = one->run, &outstanding](sim::Bio& bio) {
      --outstanding;
      finish(run, bio);
    };
    device_.submit(one->bio);
  }
  while (outstanding > 0) io_done_.wait("metadata I/O");
  for (const auto& one : transfers) {
    if (one->bio.status == sim::Errno::kOk) continue;
    return sim::Error(one->bio.status, std::string("buffer: ") +
                                           (op == sim::BioOp::kRead ? "read" : "write") + " of " +
                                           io_kind_name(one->bio.tag.kind) + " block " +
                                           std::to_string(one->run[0]->block_.value()));
  }
  return {};
}

// The dirty bit goes before the write is submitted: a change made meanwhile is written again.
sim::Status BufferCache::write_sorted(std::span<Buffer* const> sorted, WriteFlags flags,
                                      Merge merge) {
  for (Buffer* buffer : sorted) set_clean(*buffer);
  return transfer(sorted, sim::BioOp::kWrite, flags, merge);
}

// ---- reading

sim::Result<BufferRef> BufferCache::get(Block block, sim::IoTag tag) {
  if (Buffer* cached = find(block); cached != nullptr && cached->uptodate_) {
    cached->tag_ = tag;
    return BufferRef(*cached);
  }
  ZT_TRY(check_range(block, BlockCount{1}));
  BufferRef held(find_or_insert(block));
  held->tag_ = tag;
  wait_idle(*held);
  if (held->uptodate_) return held;
  Buffer* const one = &*held;
  ZT_TRY(transfer({&one, 1}, sim::BioOp::kRead, {}, Merge::kYes));
  return held;
}

sim::Result<BufferRef> BufferCache::get_zeroed(Block block, sim::IoTag tag) {
  ZT_TRY(check_range(block, BlockCount{1}));
  BufferRef held(find_or_insert(block));
  held->tag_ = tag;
  wait_idle(*held);
  std::fill_n(held->data_, held->size_, std::byte{0});
  held->uptodate_ = true;
  mark_dirty(*held);
  return held;
}

sim::Status BufferCache::read_run(Block first, BlockCount count, sim::IoTag tag) {
  ZT_TRY(check_range(first, count));
  std::vector<BufferRef> held;
  std::vector<Buffer*> missing;
  for (uint64_t i = 0; i < count.value(); ++i) {
    Buffer& buffer = find_or_insert(first + BlockCount{i});
    if (buffer.uptodate_ || buffer.in_flight_) continue;  // get() waits for the latter
    buffer.tag_ = tag;
    held.emplace_back(buffer);
    missing.push_back(&buffer);
  }
  return transfer(missing, sim::BioOp::kRead, {}, Merge::kYes);
}

sim::Status BufferCache::read_uncached(Block first, std::span<std::byte> out, sim::IoTag tag) {
  ZT_ASSERT(out.size() % options_.block_size.value() == 0);
  const BlockCount count{out.size() / options_.block_size.value()};
  ZT_TRY(check_range(first, count));
  const sim::Errno status =
      sim::read_sectors(scheduler_, device_, sim::sector_at(pos(first)), out, tag);
  ++counters_.bios;
  counters_.reads += count.value();
  if (status == sim::Errno::kOk) return {};
  return sim::Error(status, std::string("buffer: read of ") + io_kind_name(tag.kind) + " block " +
                                std::to_string(first.value()));
}

// ---- writing

sim::Status BufferCache::sync(Buffer& buffer) {
  const BufferRef held(buffer);
  wait_idle(buffer);
  if (!buffer.dirty_) return {};
  Buffer* const one = &buffer;
  return write_sorted({&one, 1}, {});
}

sim::Status BufferCache::write_through(Buffer& buffer, WriteFlags flags) {
  const BufferRef held(buffer);
  wait_idle(buffer);
  ZT_ASSERT(buffer.uptodate_);
  Buffer* const one = &buffer;
  if (!flags.preflush) return write_sorted({&one, 1}, flags);
  const uint64_t flush = clock_.start();
  ZT_TRY(write_sorted({&one, 1}, flags));
  clock_.done(flush);
  return {};
}

sim::Status BufferCache::sync_all_of(std::span<Buffer* const> buffers, Merge merge) {
  std::vector<BufferRef> held;
  for (Buffer* buffer : buffers) held.emplace_back(*buffer);
  for (Buffer* buffer : buffers) wait_idle(*buffer);
  std::vector<Buffer*> sorted;
  for (Buffer* buffer : buffers) {
    // Waiting for a later one may have let another task start on an earlier one.
    if (buffer->dirty_ && !buffer->in_flight_) sorted.push_back(buffer);
  }
  std::sort(sorted.begin(), sorted.end(), by_block);
  sorted.erase(std::unique(sorted.begin(), sorted.end()), sorted.end());
  ZT_TRY(write_sorted(sorted, {}, merge));
  for (Buffer* buffer : buffers) wait_idle(*buffer);
  return {};
}

std::vector<Buffer*> BufferCache::dirty_sorted() const {
  std::vector<Buffer*> sorted;
  sorted.reserve(dirty_.size());
  for (Buffer* buffer : dirty_) {
    if (!buffer->in_flight_) sorted.push_back(buffer);
  }
  std::sort(sorted.begin(), sorted.end(), by_block);
  return sorted;
}

sim::Status BufferCache::write_all() {
  // A buffer that was dirtied while its write is in flight is written once more.
  const auto busy = [](const Buffer* buffer) { return buffer->in_flight_; };
  while (std::any_of(dirty_.begin(), dirty_.end(), busy)) io_done_.wait("metadata in flight");
  // Errors are collected in remembered_, from this pass and from writes before it.
  (void)write_sorted(dirty_sorted(), {});
  while (writes_in_flight_ > 0) io_done_.wait("metadata in flight");
  if (!remembered_) return {};
  const sim::Error error = *remembered_;
  remembered_.reset();
  return error;
}

size_t BufferCache::write_some(size_t limit) {
  std::vector<Buffer*> sorted = dirty_sorted();
  if (sorted.size() > limit) sorted.resize(limit);
  (void)write_sorted(sorted, {});
  return sorted.size();
}

// ---- dropping

void BufferCache::forget(Block first, BlockCount count) {
  const Block end = first + count;
  std::vector<Buffer*> found;
  if (count.value() < slots_.size()) {
    for (Block block = first; block < end; block += BlockCount{1}) {
      if (Buffer* buffer = find(block)) found.push_back(buffer);
    }
  } else {
    for (Buffer* buffer : slots_) {
      if (buffer != nullptr && buffer->block_ >= first && buffer->block_ < end) {
        found.push_back(buffer);
      }
    }
    std::sort(found.begin(), found.end(), by_block);
  }
  std::vector<BufferRef> held;
  for (Buffer* buffer : found) held.emplace_back(*buffer);
  for (BufferRef& one : held) {
    Buffer& buffer = *one;
    wait_idle(buffer);
    one.reset();
    drop(buffer);
  }
}

void BufferCache::drop_clean() {
  std::vector<Buffer*> found;
  for (Buffer* buffer : slots_) {
    if (buffer == nullptr || buffer->dirty_ || buffer->in_flight_ || buffer->pins_ > 0) continue;
    found.push_back(buffer);
  }
  std::sort(found.begin(), found.end(), by_block);
  for (Buffer* buffer : found) remove(*buffer);
}

// ---- the device

sim::Status BufferCache::flush() {
  const uint64_t flush = clock_.start();
  const sim::Errno status = sim::flush(scheduler_, device_);
  if (status != sim::Errno::kOk) return sim::Error(status, "buffer: flush of the device");
  clock_.done(flush);
  return {};
}

bool BufferCache::busy(IoKinds kinds) const {
  for (uint32_t kind = 0; kind < kIoKindCount; ++kind) {
    if (kinds.has(kind) && kinds_[kind].in_flight > 0) return true;
  }
  return std::any_of(dirty_.begin(), dirty_.end(),
                     [kinds](const Buffer* buffer) { return kinds.has(buffer->tag_.kind); });
}

sim::Status BufferCache::harden(IoKinds kinds) {
  const auto in_flight = [this, kinds] {
    for (uint32_t kind = 0; kind < kIoKindCount; ++kind) {
      if (kinds.has(kind) && kinds_[kind].in_flight > 0) return true;
    }
    return false;
  };
  // What was dirtied while its write is in flight is written once more.
  while (in_flight()) io_done_.wait("metadata in flight");
  std::vector<Buffer*> sorted = dirty_sorted();
  std::erase_if(sorted, [kinds](const Buffer* buffer) { return !kinds.has(buffer->tag_.kind); });
  ZT_TRY(write_sorted(sorted, {}));
  while (in_flight()) io_done_.wait("metadata in flight");
  for (uint32_t kind = 0; kind < kIoKindCount; ++kind) {
    if (kinds.has(kind) && !clock_.covers(kinds_[kind].written_at)) return flush();
  }
  return {};
}

sim::Status BufferCache::discard(Block first, BlockCount count) {
  if (!device_.info().discard) return {};
  ZT_TRY(check_range(first, count));
  sim::Bio bio;
  bio.op = sim::BioOp::kDiscard;
  bio.sector = sim::sector_at(pos(first));
  bio.count = sim::sectors(options_.block_size * count.value());
  const sim::Errno status = sim::submit_and_wait(scheduler_, device_, bio);
  if (status == sim::Errno::kOk) return {};
  return sim::Error(status, "buffer: discard of block " + std::to_string(first.value()));
}

}  // namespace zerotail::buffer
