#include "zerotail/fault/crash_model.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "crash_timeline.h"
#include "zerotail/sim/assert.h"

namespace zerotail::fault {

namespace {

// Products of pick counts stop growing here. Far above any limit a caller can ask for, even after
// division by the largest number of versions of a unit (see state_count), and far enough below
// 2^128 that one more factor does not overflow.
constexpr unsigned kSaturationBits = 108;
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

CrashModel::CrashModel(const sim::IoLog& log, sim::Snapshot base, const CrashModelOptions& options,
                       std::span<const uint32_t> wanted_marks)
    : options_(options), records_(&log.records()) {
  ZT_ASSERT(is_power_of_two(options.atomic_unit.value()));
  ZT_ASSERT(options.atomic_unit >= sim::kSectorSize);
  TimelineBuilder(*this, log, std::move(base), wanted_marks).build();
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
  const Wide count = point.kind == PointKind::kMark ? all : all - without;
  if (count > limit) return std::nullopt;
  return static_cast<uint64_t>(count);
}

}  // namespace zerotail::fault
