#include "zerotail/exfat/timestamp.h"

#include <algorithm>

namespace zerotail::exfat {

namespace {

constexpr int64_t kDay = 86400;
constexpr int64_t kFirstSecond = 315532800;  // 1980-01-01 00:00:00
constexpr int64_t kLastSecond = 4354819199;  // 2107-12-31 23:59:59
constexpr uint32_t kTenMs = 10'000'000;      // nanoseconds
constexpr uint8_t kOffsetValid = 0x80;
constexpr int64_t kQuarterHour = 900;

struct Date {
  int64_t year;
  int64_t month;  // 1..12
  int64_t day;    // 1..31
};

// Days since 1970-01-01 in the proleptic Gregorian calendar, counting years from March so that
// the leap day is the last of its year.
int64_t days_from_date(const Date& date) {
  const int64_t year = date.month <= 2 ? date.year - 1 : date.year;
  const int64_t month = (date.month + 9) % 12;  // March is 0
  const int64_t day_of_year = (153 * month + 2) / 5 + date.day - 1;
  return 365 * year + year / 4 - year / 100 + year / 400 + day_of_year - 719468;
}

// For days in 1980..2107, where every fourth year but 2100 is a leap year.
Date date_from_days(int64_t days) {
  const int64_t shifted = days + 719468;
  const int64_t era = shifted / 146097;
  const int64_t day_of_era = shifted % 146097;
  const int64_t year_of_era =
      (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
  const int64_t day_of_year =
      day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const int64_t month = (5 * day_of_year + 2) / 153;  // March is 0
  const int64_t day = day_of_year - (153 * month + 2) / 5 + 1;
  const int64_t calendar_month = month < 10 ? month + 3 : month - 9;
  return {.year = year_of_era + era * 400 + (calendar_month <= 2 ? 1 : 0),
          .month = calendar_month,
          .day = day};
}

}  // namespace

DiskTime to_disk_time(TimeStamp time) {
  if (time.seconds < kFirstSecond) time = {.seconds = kFirstSecond, .nanoseconds = 0};
  if (time.seconds > kLastSecond) time = {.seconds = kLastSecond, .nanoseconds = 990'000'000};
  const Date date = date_from_days(time.seconds / kDay);
  const int64_t of_day = time.seconds % kDay;
  const auto bits = [](int64_t value, unsigned shift) {
    return static_cast<uint32_t>(value) << shift;
  };
  DiskTime disk;
  disk.timestamp = bits(date.year - 1980, 25) | bits(date.month, 21) | bits(date.day, 16) |
                   bits(of_day / 3600, 11) | bits(of_day / 60 % 60, 5) | bits(of_day % 60 / 2, 0);
  disk.increment_10ms =
      static_cast<uint8_t>(static_cast<uint32_t>(of_day % 2) * 100 + time.nanoseconds / kTenMs);
  disk.utc_offset = kOffsetValid;
  return disk;
}

TimeStamp from_disk_time(const DiskTime& time) {
  const auto field = [&time](unsigned shift, uint32_t mask) {
    return static_cast<int64_t>((time.timestamp >> shift) & mask);
  };
  const Date date{.year = 1980 + field(25, 0x7F),
                  .month = std::clamp<int64_t>(field(21, 0xF), 1, 12),
                  .day = std::max<int64_t>(field(16, 0x1F), 1)};
  TimeStamp result;
  result.seconds = days_from_date(date) * kDay + field(11, 0x1F) * 3600 + field(5, 0x3F) * 60 +
                   field(0, 0x1F) * 2 + time.increment_10ms / 100;
  result.nanoseconds = static_cast<uint32_t>(time.increment_10ms % 100) * kTenMs;
  if ((time.utc_offset & kOffsetValid) != 0) {
    int64_t quarters = time.utc_offset & 0x7F;
    if (quarters >= 0x40) quarters -= 0x80;  // seven bits, signed
    result.seconds -= quarters * kQuarterHour;
  }
  return result;
}

TimeStamp truncate_to_10ms(TimeStamp time) {
  time.nanoseconds -= time.nanoseconds % kTenMs;
  return time;
}

TimeStamp truncate_to_2s(TimeStamp time) {
  time.seconds -= time.seconds % 2;
  time.nanoseconds = 0;
  return time;
}

TimeStamp time_at(uint64_t start, sim::Nanos now) {
  constexpr uint64_t kSecond = sim::seconds(1).value();
  return {.seconds = static_cast<int64_t>(start + now.value() / kSecond),
          .nanoseconds = static_cast<uint32_t>(now.value() % kSecond)};
}

}  // namespace zerotail::exfat
