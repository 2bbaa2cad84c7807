// Typed units. Mixing two of them does not compile; conversions stand here and nowhere else.
//
// A quantity (ByteCount, SectorCount, ClusterCount, Nanos) is a length; a point (FilePos, DevPos,
// Sector, Cluster) is a place. point + quantity -> point, point - point -> quantity.
// Sector is the kernel's 512-byte sector_t whatever the device's logical block size is.
#pragma once

#include <compare>
#include <cstdint>

namespace zerotail::sim {

template <class Tag>
class Quantity {
 public:
  constexpr Quantity() = default;
  constexpr explicit Quantity(uint64_t value) : value_(value) {}
  [[nodiscard]] constexpr uint64_t value() const { return value_; }
  constexpr auto operator<=>(const Quantity&) const = default;

  constexpr Quantity& operator+=(Quantity other) {
    value_ += other.value_;
    return *this;
  }
  constexpr Quantity& operator-=(Quantity other) {
    value_ -= other.value_;
    return *this;
  }
  friend constexpr Quantity operator+(Quantity a, Quantity b) {
    return Quantity{a.value_ + b.value_};
  }
  friend constexpr Quantity operator-(Quantity a, Quantity b) {
    return Quantity{a.value_ - b.value_};
  }
  friend constexpr Quantity operator*(Quantity a, uint64_t n) { return Quantity{a.value_ * n}; }
  friend constexpr Quantity operator*(uint64_t n, Quantity a) { return Quantity{a.value_ * n}; }
  friend constexpr Quantity operator/(Quantity a, uint64_t n) { return Quantity{a.value_ / n}; }
  friend constexpr uint64_t operator/(Quantity a, Quantity b) { return a.value_ / b.value_; }
  friend constexpr Quantity operator%(Quantity a, Quantity b) {
    return Quantity{a.value_ % b.value_};
  }

 private:
  uint64_t value_ = 0;
};

template <class Tag, class Difference>
class Point {
 public:
  constexpr Point() = default;
  constexpr explicit Point(uint64_t value) : value_(value) {}
  [[nodiscard]] constexpr uint64_t value() const { return value_; }
  constexpr auto operator<=>(const Point&) const = default;

  constexpr Point& operator+=(Difference d) {
    value_ += d.value();
    return *this;
  }
  constexpr Point& operator-=(Difference d) {
    value_ -= d.value();
    return *this;
  }
  friend constexpr Point operator+(Point p, Difference d) { return Point{p.value_ + d.value()}; }
  friend constexpr Point operator-(Point p, Difference d) { return Point{p.value_ - d.value()}; }
  friend constexpr Difference operator-(Point a, Point b) {
    return Difference{a.value_ - b.value_};
  }

 private:
  uint64_t value_ = 0;
};

using ByteCount = Quantity<struct ByteTag>;
using SectorCount = Quantity<struct SectorTag>;
using ClusterCount = Quantity<struct ClusterTag>;
using Nanos = Quantity<struct NanosTag>;  // a duration, or a time since the start of the clock

using FilePos = Point<struct FilePosTag, ByteCount>;        // byte in a file
using DevPos = Point<struct DevPosTag, ByteCount>;          // byte on the device
using Sector = Point<struct SectorPosTag, SectorCount>;     // 512-byte sector on the device
using Cluster = Point<struct ClusterPosTag, ClusterCount>;  // exFAT cluster number; 2 is the first

inline constexpr unsigned kSectorShift = 9;
inline constexpr ByteCount kSectorSize{512};

constexpr ByteCount bytes(SectorCount n) { return ByteCount{n.value() << kSectorShift}; }
constexpr DevPos dev_pos(Sector s) { return DevPos{s.value() << kSectorShift}; }
constexpr Sector sector_at(DevPos pos) { return Sector{pos.value() >> kSectorShift}; }
// Sectors needed to hold `n` bytes: rounds up.
constexpr SectorCount sectors(ByteCount n) {
  return SectorCount{(n.value() + kSectorSize.value() - 1) >> kSectorShift};
}

constexpr uint64_t round_up(uint64_t value, uint64_t unit) {
  return (value + unit - 1) / unit * unit;
}
constexpr uint64_t round_down(uint64_t value, uint64_t unit) { return value / unit * unit; }
constexpr ByteCount round_up(ByteCount n, ByteCount unit) {
  return ByteCount{round_up(n.value(), unit.value())};
}
constexpr ByteCount round_down(ByteCount n, ByteCount unit) {
  return ByteCount{round_down(n.value(), unit.value())};
}
constexpr FilePos round_up(FilePos pos, ByteCount unit) {
  return FilePos{round_up(pos.value(), unit.value())};
}
constexpr FilePos round_down(FilePos pos, ByteCount unit) {
  return FilePos{round_down(pos.value(), unit.value())};
}
// A position's distance past the last multiple of `unit`.
constexpr ByteCount offset_in(FilePos pos, ByteCount unit) {
  return ByteCount{pos.value() % unit.value()};
}
constexpr ByteCount offset_in(DevPos pos, ByteCount unit) {
  return ByteCount{pos.value() % unit.value()};
}

constexpr Nanos micros(uint64_t n) { return Nanos{n * 1000}; }
constexpr Nanos millis(uint64_t n) { return Nanos{n * 1000 * 1000}; }
constexpr Nanos seconds(uint64_t n) { return Nanos{n * 1000 * 1000 * 1000}; }

constexpr ByteCount kib(uint64_t n) { return ByteCount{n << 10}; }
constexpr ByteCount mib(uint64_t n) { return ByteCount{n << 20}; }
constexpr ByteCount gib(uint64_t n) { return ByteCount{n << 30}; }

}  // namespace zerotail::sim
