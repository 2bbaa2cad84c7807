#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "damage_memory.h"
#include "tear_space.h"
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

CrashImage::CrashImage(const CrashModel& model)
    : model_(model), damage_(std::make_unique<DamageMemory>()) {
  const CrashPoint& start = model.points().front();
  table_.resize(std::min(model.segment(start).base.capacity(), kTableLimit).value());
  enter(model.segment(start));
  state_.point = start.index;
}

CrashImage::~CrashImage() = default;

SectorCount CrashImage::capacity() const { return segment_->base.capacity(); }

void CrashImage::set(const CrashState& state) {
  ZT_ASSERT(state.point < model_.points().size());
  const Segment& segment = model_.segment(model_.points()[state.point]);
  if (&segment != segment_) enter(segment);
  ZT_ASSERT(state.picks.size() == segment.units.size());
  if (!torn_.empty()) lift_tear();
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
  state_.tear = state.tear;
  if (state.tear) lay_tear();
}

void CrashImage::pick(uint32_t unit, uint16_t version) {
  ZT_ASSERT(unit < state_.picks.size());
  if (!torn_.empty()) lift_tear();
  apply(unit, version);
  if (segment_->overlapping) apply_overlapping();
  if (state_.tear) lay_tear();
}

// Leaves the old segment behind and shows the new one's base.
void CrashImage::enter(const Segment& segment) {
  if (segment_ != nullptr) {
    if (!torn_.empty()) lift_tear();
    state_.tear = {};
    for (size_t unit = 0; unit < state_.picks.size(); ++unit) {
      if (state_.picks[unit] != 0) remove_unit(segment_->units[unit]);
    }
  }
  segment_ = &segment;
  state_.picks.assign(segment.units.size(), 0);
  damage_->forget_base();
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

void CrashImage::lay_tear() {
  damage_->trim();
  const TearSpace space(model_.options(), capacity());
  const TearSpace::Extent torn = space.extent(*segment_, state_.tear);
  for (sim::DevPos pos = torn.begin; pos < torn.end;) {
    const Sector s = sim::sector_at(pos);
    const sim::DevPos end = std::min(torn.end, sim::dev_pos(s + SectorCount{1}));
    const size_t begin = (pos - sim::dev_pos(s)).value();
    const bool whole = end - pos == sim::kSectorSize;
    if (whole && state_.tear.fill != Tear::Fill::kVersion) {
      damage_sector(s);
    } else {
      tear_sector(s, begin, begin + (end - pos).value());
    }
    pos = end;
  }
  changed_known_ = false;
}

// A whole sector shows garbage, or nothing.
void CrashImage::damage_sector(Sector s) {
  const std::byte fill = segment_->base.fill();
  const std::byte* before = overlay(s);
  const DamageMemory::Shown shown = state_.tear.fill == Tear::Fill::kErased
                                        ? damage_->erased(s, fill)
                                        : damage_->garbage(s, fill);
  Torn torn{.sector = s, .before = before};
  torn.delta = shown.digest - (before == nullptr ? damage_->base_digest(segment_->base, s)
                                                 : sim::disk_digest(s, before, fill));
  torn.in_unit = !segment_->units_of(s).empty();
  digest_ += torn.delta;
  put(s, shown.content);
  torn_.push_back(std::move(torn));
}

// Bytes [begin, end) of a sector show what the tear says, the rest what the picks say.
void CrashImage::tear_sector(Sector s, size_t begin, size_t end) {
  const size_t size = sim::kSectorSize.value();
  Torn torn{.sector = s, .before = overlay(s), .content = std::make_unique<std::byte[]>(size)};
  const std::byte* outside = sector(s);
  std::array<std::byte, sim::kSectorSize.value()> inside{};
  switch (state_.tear.fill) {
    case Tear::Fill::kNone:
      break;
    case Tear::Fill::kVersion: {
      const Unit& unit = segment_->units[state_.tear.place];
      std::memcpy(inside.data(), segment_->content(unit, state_.tear.version, s), size);
      break;
    }
    case Tear::Fill::kGarbage:
      fill_garbage(s, inside.data());
      break;
    case Tear::Fill::kErased:
      inside.fill(std::byte{0xFF});
      break;
  }
  std::memcpy(torn.content.get(), outside, size);
  std::memcpy(torn.content.get() + begin, inside.data() + begin, end - begin);
  const std::byte fill = segment_->base.fill();
  torn.delta = sim::disk_digest(s, torn.content.get(), fill) - sim::disk_digest(s, outside, fill);
  torn.in_unit = !segment_->units_of(s).empty();
  digest_ += torn.delta;
  put(s, torn.content.get());
  torn_.push_back(std::move(torn));
}

void CrashImage::lift_tear() {
  for (const Torn& torn : torn_) {
    put(torn.sector, torn.before);
    digest_ -= torn.delta;
  }
  torn_.clear();
  changed_known_ = false;
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
  if (!torn_.empty()) {
    const size_t picked = changed_.size();
    // A damaged block reaches beyond the units that were picked.
    for (const Torn& torn : torn_) {
      if (!same_sector(sector(torn.sector), segment_->base.sector(torn.sector))) {
        changed_.push_back(torn.sector);
      }
    }
    std::inplace_merge(changed_.begin(), changed_.begin() + static_cast<std::ptrdiff_t>(picked),
                       changed_.end());
    changed_.erase(std::unique(changed_.begin(), changed_.end()), changed_.end());
  }
  changed_known_ = true;
  return changed_;
}

std::vector<CrashImage::Torn>::const_iterator CrashImage::first_torn(Sector begin) const {
  return std::partition_point(torn_.begin(), torn_.end(),
                              [begin](const Torn& torn) { return torn.sector < begin; });
}

sim::Digest CrashImage::delta(uint32_t unit) const {
  const uint16_t pick = state_.picks[unit];
  const Unit& place = segment_->units[unit];
  sim::Digest sum;
  if (pick != 0) sum = segment_->versions[place.versions[pick - 1U]].delta;
  for (auto torn = first_torn(place.sector);
       torn != torn_.end() && torn->sector < place.sector + place.count; ++torn) {
    sum += torn->delta;
  }
  return sum;
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
  for (auto torn = first_torn(begin); torn != torn_.end() && torn->sector < end; ++torn) {
    if (!torn->in_unit) sum += torn->delta;
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
