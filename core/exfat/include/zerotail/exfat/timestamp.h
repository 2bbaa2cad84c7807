// exFAT time stamps (section 7.4.8 to 7.4.10): local time in two-second steps, a count of 10 ms,
// and an offset from UTC in quarter hours.
#pragma once

#include <compare>
#include <cstdint>

#include "zerotail/sim/units.h"

namespace zerotail::exfat {

// Seconds since 1970 UTC and nanoseconds.
struct TimeStamp {
  int64_t seconds = 0;
  uint32_t nanoseconds = 0;
  auto operator<=>(const TimeStamp&) const = default;
};

// As it stands in a file entry.
struct DiskTime {
  uint32_t timestamp = 0;      // year-1980:7 month:4 day:5 hour:5 minute:6 seconds/2:5
  uint8_t increment_10ms = 0;  // 0..199
  uint8_t utc_offset = 0;      // bit 7: valid; bits 0..6: signed quarter hours
  bool operator==(const DiskTime&) const = default;
};

// In UTC (offset 0x80), truncated to 10 ms; a time outside 1980..2107 becomes the nearest one.
[[nodiscard]] DiskTime to_disk_time(TimeStamp time);
// Takes fields outside their range as they come (month 0 or 13, day 0): any bits give some time.
[[nodiscard]] TimeStamp from_disk_time(const DiskTime& time);
// What survives a write to disk: 10 ms for create and modify; access times have two seconds.
[[nodiscard]] TimeStamp truncate_to_10ms(TimeStamp time);
[[nodiscard]] TimeStamp truncate_to_2s(TimeStamp time);
// `start` seconds since 1970 plus a time of the virtual clock.
[[nodiscard]] TimeStamp time_at(uint64_t start, sim::Nanos now);

}  // namespace zerotail::exfat
