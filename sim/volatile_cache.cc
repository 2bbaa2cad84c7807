#include "zerotail/sim/volatile_cache.h"

#include <algorithm>
#include <cstring>

#include "zerotail/sim/assert.h"

namespace zerotail::sim {

VolatileCache::VolatileCache(BlockDevice& medium, const Options& options, Prng prng)
    : medium_(medium), info_(medium.info()), options_(options), prng_(prng) {
  info_.volatile_cache = true;
}

SectorCount VolatileCache::pending() const { return SectorCount{slots_.size()}; }

void VolatileCache::lose_power() {
  index_.clear();
  slots_.clear();
}

void VolatileCache::submit(Bio& bio) {
  Errno outcome = check_range(info_, bio);
  if (outcome == Errno::kOk) {
    switch (bio.op) {
      case BioOp::kRead:
        outcome = read(bio);
        break;
      case BioOp::kWrite:
        outcome = write(bio);
        break;
      case BioOp::kFlush:
        outcome = flush();
        break;
      case BioOp::kDiscard:
        outcome = discard(bio);
        break;
    }
  }
  bio.complete(outcome);
}

Errno VolatileCache::read(Bio& bio) {
  Bio below;
  below.op = BioOp::kRead;
  below.sector = bio.sector;
  below.count = bio.count;
  below.segments = bio.segments;
  below.tag = bio.tag;
  const Errno outcome = pass_down(below);
  if (outcome != Errno::kOk || slots_.empty()) return outcome;
  uint64_t offset = 0;  // of the segment, from the bio's start
  for (const std::span<std::byte>& segment : bio.segments) {
    copy_pending(dev_pos(bio.sector) + ByteCount{offset}, segment);
    offset += segment.size();
  }
  return Errno::kOk;
}

void VolatileCache::copy_pending(DevPos pos, std::span<std::byte> out) const {
  while (!out.empty()) {
    const uint64_t skip = offset_in(pos, kSectorSize).value();
    const size_t length = std::min<size_t>(out.size(), kSectorSize.value() - skip);
    const auto found = index_.find(sector_at(pos).value());
    if (found != index_.end()) {
      std::memcpy(out.data(), slots_[found->second].content.data() + skip, length);
    }
    out = out.subspan(length);
    pos += ByteCount{length};
  }
}

Errno VolatileCache::write(Bio& bio) {
  if (bio.preflush) {
    const Errno outcome = flush();
    if (outcome != Errno::kOk) return outcome;
  }
  if (bio.fua && options_.honour_fua) {
    Bio below;
    below.op = BioOp::kWrite;
    below.sector = bio.sector;
    below.count = bio.count;
    below.segments = bio.segments;
    below.tag = bio.tag;
    const Errno outcome = pass_down(below);
    // What was older is overwritten; it must not come back with the next flush.
    if (outcome == Errno::kOk) forget(bio.sector, bio.count);
    return outcome;
  }
  keep(bio);
  if (options_.evict_one_in > 0 && !slots_.empty() && prng_.chance(1, options_.evict_one_in)) {
    evict(slots_[prng_.below(slots_.size())].sector);
  }
  return Errno::kOk;
}

void VolatileCache::keep(const Bio& bio) {
  DevPos pos = dev_pos(bio.sector);
  for (std::span<const std::byte> data : bio.segments) {
    while (!data.empty()) {
      const uint64_t skip = offset_in(pos, kSectorSize).value();
      const size_t length = std::min<size_t>(data.size(), kSectorSize.value() - skip);
      const uint64_t sector = sector_at(pos).value();
      const auto [place, added] = index_.try_emplace(sector, slots_.size());
      // A segment may end inside a sector; the next one fills the rest of it.
      if (added) slots_.push_back({.sector = Sector{sector}, .content = {}});
      std::memcpy(slots_[place->second].content.data() + skip, data.data(), length);
      data = data.subspan(length);
      pos += ByteCount{length};
    }
  }
}

Errno VolatileCache::discard(Bio& bio) {
  Bio below;
  below.op = BioOp::kDiscard;
  below.sector = bio.sector;
  below.count = bio.count;
  below.tag = bio.tag;
  const Errno outcome = pass_down(below);
  if (outcome == Errno::kOk) forget(bio.sector, bio.count);
  return outcome;
}

Errno VolatileCache::flush() {
  if (!options_.honour_flush) return Errno::kOk;
  std::vector<Slot> all = std::move(slots_);
  slots_.clear();
  index_.clear();
  std::sort(all.begin(), all.end(),
            [](const Slot& a, const Slot& b) { return a.sector < b.sector; });
  for (size_t i = 0; i < all.size();) {
    size_t end = i + 1;
    while (end < all.size() && all[end].sector == all[end - 1].sector + SectorCount{1}) ++end;
    const Errno outcome = write_down({all.data() + i, end - i});
    if (outcome != Errno::kOk) {
      for (; i < all.size(); ++i) add_slot(all[i]);  // what was not written stays pending
      return outcome;
    }
    i = end;
  }
  Bio below;
  below.op = BioOp::kFlush;
  return pass_down(below);
}

// An eviction nobody asked for: when the medium refuses it, the block stays pending. Blocks are
// pending as a whole, because no bio covers a part of one.
void VolatileCache::evict(Sector sector) {
  const SectorCount block = sectors(info_.logical_block);
  const Sector first{round_down(sector.value(), block.value())};
  std::vector<Slot> content;
  for (uint64_t i = 0; i < block.value(); ++i) {
    content.push_back(slots_[index_.at(first.value() + i)]);
  }
  if (write_down(content) == Errno::kOk) forget(first, block);
}

// Writes slots of consecutive sectors to the medium as one bio.
Errno VolatileCache::write_down(std::span<Slot> run) {
  Bio below;
  below.op = BioOp::kWrite;
  below.sector = run.front().sector;
  below.count = SectorCount{run.size()};
  for (Slot& slot : run) below.segments.emplace_back(slot.content);
  return pass_down(below);
}

Errno VolatileCache::pass_down(Bio& below) {
  medium_.submit(below);
  ZT_ASSERT_MSG(below.done, "the medium under a volatile cache completes at once");
  return below.status;
}

void VolatileCache::add_slot(const Slot& slot) {
  index_.emplace(slot.sector.value(), slots_.size());
  slots_.push_back(slot);
}

void VolatileCache::drop_slot(size_t slot) {
  index_.erase(slots_[slot].sector.value());
  if (slot + 1 != slots_.size()) {
    slots_[slot] = slots_.back();
    index_[slots_[slot].sector.value()] = slot;
  }
  slots_.pop_back();
}

void VolatileCache::forget(Sector sector, SectorCount count) {
  if (count.value() > slots_.size()) {  // a large discard: look at what is pending instead
    for (size_t slot = slots_.size(); slot-- > 0;) {
      if (slots_[slot].sector >= sector && slots_[slot].sector < sector + count) drop_slot(slot);
    }
    return;
  }
  for (const Sector end = sector + count; sector < end; sector += SectorCount{1}) {
    const auto found = index_.find(sector.value());
    if (found != index_.end()) drop_slot(found->second);
  }
}

}  // namespace zerotail::sim
