#include "zerotail/exfat/bitmap.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <string>

namespace zerotail::exfat {

namespace {
constexpr uint64_t kWordBits = 64;
constexpr uint64_t kByteBits = 8;

uint64_t index_of(sim::Cluster cluster) { return (cluster - kFirstCluster).value(); }
sim::Cluster cluster_of(uint64_t index) { return kFirstCluster + sim::ClusterCount{index}; }
uint64_t word_bit(uint64_t index) { return uint64_t{1} << (index % kWordBits); }
}  // namespace

// ---- loading

sim::Result<AllocationBitmap> AllocationBitmap::load(buffer::BufferCache& cache,
                                                     const Geometry& geometry,
                                                     std::vector<ClusterRun> runs,
                                                     sim::ByteCount data_length) {
  const uint64_t count = geometry.cluster_count().value();
  const sim::ByteCount needed{(count + kByteBits - 1) / kByteBits};
  if (data_length < needed) {
    return sim::Error(sim::Errno::kInval, "bitmap: DataLength is " +
                                              std::to_string(data_length.value()) +
                                              ", needed are " + std::to_string(needed.value()));
  }
  AllocationBitmap bitmap;
  bitmap.cache_ = &cache;
  bitmap.geometry_ = &geometry;
  bitmap.runs_ = std::move(runs);
  bitmap.words_.assign((count + kWordBits - 1) / kWordBits, 0);
  ZT_TRY(bitmap.read_copy(needed));
  // What the last word has beyond the heap is never free, and never counted.
  const uint64_t rest = count % kWordBits;
  if (rest != 0) bitmap.words_.back() &= ~uint64_t{0} >> (kWordBits - rest);
  uint64_t used = 0;
  for (const uint64_t word : bitmap.words_) used += static_cast<uint64_t>(std::popcount(word));
  bitmap.used_ = sim::ClusterCount{used};
  if (rest != 0) bitmap.words_.back() |= ~uint64_t{0} << rest;
  return bitmap;
}

sim::Status AllocationBitmap::read_copy(sim::ByteCount length) {
  const uint64_t block_size = cache_->block_size().value();
  for (const ClusterRun& run : runs_) {
    const uint64_t done = geometry_->file_pos(run.file_cluster).value();
    if (done >= length.value()) break;
    const uint64_t bytes = std::min(length.value() - done, geometry_->bytes(run.count).value());
    const buffer::Block first = cache_->block_at(geometry_->cluster_pos(run.first));
    const buffer::BlockCount blocks{sim::round_up(bytes, block_size) / block_size};
    ZT_TRY(
        cache_->read_run(first, blocks, buffer::tag(buffer::IoKind::kBitmap, run.first.value())));
  }
  for (uint64_t done = 0; done < length.value(); done += block_size) {
    ZT_ASSIGN(const Place at, place(done * kByteBits));
    const std::span<const std::byte> data = at.buffer->data();
    const uint64_t bytes = std::min(length.value() - done, block_size);
    for (uint64_t i = 0; i < bytes; i += sizeof(uint64_t)) {
      // The last bytes of the bitmap may be fewer than a word.
      std::array<std::byte, sizeof(uint64_t)> raw{};
      std::memcpy(raw.data(), data.data() + i, std::min<uint64_t>(raw.size(), bytes - i));
      words_[(done + i) / sizeof(uint64_t)] = exfat::load<Le64>(raw);
    }
  }
  return {};
}

// ---- searching

bool AllocationBitmap::is_used(sim::Cluster cluster) const {
  ZT_ASSERT(geometry_->valid(cluster));
  const uint64_t index = index_of(cluster);
  return (words_[index / kWordBits] & word_bit(index)) != 0;
}

std::optional<uint64_t> AllocationBitmap::find_zero(uint64_t from, uint64_t end) const {
  for (uint64_t index = from; index < end;) {
    const uint64_t shift = index % kWordBits;
    const uint64_t free = ~words_[index / kWordBits] >> shift;
    if (free != 0) {
      index += static_cast<uint64_t>(std::countr_zero(free));
      return index < end ? std::optional<uint64_t>(index) : std::nullopt;
    }
    index += kWordBits - shift;
  }
  return std::nullopt;
}

std::optional<sim::Cluster> AllocationBitmap::find_free(sim::Cluster from) const {
  ZT_ASSERT(geometry_->valid(from));
  const uint64_t start = index_of(from);
  std::optional<uint64_t> found = find_zero(start, geometry_->cluster_count().value());
  if (!found) found = find_zero(0, start);
  if (!found) return std::nullopt;
  return cluster_of(*found);
}

sim::ClusterCount AllocationBitmap::free_run(sim::Cluster first, sim::ClusterCount limit) const {
  const uint64_t start = index_of(first);
  const uint64_t end = std::min(geometry_->cluster_count().value() - start, limit.value()) + start;
  for (uint64_t index = start; index < end;) {
    const uint64_t shift = index % kWordBits;
    const uint64_t used = words_[index / kWordBits] >> shift;
    if (used != 0) {
      index += static_cast<uint64_t>(std::countr_zero(used));
      return sim::ClusterCount{std::min(index, end) - start};
    }
    index += kWordBits - shift;
  }
  return sim::ClusterCount{end - start};
}

// ---- changing

sim::Result<AllocationBitmap::Place> AllocationBitmap::place(uint64_t index) const {
  const sim::ByteCount offset{index / kByteBits};
  const FileCluster cluster = geometry_->file_cluster(sim::FilePos{} + offset);
  const auto run = std::find_if(runs_.begin(), runs_.end(), [cluster](const ClusterRun& candidate) {
    return cluster < candidate.end();
  });
  ZT_ASSERT(run != runs_.end());
  const sim::Cluster where = run->first + (cluster - run->file_cluster);
  const sim::ByteCount in_cluster = geometry_->offset_in_cluster(sim::FilePos{} + offset);
  const sim::ByteCount in_block = in_cluster % cache_->block_size();
  const sim::DevPos pos = geometry_->cluster_pos(where) + (in_cluster - in_block);
  ZT_ASSIGN(
      buffer::BufferRef buffer,
      cache_->get(cache_->block_at(pos), buffer::tag(buffer::IoKind::kBitmap, run->first.value())));
  return Place{std::move(buffer), (offset - in_block).value() * kByteBits};
}

void AllocationBitmap::put(Place& at, uint64_t index, bool used) {
  put_disk(at, index, used);
  put_copy(index, used);
}

void AllocationBitmap::put_copy(uint64_t index, bool used) {
  uint64_t& word = words_[index / kWordBits];
  word = used ? word | word_bit(index) : word & ~word_bit(index);
}

void AllocationBitmap::put_disk(Place& at, uint64_t index, bool used) {
  const uint64_t bit = index - at.bits_before;
  const auto mask = static_cast<std::byte>(1U << (bit % kByteBits));
  std::byte& byte = at.buffer->data()[bit / kByteBits];
  byte = used ? byte | mask : byte & ~mask;
  cache_->mark_dirty(*at.buffer);
}

sim::Status AllocationBitmap::set_run(sim::Cluster first, sim::ClusterCount count, bool sync) {
  const uint64_t start = index_of(first);
  const uint64_t end = start + count.value();
  const uint64_t per_block = cache_->block_size().value() * kByteBits;
  // All buffers are there before the first bit changes: the rest can only fail in a write.
  std::vector<Place> places;
  for (uint64_t index = start; index < end; index += per_block - index % per_block) {
    ZT_ASSIGN(Place at, place(index));
    places.push_back(std::move(at));
  }
  for (uint64_t index = start; index < end; ++index) {
    Place& at = places[index / per_block - start / per_block];
    ZT_ASSERT_MSG((words_[index / kWordBits] & word_bit(index)) == 0, "the cluster is in use");
    put(at, index, true);
    if (!sync) continue;
    const sim::Status written = cache_->sync(*at.buffer);
    if (written.ok()) continue;
    for (uint64_t undone = start; undone <= index; ++undone) {
      put(places[undone / per_block - start / per_block], undone, false);
    }
    return written;
  }
  used_ += count;
  return {};
}

sim::Status AllocationBitmap::clear_run(sim::Cluster first, sim::ClusterCount count,
                                        std::vector<buffer::BufferRef>& touched, Clear what) {
  const uint64_t start = index_of(first);
  const uint64_t end = start + count.value();
  const uint64_t per_block = cache_->block_size().value() * kByteBits;
  for (uint64_t index = start; index < end;) {
    ZT_ASSIGN(Place at, place(index));
    const uint64_t stop = std::min(end, index - index % per_block + per_block);
    for (; index < stop; ++index) {
      const bool was_used = (words_[index / kWordBits] & word_bit(index)) != 0;
      if (what == Clear::kDisk || (what == Clear::kBoth && was_used)) put_disk(at, index, false);
      if (what == Clear::kDisk || !was_used) continue;
      put_copy(index, false);
      used_ -= sim::ClusterCount{1};
    }
    const auto known =
        std::find_if(touched.begin(), touched.end(),
                     [&at](const buffer::BufferRef& one) { return &*one == &*at.buffer; });
    if (known == touched.end()) touched.push_back(std::move(at.buffer));
  }
  return {};
}

}  // namespace zerotail::exfat
