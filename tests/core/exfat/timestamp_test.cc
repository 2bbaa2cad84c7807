#include "zerotail/exfat/timestamp.h"

#include <gtest/gtest.h>

#include "zerotail/sim/prng.h"

namespace zerotail::exfat {
namespace {

constexpr uint32_t stamp(uint32_t year, uint32_t month, uint32_t day, uint32_t hour,
                         uint32_t minute, uint32_t double_seconds) {
  return (year - 1980) << 25 | month << 21 | day << 16 | hour << 11 | minute << 5 | double_seconds;
}

TEST(TimeStamp, HasTwoSecondsAndTensOfMilliseconds) {
  // 2026-01-01 00:00:01.239 UTC
  const DiskTime disk = to_disk_time({.seconds = 1767225601, .nanoseconds = 239'000'000});
  EXPECT_EQ(disk.timestamp, stamp(2026, 1, 1, 0, 0, 0));
  EXPECT_EQ(disk.increment_10ms, 123);
  EXPECT_EQ(disk.utc_offset, 0x80);
}

TEST(TimeStamp, KnowsLeapYearsAndTheLastSecond) {
  EXPECT_EQ(to_disk_time({.seconds = 1709164800}).timestamp, stamp(2024, 2, 29, 0, 0, 0));
  EXPECT_EQ(to_disk_time({.seconds = 4107542400}).timestamp, stamp(2100, 3, 1, 0, 0, 0));
  EXPECT_EQ(to_disk_time({.seconds = 4107542399}).timestamp, stamp(2100, 2, 28, 23, 59, 29));
  EXPECT_EQ(to_disk_time({.seconds = 4354819199}).timestamp, stamp(2107, 12, 31, 23, 59, 29));
}

TEST(TimeStamp, ClampsWhatTheFormatCannotHold) {
  EXPECT_EQ(to_disk_time({.seconds = 0}).timestamp, stamp(1980, 1, 1, 0, 0, 0));
  EXPECT_EQ(to_disk_time({.seconds = -1}).timestamp, stamp(1980, 1, 1, 0, 0, 0));
  const DiskTime last = to_disk_time({.seconds = INT64_MAX});
  EXPECT_EQ(last.timestamp, stamp(2107, 12, 31, 23, 59, 29));
  EXPECT_EQ(last.increment_10ms, 199);
}

TEST(TimeStamp, ComesBackAsItWentToTenMilliseconds) {
  sim::Prng prng(7);
  for (int i = 0; i < 1000; ++i) {
    const TimeStamp time{.seconds = static_cast<int64_t>(prng.between(315532800, 4354819199)),
                         .nanoseconds = static_cast<uint32_t>(prng.below(1'000'000'000))};
    EXPECT_EQ(from_disk_time(to_disk_time(time)), truncate_to_10ms(time)) << time.seconds;
  }
}

TEST(TimeStamp, SubtractsAValidUtcOffset) {
  const auto seconds = [](uint8_t offset) {
    return from_disk_time({.timestamp = stamp(2026, 1, 1, 12, 0, 0), .utc_offset = offset}).seconds;
  };
  const int64_t noon = seconds(0x80);
  EXPECT_EQ(seconds(0x80 | 4), noon - 3600);              // +01:00
  EXPECT_EQ(seconds(0x80 | (0x7F & -20)), noon + 18000);  // -05:00
  EXPECT_EQ(seconds(4), noon);                            // not valid
}

TEST(TimeStamp, AnyBitsGiveSomeTime) {
  for (const uint32_t bits : {0U, 0xFFFFFFFFU, 15U << 21, 13U << 21 | 31U << 16}) {
    const TimeStamp time =
        from_disk_time({.timestamp = bits, .increment_10ms = 255, .utc_offset = 0xFF});
    EXPECT_LT(time.nanoseconds, 1'000'000'000U);
    (void)to_disk_time(time);
  }
}

TEST(TimeStamp, AccessTimesHaveTwoSeconds) {
  EXPECT_EQ(truncate_to_2s({.seconds = 7, .nanoseconds = 5}), (TimeStamp{.seconds = 6}));
}

TEST(TimeStamp, AddsTheVirtualClockToTheStart) {
  EXPECT_EQ(time_at(100, sim::millis(2500)),
            (TimeStamp{.seconds = 102, .nanoseconds = 500'000'000}));
}

}  // namespace
}  // namespace zerotail::exfat
