#include "zerotail/fault/crash_model.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <utility>

#include "crash_timeline.h"
#include "tear_space.h"
#include "zerotail/sim/assert.h"
#include "zerotail/sim/prng.h"

namespace zerotail::fault {

namespace {

// Products of pick counts stop growing here. Above any limit a caller can ask for, even after
// division by the largest number of versions of a unit (see state_count), and far enough below
// 2^128 that the number of tears as one more factor does not overflow.
constexpr unsigned kSaturationBits = 82;
__extension__ using Wide = unsigned __int128;
constexpr Wide kSaturated = Wide{1} << kSaturationBits;

bool is_power_of_two(uint64_t n) { return n != 0 && (n & (n - 1)) == 0; }

}  // namespace

uint16_t versions_below(const Unit& unit, uint32_t limit) {
  const auto end = std::lower_bound(unit.versions.begin(), unit.versions.end(), limit);
  return static_cast<uint16_t>(end - unit.versions.begin());
}

int32_t Segment::unit_of(sim::Sector sector) const {
  if (overlapping) {
    for (size_t i = 0; i < units.size() && units[i].sector <= sector; ++i) {
      if (sector < units[i].sector + units[i].count) return static_cast<int32_t>(i);
    }
    return -1;
  }
  const auto after = std::upper_bound(units.begin(), units.end(), sector,
                                      [](sim::Sector s, const Unit& u) { return s < u.sector; });
  if (after == units.begin()) return -1;
  const Unit& unit = *(after - 1);
  const auto index = static_cast<int32_t>(after - units.begin()) - 1;
  return sector < unit.sector + unit.count ? index : -1;
}

std::vector<int32_t> Segment::units_of(sim::Sector sector) const {
  if (!overlapping) {
    const int32_t unit = unit_of(sector);
    return unit < 0 ? std::vector<int32_t>{} : std::vector<int32_t>{unit};
  }
  std::vector<int32_t> found;
  for (size_t i = 0; i < units.size() && units[i].sector <= sector; ++i) {
    if (sector < units[i].sector + units[i].count) found.push_back(static_cast<int32_t>(i));
  }
  return found;
}

const std::byte* Segment::content(const Unit& unit, uint16_t pick, sim::Sector sector) const {
  if (pick == 0) return base.sector(sector);
  return versions[unit.versions[pick - 1U]].data + sim::bytes(sector - unit.sector).value();
}

void fill_garbage(sim::Sector sector, std::byte* content) {
  // The seed keeps garbage apart from the data patterns of traces, which are splitmix64, too.
  uint64_t word = sim::splitmix64(sector.value() ^ 0x6761726261676521);
  for (size_t i = 0; i < sim::kSectorSize.value(); i += sizeof(word)) {
    word = sim::splitmix64(word);
    std::memcpy(content + i, &word, sizeof(word));
  }
}

CrashModel::CrashModel(const sim::IoLog& log, sim::Snapshot base, const CrashModelOptions& options,
                       std::span<const uint32_t> wanted_marks)
    : options_(options), records_(&log.records()) {
  // Where nothing overtakes, a discard takes its place in the order and does what it says.
  if (options.ordered) options_.discard_any = false;
  ZT_ASSERT(is_power_of_two(options.atomic_unit.value()));
  ZT_ASSERT(!(options.ordered && options.atomic_bios));
  ZT_ASSERT(options.atomic_unit >= sim::kSectorSize);
  // Overlapping units cannot be torn, and what is torn is a unit or a block, not both.
  const bool tears = options.tear_word != sim::ByteCount{};
  const bool damages = options.damage_block != sim::ByteCount{};
  ZT_ASSERT(!(tears && damages));
  ZT_ASSERT(!((tears || damages) && (options.atomic_bios || options.ordered)));
  ZT_ASSERT(!tears || sim::kSectorSize % options.tear_word == sim::ByteCount{});
  if (damages) {
    ZT_ASSERT(is_power_of_two(options.damage_block.value()));
    ZT_ASSERT(options.damage_block >= options.atomic_unit);
    ZT_ASSERT(options.damage_grain >= sim::kSectorSize);
    ZT_ASSERT(options.damage_block % options.damage_grain == sim::ByteCount{});
  }
  TimelineBuilder(*this, log, std::move(base), wanted_marks).build();
}

const std::byte* CrashModel::add_garbage(sim::Sector sector, sim::SectorCount count) {
  contents_.push_back(std::make_unique<std::byte[]>(sim::bytes(count).value()));
  std::byte* content = contents_.back().get();
  for (uint64_t i = 0; i < count.value(); ++i) {
    const sim::SectorCount at{i};
    fill_garbage(sector + at, content + sim::bytes(at).value());
  }
  return content;
}

double CrashModel::states_log2(const CrashPoint& point) const { return point_log2_[point.index]; }

double CrashModel::states_log2() const {
  const double largest = *std::max_element(point_log2_.begin(), point_log2_.end());
  double sum = 0;  // in units of the largest, which may not fit a double itself
  for (const double log2 : point_log2_) sum += std::exp2(log2 - largest);
  return largest + std::log2(sum);
}

std::optional<uint64_t> CrashModel::state_count(const CrashPoint& point, uint64_t limit) const {
  if (point.kind == PointKind::kStart)
    return limit >= 1 ? std::optional<uint64_t>(1) : std::nullopt;
  const bool mark = point.kind == PointKind::kMark;
  if (options_.ordered) {
    const uint64_t count = mark ? uint64_t{point.version_limit} + 1
                                : uint64_t{point.version_limit} - point.version_begin;
    return count <= limit ? std::optional(count) : std::nullopt;
  }
  // At kWrite: all picks less those without the write. The write adds a version to some unit with n
  // of them, so it is picked in at least one of n + 2 <= 65537 of all picks: still more than any
  // limit when their number is saturated.
  Wide all = 1;
  Wide without = 1;
  for (const Unit& unit : segment(point).units) {
    all = std::min(kSaturated, all * (versions_below(unit, point.version_limit) + Wide{1}));
    without = std::min(kSaturated, without * (versions_below(unit, point.version_begin) + Wide{1}));
  }
  if (all == kSaturated) return std::nullopt;
  const TearSpace space(options_, segment(point).base.capacity());
  const auto tears = [&](uint32_t version_limit) {
    return Wide{1} + space.count(segment(point), version_limit);
  };
  all *= tears(point.version_limit);
  const Wide count = mark ? all : all - without * tears(point.version_begin);
  if (count > limit) return std::nullopt;
  return static_cast<uint64_t>(count);
}

}  // namespace zerotail::fault
