#include <algorithm>
#include <cstring>
#include <utility>

#include "zerotail/fault/crash_model.h"
#include "zerotail/sim/assert.h"

namespace zerotail::fault {

namespace {

using sim::Sector;
using sim::SectorCount;

// Disks up to this size have a table entry a sector; larger ones are looked up by hash beyond it.
constexpr SectorCount kTableLimit = sim::sectors(sim::gib(1));

const std::byte* sector_of(const Version& version, uint64_t i) {
  return version.data + sim::bytes(SectorCount{i}).value();
}

bool same_sector(const std::byte* a, const std::byte* b) {
  return a == b || std::memcmp(a, b, sim::kSectorSize.value()) == 0;
}

}  // namespace

CrashImage::CrashImage(const CrashModel& model) : model_(model) {
  const CrashPoint& start = model.points().front();
  table_.resize(std::min(model.segment(start).base.capacity(), kTableLimit).value());
  enter(model.segment(start));
  state_.point = start.index;
}

SectorCount CrashImage::capacity() const { return segment_->base.capacity(); }

void CrashImage::set(const CrashState& state) {
  ZT_ASSERT(state.point < model_.points().size());
  const Segment& segment = model_.segment(model_.points()[state.point]);
  if (&segment != segment_) enter(segment);
  ZT_ASSERT(state.picks.size() == segment.units.size());
  state_.point = state.point;
  // Runs of equal picks are skipped a block at a time.
  constexpr size_t kBlock = 32;
  const size_t count = state.picks.size();
  for (size_t begin = 0; begin < count; begin += kBlock) {
    const size_t end = std::min(begin + kBlock, count);
    if (std::memcmp(&state.picks[begin], &state_.picks[begin],
                    (end - begin) * sizeof(state.picks[0])) == 0) {
      continue;
    }
    for (size_t unit = begin; unit < end; ++unit) {
      apply(static_cast<uint32_t>(unit), state.picks[unit]);
    }
  }
  if (segment.overlapping) apply_overlapping();
}

void CrashImage::pick(uint32_t unit, uint16_t version) {
  ZT_ASSERT(unit < state_.picks.size());
  apply(unit, version);
  if (segment_->overlapping) apply_overlapping();
}

// Leaves the old segment behind and shows the new one's base.
void CrashImage::enter(const Segment& segment) {
  if (segment_ != nullptr) {
    for (size_t unit = 0; unit < state_.picks.size(); ++unit) {
      if (state_.picks[unit] != 0) remove_unit(segment_->units[unit]);
    }
  }
  segment_ = &segment;
  state_.picks.assign(segment.units.size(), 0);
  base_digest_ = segment.base.digest();
  digest_ = base_digest_;
  changed_known_ = false;
}

void CrashImage::apply(uint32_t index, uint16_t picked) {
  const uint16_t old = state_.picks[index];
  if (old == picked) return;
  const Unit& unit = segment_->units[index];
  ZT_ASSERT(picked <= unit.versions.size());
  state_.picks[index] = picked;
  changed_known_ = false;
  if (segment_->overlapping) {
    if (old != 0) remove_unit(unit);
    return;  // what is picked is laid down again, all of it
  }
  if (old != 0) digest_ -= segment_->versions[unit.versions[old - 1U]].delta;
  if (picked == 0) return remove_unit(unit);
  const Version& version = segment_->versions[unit.versions[picked - 1U]];
  put_version(version);
  digest_ += version.delta;
}

// Overlapping units: the picked versions in order of submission, so that the newest lies on top.
void CrashImage::apply_overlapping() {
  std::vector<uint32_t> picked;
  for (size_t unit = 0; unit < state_.picks.size(); ++unit) {
    const uint16_t pick = state_.picks[unit];
    if (pick != 0) picked.push_back(segment_->units[unit].versions[pick - 1U]);
  }
  std::sort(picked.begin(), picked.end());
  for (const uint32_t version : picked) put_version(segment_->versions[version]);
  digest_ = base_digest_;
  const std::byte fill = segment_->base.fill();
  changed_known_ = false;
  for (const Sector s : changed()) {
    digest_ += sim::disk_digest(s, sector(s), fill);
    digest_ -= sim::disk_digest(s, segment_->base.sector(s), fill);
  }
}

void CrashImage::put(Sector sector, const std::byte* content) {
  if (sector.value() < table_.size()) {
    table_[sector.value()] = content;
  } else if (content == nullptr) {
    sparse_.erase(sector.value());
  } else {
    sparse_[sector.value()] = content;
  }
}

void CrashImage::put_version(const Version& version) {
  for (uint64_t i = 0; i < version.count.value(); ++i) {
    put(version.sector + SectorCount{i}, sector_of(version, i));
  }
}

void CrashImage::remove_unit(const Unit& unit) {
  for (uint64_t i = 0; i < unit.count.value(); ++i) put(unit.sector + SectorCount{i}, nullptr);
}

std::span<const Sector> CrashImage::changed() const {
  if (changed_known_) return changed_;
  changed_.clear();
  Sector next;  // units may overlap: nothing is looked at twice
  for (size_t index = 0; index < state_.picks.size(); ++index) {
    if (state_.picks[index] == 0) continue;
    const Unit& unit = segment_->units[index];
    for (Sector s = std::max(next, unit.sector); s < unit.sector + unit.count;
         s += SectorCount{1}) {
      if (!same_sector(sector(s), segment_->base.sector(s))) changed_.push_back(s);
      next = s + SectorCount{1};
    }
  }
  changed_known_ = true;
  return changed_;
}

sim::Digest CrashImage::delta(uint32_t unit) const {
  const uint16_t pick = state_.picks[unit];
  if (pick == 0) return {};
  return segment_->versions[segment_->units[unit].versions[pick - 1U]].delta;
}

sim::Digest CrashImage::delta(Sector begin, Sector end) const {
  const std::vector<Unit>& units = segment_->units;
  auto unit = units.begin();
  if (!segment_->overlapping) {
    // The first unit that ends behind `begin`; units that do not overlap are ordered by their end.
    unit = std::partition_point(units.begin(), units.end(),
                                [begin](const Unit& u) { return u.sector + u.count <= begin; });
  }
  sim::Digest sum;
  for (; unit != units.end() && unit->sector < end; ++unit) {
    if (unit->sector + unit->count <= begin) continue;
    sum += delta(static_cast<uint32_t>(unit - units.begin()));
  }
  return sum;
}

sim::Snapshot CrashImage::materialise() const {
  sim::MemDisk disk(segment_->base, {});
  for (const Sector s : changed()) {
    disk.write(sim::dev_pos(s), {sector(s), sim::kSectorSize.value()});
  }
  return disk.snapshot();
}

}  // namespace zerotail::fault
