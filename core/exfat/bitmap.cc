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

constexpr uint64_t kPageBytes = 4096;
// A larger bitmap is read past the buffers, a piece at a time.
constexpr sim::ByteCount kKeptBytes = sim::mib(1);
constexpr sim::ByteCount kPieceBytes = sim::mib(1);
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
  bitmap.full_page_ = std::make_shared<Page>();
  bitmap.full_page_->words.fill(~uint64_t{0});
  const size_t pages = (count + kPageBits - 1) / kPageBits;
  bitmap.pages_.resize(pages);
  bitmap.page_used_.assign(pages, 0);
  ZT_TRY(bitmap.read_copy(needed));
  uint64_t used = 0;
  for (const uint32_t in_page : bitmap.page_used_) used += in_page;
  // What the last page has beyond the heap was taken as used; it is never counted.
  bitmap.used_ = sim::ClusterCount{used - (pages * kPageBits - count)};
  return bitmap;
}

// Takes over one page of the copy; what `bytes` has beyond the heap does not matter.
void AllocationBitmap::set_page(size_t page, std::span<const std::byte> bytes) {
  const uint64_t first = page * kPageBits;
  const uint64_t bits = std::min(geometry_->cluster_count().value() - first, kPageBits);
  // Most of a huge bitmap is nothing: no page is built only to be thrown away.
  if (bits == kPageBits && bytes[0] == std::byte{0} &&
      std::memcmp(bytes.data(), bytes.data() + 1, bytes.size() - 1) == 0) {
    return;
  }
  auto made = std::make_shared<Page>();
  uint64_t used = 0;
  for (uint64_t i = 0; i < kPageWords; ++i) {
    const uint64_t at = i * sizeof(uint64_t);
    std::array<std::byte, sizeof(uint64_t)> raw{};  // the last bytes may be fewer than a word
    if (at < bytes.size()) {
      std::memcpy(raw.data(), bytes.data() + at, std::min(raw.size(), bytes.size() - at));
    }
    uint64_t word = exfat::load<Le64>(raw);
    const uint64_t before = i * kWordBits;
    if (before >= bits) {
      word = ~uint64_t{0};
    } else if (bits - before < kWordBits) {
      word |= ~uint64_t{0} << (bits - before);
    }
    made->words[i] = word;
    used += static_cast<uint64_t>(std::popcount(word));
  }
  page_used_[page] = static_cast<uint32_t>(used);
  pages_[page] = used == kPageBits ? full_page_ : used == 0 ? nullptr : std::move(made);
}

const ClusterRun& AllocationBitmap::run_of(sim::ByteCount offset) const {
  const FileCluster cluster = geometry_->file_cluster(sim::FilePos{} + offset);
  const auto run = std::partition_point(
      runs_.begin(), runs_.end(),
      [cluster](const ClusterRun& candidate) { return candidate.end() <= cluster; });
  ZT_ASSERT(run != runs_.end());
  return *run;
}

sim::DevPos AllocationBitmap::device_pos(sim::ByteCount offset) const {
  const sim::FilePos pos = sim::FilePos{} + offset;
  const ClusterRun& run = run_of(offset);
  const sim::Cluster where = run.first + (geometry_->file_cluster(pos) - run.file_cluster);
  return geometry_->cluster_pos(where) + geometry_->offset_in_cluster(pos);
}

// Whole blocks of the bitmap, from the device itself: nothing is dirty while a volume is mounted.
sim::Status AllocationBitmap::read_piece(sim::ByteCount offset, std::span<std::byte> out) const {
  while (!out.empty()) {
    const ClusterRun& run = run_of(offset);
    const sim::ByteCount rest = geometry_->file_pos(run.end()) - (sim::FilePos{} + offset);
    const size_t length = std::min<uint64_t>(out.size(), rest.value());
    ZT_TRY(cache_->read_uncached(cache_->block_at(device_pos(offset)), out.first(length),
                                 buffer::tag(buffer::IoKind::kBitmap, run.first.value())));
    out = out.subspan(length);
    offset += sim::ByteCount{length};
  }
  return {};
}

