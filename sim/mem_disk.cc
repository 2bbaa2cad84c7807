#include "zerotail/sim/mem_disk.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "disk_tree.h"
#include "zerotail/sim/assert.h"

namespace zerotail::sim {

namespace {

uint64_t chunk_of(Sector sector) { return sector.value() / kSectorsPerChunk; }

uint64_t offset_in_chunk(Sector sector) {
  return bytes(SectorCount{sector.value() % kSectorsPerChunk}).value();
}

bool is_power_of_two(uint64_t n) { return n != 0 && (n & (n - 1)) == 0; }

}  // namespace

const std::byte* Snapshot::sector(Sector sector) const {
  ZT_ASSERT(sector.value() < capacity_.value());
  const uint64_t offset = offset_in_chunk(sector);
  const DiskChunk* chunk = find_chunk(root_, height_, chunk_of(sector));
  return (chunk == nullptr ? fill_chunk_->data() : chunk->data.data()) + offset;
}

Digest Snapshot::digest(uint64_t* hashed) const {
  if (root_ == nullptr) return {};
  return tree_digest(root_.get(), height_, 0, fill_, hashed);
}

std::vector<Sector> Snapshot::difference(const Snapshot& other) const {
  ZT_ASSERT(capacity_ == other.capacity_ && fill_ == other.fill_);
  std::vector<Sector> sectors_found;
  if (root_ != other.root_) {
    tree_difference(root_.get(), other.root_.get(), height_, 0, fill_chunk_->data(), sectors_found);
  }
  return sectors_found;
}

void Snapshot::for_each_chunk(
    const std::function<void(DevPos, std::span<const std::byte>)>& visit) const {
  const uint64_t size = bytes(capacity_).value();
  visit_chunks(root_.get(), height_, 0, [&](uint64_t index, const DiskChunk& chunk) {
    const uint64_t pos = index * kChunkBytes;
    visit(DevPos{pos}, {chunk.data.data(), std::min<size_t>(kChunkBytes, size - pos)});
  });
}

MemDisk::MemDisk(const Options& options) : discard_fill_(options.discard_fill) {
  ZT_ASSERT(options.capacity > SectorCount{});
  ZT_ASSERT(options.logical_block >= kSectorSize);
  ZT_ASSERT(is_power_of_two(options.logical_block.value()));
  ZT_ASSERT(is_power_of_two(options.physical_block.value()));
  ZT_ASSERT(bytes(options.capacity) % options.logical_block == ByteCount{});
  info_ = {.capacity = options.capacity,
           .logical_block = options.logical_block,
           .physical_block = options.physical_block,
           .volatile_cache = false,
           .fua = true,
           .discard = true};
  state_.capacity_ = options.capacity;
  state_.fill_ = options.fill;
  state_.fill_chunk_ = std::make_shared<const std::vector<std::byte>>(kChunkBytes, options.fill);
  state_.height_ =
      tree_height(round_up(options.capacity.value(), kSectorsPerChunk) / kSectorsPerChunk);
}

MemDisk::MemDisk(const Snapshot& snapshot, const Options& options)
    : MemDisk(Options{.capacity = snapshot.capacity(),
                      .logical_block = options.logical_block,
                      .physical_block = options.physical_block,
                      .fill = snapshot.fill(),
                      .discard_fill = options.discard_fill}) {
  state_ = snapshot;
}

const std::byte* MemDisk::sector(Sector sector) const { return state_.sector(sector); }

void MemDisk::submit(Bio& bio) {
  const Errno outcome = check_range(info_, bio);
  if (outcome == Errno::kOk) {
    switch (bio.op) {
      case BioOp::kRead:
        read_all_segments(bio);
        break;
      case BioOp::kWrite:
        write_all_segments(bio);
        break;
      case BioOp::kDiscard:
        discard(bio.sector, bio.count);
        break;
      case BioOp::kFlush:
        break;  // nothing is volatile here
    }
  }
  bio.complete(outcome);
}

void MemDisk::read_all_segments(const Bio& bio) const {
  DevPos pos = dev_pos(bio.sector);
  for (const std::span<std::byte>& segment : bio.segments) {
    state_.read(pos, segment);
    pos += ByteCount{segment.size()};
  }
}

void MemDisk::write_all_segments(const Bio& bio) {
  DevPos pos = dev_pos(bio.sector);
  for (const std::span<std::byte>& segment : bio.segments) {
    write(pos, segment);
    pos += ByteCount{segment.size()};
  }
}

void MemDisk::write(DevPos pos, std::span<const std::byte> data) {
  const uint64_t size = bytes(info_.capacity).value();
  ZT_ASSERT(data.size() <= size && pos.value() <= size - data.size());
  while (!data.empty()) {
    const uint64_t offset = offset_in(pos, kChunkSize).value();
    const size_t length = std::min<size_t>(data.size(), kChunkBytes - offset);
    std::byte* chunk = chunk_for_write(state_.root_, state_.height_, pos.value() / kChunkBytes,
                                       state_.fill_, length == kChunkBytes);
    std::memcpy(chunk + offset, data.data(), length);
    data = data.subspan(length);
    pos += ByteCount{length};
  }
}

void MemDisk::discard(Sector sector, SectorCount count) {
  ZT_ASSERT(count <= info_.capacity);
  ZT_ASSERT(sector.value() <= (info_.capacity - count).value());
  const Sector end = sector + count;
  while (sector < end) {
    const uint64_t chunk = chunk_of(sector);
    const uint64_t chunks = chunk_of(end) - chunk;  // whole ones, if we stand at a chunk's start
    const uint64_t offset = offset_in_chunk(sector);
    if (offset == 0 && chunks > 0 && discard_fill_ == state_.fill_) {
      drop_chunks(state_.root_, state_.height_, chunk, chunk + chunks);
      sector += SectorCount{chunks * kSectorsPerChunk};
      continue;
    }
    const uint64_t length = std::min(bytes(end - sector).value(), kChunkBytes - offset);
    std::byte* data =
        chunk_for_write(state_.root_, state_.height_, chunk, state_.fill_, length == kChunkBytes);
    std::memset(data + offset, std::to_integer<int>(discard_fill_), length);
    sector += sectors(ByteCount{length});
  }
}

void MemDisk::zero(DevPos pos, ByteCount length) {
  static constexpr std::array<std::byte, kChunkBytes> kZeros{};
  const uint64_t size = bytes(info_.capacity).value();
  ZT_ASSERT(length.value() <= size && pos.value() <= size - length.value());
  const DevPos end = pos + length;
  while (pos < end) {
    const uint64_t offset = offset_in(pos, kChunkSize).value();
    const uint64_t chunk = pos.value() / kChunkBytes;
    const uint64_t chunks = end.value() / kChunkBytes - chunk;
    if (offset == 0 && chunks > 0 && state_.fill_ == std::byte{0}) {
      drop_chunks(state_.root_, state_.height_, chunk, chunk + chunks);
      pos += kChunkSize * chunks;
      continue;
    }
    const ByteCount step{std::min((end - pos).value(), kChunkBytes - offset)};
    write(pos, std::span(kZeros).first(step.value()));
    pos += step;
  }
}

void MemDisk::restore(const Snapshot& snapshot) {
  ZT_ASSERT(snapshot.capacity() == info_.capacity && snapshot.fill() == state_.fill());
  state_ = snapshot;
}

}  // namespace zerotail::sim
