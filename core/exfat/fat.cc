#include "zerotail/exfat/fat.h"

#include <algorithm>
#include <string>

namespace zerotail::exfat {

namespace {
sim::Error broken(sim::Cluster cluster, const std::string& what) {
  return sim::Error(sim::Errno::kIo,
                    "fat: entry of cluster " + std::to_string(cluster.value()) + ": " + what);
}
}  // namespace

buffer::Block Fat::block_of(sim::Cluster cluster) const {
  const sim::DevPos pos = geometry_.fat_start() + sim::ByteCount{cluster.value() * kFatEntrySize};
  return cache_.block_at(pos - sim::offset_in(pos, geometry_.sector_size()));
}

sim::Result<Fat::Place> Fat::place(sim::Cluster cluster) {
  ZT_ASSERT(geometry_.valid(cluster));
  const uint64_t per_sector = geometry_.sector_size().value() / kFatEntrySize;
  const uint64_t first = cluster.value() - cluster.value() % per_sector;
  const buffer::Block block = block_of(cluster);
  if (!last_ || last_->block() != block) {
    ZT_ASSIGN(last_, cache_.get(block, buffer::tag(buffer::IoKind::kFat, first)));
  }
  return Place{&*last_, (cluster.value() - first) * kFatEntrySize};
}

sim::Result<FatEntry> Fat::get(sim::Cluster cluster) {
  ZT_ASSIGN(const Place at, place(cluster));
  const uint32_t value = load<Le32>(at.buffer->data().subspan(at.offset));
  if (value == kFatFree) return FatEntry{.kind = FatEntry::Kind::kFree, .next = {}};
  if (value == kFatBad) return FatEntry{.kind = FatEntry::Kind::kBad, .next = {}};
  if (value > kFatBad) return FatEntry{.kind = FatEntry::Kind::kEnd, .next = {}};
  const sim::Cluster next{value};
  if (!geometry_.valid(next)) {
    return broken(cluster, "points to cluster " + std::to_string(value) + ", outside the heap");
  }
  return FatEntry{.kind = FatEntry::Kind::kNext, .next = next};
}

sim::Result<sim::Cluster> Fat::next(sim::Cluster cluster) {
  ZT_ASSIGN(const FatEntry entry, get(cluster));
  switch (entry.kind) {
    case FatEntry::Kind::kNext:
      return entry.next;
    case FatEntry::Kind::kFree:
      return broken(cluster, "free, inside a chain");
    case FatEntry::Kind::kBad:
      return broken(cluster, "bad, inside a chain");
    case FatEntry::Kind::kEnd:
      return broken(cluster, "the chain ends early");
  }
  return broken(cluster, "unknown");
}

sim::Status Fat::set(sim::Cluster cluster, uint32_t value) {
  ZT_ASSIGN(const Place at, place(cluster));
  const buffer::BufferRef held(*at.buffer);
  store(held->data().subspan(at.offset), Le32(value));
  cache_.mark_dirty(*held);
  return finish(*held);
}

sim::Status Fat::finish(buffer::Buffer& changed) {
  if (sync_) ZT_TRY(cache_.sync(changed));
  if (!geometry_.mirror_fat()) return {};
  const buffer::BlockCount index = changed.block() - cache_.block_at(geometry_.fat_start());
  const buffer::Block block = cache_.block_at(*geometry_.mirror_fat()) + index;
  // The whole block is replaced: what the mirror held before does not matter.
  ZT_ASSIGN(const buffer::BufferRef mirror, cache_.get_zeroed(block, changed.tag()));
  const std::span<std::byte> from = changed.data();
  std::copy(from.begin(), from.end(), mirror->data().begin());
  return sync_ ? cache_.sync(*mirror) : sim::Status{};
}

sim::Status Fat::set_next(sim::Cluster cluster, sim::Cluster next) {
  ZT_ASSERT(geometry_.valid(next));
  return set(cluster, static_cast<uint32_t>(next.value()));
}

sim::Status Fat::set_end(sim::Cluster cluster) { return set(cluster, kFatEndOfChain); }

sim::Status Fat::chain_run(sim::Cluster first, sim::ClusterCount count) {
  buffer::BufferRef held;
  for (uint64_t i = 0; i < count.value(); ++i) {
    const sim::Cluster cluster = first + sim::ClusterCount{i};
    ZT_ASSIGN(const Place at, place(cluster));
    const bool step = sync_ && by_entry_;
    if (held && (step || &*held != at.buffer)) ZT_TRY(finish(*held));
    held = buffer::BufferRef(*at.buffer);
    const uint64_t next = i + 1 < count.value() ? cluster.value() + 1 : kFatEndOfChain;
    store(held->data().subspan(at.offset), Le32(static_cast<uint32_t>(next)));
    cache_.mark_dirty(*held);
  }
  return held ? finish(*held) : sim::Status{};
}

}  // namespace zerotail::exfat