sim::Status AllocationBitmap::read_copy(sim::ByteCount length) {
  const sim::ByteCount block = cache_->block_size();
  if (length > kKeptBytes) {
    std::vector<std::byte> piece(kPieceBytes.value());
    for (sim::ByteCount done; done < length; done += kPieceBytes) {
      const sim::ByteCount wanted = std::min(length - done, kPieceBytes);
      const std::span<std::byte> bytes(piece.data(), sim::round_up(wanted, block).value());
      ZT_TRY(read_piece(done, bytes));
      for (uint64_t at = 0; at < wanted.value(); at += kPageBytes) {
        const uint64_t part = std::min(kPageBytes, wanted.value() - at);
        set_page((done.value() + at) / kPageBytes, bytes.subspan(at, part));
      }
    }
    return {};
  }
  for (const ClusterRun& run : runs_) {
    const sim::ByteCount done = geometry_->file_pos(run.file_cluster) - sim::FilePos{};
    if (done >= length) break;
    const sim::ByteCount wanted = std::min(length - done, geometry_->bytes(run.count));
    const buffer::Block first = cache_->block_at(geometry_->cluster_pos(run.first));
    const buffer::BlockCount blocks{sim::round_up(wanted, block) / block};
    ZT_TRY(
        cache_->read_run(first, blocks, buffer::tag(buffer::IoKind::kBitmap, run.first.value())));
  }
  std::vector<std::byte> copy(length.value());
  for (uint64_t done = 0; done < copy.size(); done += block.value()) {
    ZT_ASSIGN(const Place at, place(done * kByteBits));
    const size_t part = std::min<uint64_t>(copy.size() - done, block.value());
    std::memcpy(copy.data() + done, at.buffer->data().data(), part);
  }
  for (size_t page = 0; page < pages_.size(); ++page) {
    const uint64_t at = page * kPageBytes;
    set_page(page, std::span(copy).subspan(at, std::min(kPageBytes, copy.size() - at)));
  }
  return {};
}

// ---- searching

bool AllocationBitmap::is_used(sim::Cluster cluster) const {
  ZT_ASSERT(geometry_->valid(cluster));
  const uint64_t index = index_of(cluster);
  return (word(index) & word_bit(index)) != 0;
}

std::optional<uint64_t> AllocationBitmap::find_zero(uint64_t from, uint64_t end) const {
  for (uint64_t index = from; index < end;) {
    if (page_full(index)) {
      index += kPageBits - index % kPageBits;
      continue;
    }
    const uint64_t shift = index % kWordBits;
    const uint64_t free = ~word(index) >> shift;
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
    if (pages_[index / kPageBits] == nullptr) {
      index += kPageBits - index % kPageBits;
      continue;
    }
    const uint64_t shift = index % kWordBits;
    const uint64_t used = word(index) >> shift;
    if (used != 0) {
      index += static_cast<uint64_t>(std::countr_zero(used));
      return sim::ClusterCount{std::min(index, end) - start};
    }
    index += kWordBits - shift;
  }
  return sim::ClusterCount{end - start};
}

size_t AllocationBitmap::mixed_pages() const {
  return static_cast<size_t>(std::count_if(
      pages_.begin(), pages_.end(),
      [this](const std::shared_ptr<Page>& page) { return page != nullptr && page != full_page_; }));
}

// ---- changing

sim::Result<AllocationBitmap::Place> AllocationBitmap::place(uint64_t index) const {
  const sim::ByteCount offset{index / kByteBits};
  const sim::ByteCount in_block = offset % cache_->block_size();
  const sim::DevPos pos = device_pos(offset - in_block);
  const sim::IoTag tag = buffer::tag(buffer::IoKind::kBitmap, run_of(offset).first.value());
  ZT_ASSIGN(buffer::BufferRef buffer, cache_->get(cache_->block_at(pos), tag));
  return Place{std::move(buffer), (offset - in_block).value() * kByteBits};
}

void AllocationBitmap::put_copy(uint64_t index, bool used) {
  std::shared_ptr<Page>& page = pages_[index / kPageBits];
  uint32_t& count = page_used_[index / kPageBits];
  if (page == nullptr) {
    page = std::make_shared<Page>();
  } else if (page == full_page_) {
    page = std::make_shared<Page>(*full_page_);
  }
  uint64_t& word = page->words[index % kPageBits / kWordBits];
  if (((word & word_bit(index)) != 0) == used) return;
  word ^= word_bit(index);
  count = used ? count + 1 : count - 1;
  if (count == kPageBits) page = full_page_;
  if (count == 0) page = nullptr;
}

void AllocationBitmap::put(Place& at, uint64_t index, bool used) {
  put_disk(at, index, used);
  put_copy(index, used);
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
    ZT_ASSERT_MSG((word(index) & word_bit(index)) == 0, "the cluster is in use");
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
      const bool was_used = (word(index) & word_bit(index)) != 0;
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
