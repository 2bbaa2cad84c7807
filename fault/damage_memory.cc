#include "damage_memory.h"

#include <algorithm>

#include "zerotail/fault/crash_model.h"

namespace zerotail::fault {

namespace {

using sim::Digest;
using sim::Sector;

constexpr size_t kSize = sim::kSectorSize.value();

const std::byte* erased_sector() {
  static const std::array<std::byte, kSize> kErased = [] {
    std::array<std::byte, kSize> content{};
    content.fill(std::byte{0xFF});
    return content;
  }();
  return kErased.data();
}

}  // namespace

DamageMemory::Chunk& DamageMemory::chunk_of(Sector sector) {
  const uint64_t number = sector.value() / kChunkSectors;
  if (last_ == nullptr || last_number_ != number) {
    std::unique_ptr<Chunk>& chunk = chunks_[number];
    if (chunk == nullptr) chunk = std::make_unique<Chunk>();
    last_ = chunk.get();
    last_number_ = number;
  }
  return *last_;
}

DamageMemory::Shown DamageMemory::garbage(Sector sector, std::byte fill) {
  Chunk& chunk = chunk_of(sector);
  const uint64_t at = sector.value() % kChunkSectors;
  std::byte* content = chunk.garbage.data() + at * kSize;
  Digests& digests = chunk.of_garbage;
  if ((digests.known >> at & 1U) == 0) {
    fill_garbage(sector, content);
    digests.digest[at] = sim::disk_digest(sector, content, fill);
    digests.known |= uint64_t{1} << at;
  }
  return {content, digests.digest[at]};
}

DamageMemory::Shown DamageMemory::erased(Sector sector, std::byte fill) {
  const uint64_t at = sector.value() % kChunkSectors;
  Digests& digests = chunk_of(sector).of_erased;
  if ((digests.known >> at & 1U) == 0) {
    digests.digest[at] = sim::disk_digest(sector, erased_sector(), fill);
    digests.known |= uint64_t{1} << at;
  }
  return {erased_sector(), digests.digest[at]};
}

Digest DamageMemory::base_digest(const sim::Snapshot& base, Sector sector) {
  const uint64_t at = sector.value() % kChunkSectors;
  Digests& digests = chunk_of(sector).of_base;
  if ((digests.known >> at & 1U) == 0) {
    digests.digest[at] = sim::disk_digest(sector, base.sector(sector), base.fill());
    digests.known |= uint64_t{1} << at;
  }
  return digests.digest[at];
}

void DamageMemory::forget_base() {
  for (auto& [number, chunk] : chunks_) chunk->of_base.known = 0;
}

void DamageMemory::trim() {
  if (chunks_.size() <= kMostChunks) return;
  chunks_.clear();
  last_ = nullptr;
}

}  // namespace zerotail::fault
