// The allocation bitmap: a copy in memory for searching, and the buffers that go to disk.
// The copy has pages; one that is all free or all used takes no memory, so that a volume of 2^32
// clusters costs what is mixed on it. Of a large bitmap no buffers are kept after loading.
// Invariant: the copy, the buffers and used() agree; bits past the last cluster stand as used in
// the copy, so that no search returns them.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "zerotail/buffer/buffer_cache.h"
#include "zerotail/exfat/geometry.h"

namespace zerotail::exfat {

class AllocationBitmap {
 public:
  // `runs`: the clusters the bitmap itself stands in, in order, enough for `data_length` bytes.
  // EINVAL: data_length is too short for the volume; EIO.
  [[nodiscard]] static sim::Result<AllocationBitmap> load(buffer::BufferCache& cache,
                                                          const Geometry& geometry,
                                                          std::vector<ClusterRun> runs,
                                                          sim::ByteCount data_length);

  [[nodiscard]] sim::ClusterCount used() const { return used_; }
  [[nodiscard]] sim::ClusterCount available() const { return geometry_->cluster_count() - used_; }
  [[nodiscard]] bool is_used(sim::Cluster cluster) const;  // the cluster must be valid
  // The first free cluster at or after `from`, wrapping around once.
  [[nodiscard]] std::optional<sim::Cluster> find_free(sim::Cluster from) const;
  // How many clusters from `first` on are free, at most `limit`; stops at the end of the heap.
  [[nodiscard]] sim::ClusterCount free_run(sim::Cluster first, sim::ClusterCount limit) const;

  // Pages of the copy that are neither all free nor all used, and so take memory.
  [[nodiscard]] size_t mixed_pages() const;

  // Sets the bits of free clusters. Without `sync` the buffers are left dirty; with it the sector
  // is written and waited for after each bit, as the driver does. An error changes nothing.
  sim::Status set_run(sim::Cluster first, sim::ClusterCount count, bool sync);
  // Clears bits; clusters that are free already are left alone. The buffers are left dirty and
  // added to `touched`, each once, in ascending order. EIO: some bits may be cleared.
  // A part of it, for those who free late: the copy that searches see, or what goes to disk. Until
  // the other part follows, the invariant does not hold for these clusters.
  enum class Clear : uint8_t { kBoth, kCopy, kDisk };
  sim::Status clear_run(sim::Cluster first, sim::ClusterCount count,
                        std::vector<buffer::BufferRef>& touched, Clear what = Clear::kBoth);

 private:
  static constexpr uint64_t kPageWords = 512;
  static constexpr uint64_t kPageBits = kPageWords * 64;
  struct Page {
    std::array<uint64_t, kPageWords> words{};
  };
  AllocationBitmap() = default;
  struct Place {
    buffer::BufferRef buffer;
    uint64_t bits_before;  // the index of the buffer's first bit
  };
  [[nodiscard]] sim::Result<Place> place(uint64_t index) const;
  // The run of clusters that holds a byte of the bitmap, and where that byte is.
  [[nodiscard]] const ClusterRun& run_of(sim::ByteCount offset) const;
  [[nodiscard]] sim::DevPos device_pos(sim::ByteCount offset) const;
  [[nodiscard]] uint64_t word(uint64_t index) const {
    const Page* const page = pages_[index / kPageBits].get();
    return page == nullptr ? 0 : page->words[index % kPageBits / 64];
  }
  [[nodiscard]] bool page_full(uint64_t index) const {
    return page_used_[index / kPageBits] == kPageBits;
  }
  void set_page(size_t page, std::span<const std::byte> bytes);
  [[nodiscard]] std::optional<uint64_t> find_zero(uint64_t from, uint64_t end) const;
  // Changes one bit in the copy and in the buffer.
  void put(Place& at, uint64_t index, bool used);
  void put_copy(uint64_t index, bool used);
  void put_disk(Place& at, uint64_t index, bool used);
  sim::Status read_copy(sim::ByteCount length);
  sim::Status read_piece(sim::ByteCount offset, std::span<std::byte> out) const;

  buffer::BufferCache* cache_ = nullptr;
  const Geometry* geometry_ = nullptr;
  std::vector<ClusterRun> runs_;
  std::vector<std::shared_ptr<Page>> pages_;  // null: all free
  std::vector<uint32_t> page_used_;           // bits that stand as used
  std::shared_ptr<Page> full_page_;           // shared by all that are full
  sim::ClusterCount used_;
};

}  // namespace zerotail::exfat
