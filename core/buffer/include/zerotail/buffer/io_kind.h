// What the bios of the core say they are for, so that a log can be read: IoTag.kind is one of
// these, IoTag.id the cluster or inode it belongs to. The values are part of the log format.
#pragma once

#include <cstdint>

#include "zerotail/sim/bio.h"

namespace zerotail::buffer {

enum class IoKind : uint32_t {
  kNone = 0,
  kBoot = 1,       // id: 0 main boot region, 1 backup
  kFat = 2,        // id: the first cluster whose entry stands in the block
  kBitmap = 3,     // id: the cluster of the bitmap that the block lies in
  kUpcase = 4,     // id: the cluster of the table that the block lies in
  kDirectory = 5,  // id: the cluster of the directory that the block lies in
  kData = 6,       // id: Inode::number() of the file
};
inline constexpr uint32_t kIoKindCount = 7;

// A set of kinds.
class IoKinds {
 public:
  constexpr IoKinds() = default;
  constexpr IoKinds(IoKind kind) : bits_(1U << static_cast<uint32_t>(kind)) {}  // NOLINT: implicit
  [[nodiscard]] constexpr bool has(uint32_t kind) const { return (bits_ >> kind & 1U) != 0; }
  [[nodiscard]] constexpr bool none() const { return bits_ == 0; }
  constexpr IoKinds& operator|=(IoKinds other) {
    bits_ |= other.bits_;
    return *this;
  }

 private:
  uint32_t bits_ = 0;
};

[[nodiscard]] constexpr sim::IoTag tag(IoKind kind, uint64_t id = 0) {
  return sim::IoTag{static_cast<uint32_t>(kind), id};
}

// "boot", "fat", ...; "?" for a number that is no IoKind.
[[nodiscard]] const char* io_kind_name(uint32_t kind);

}  // namespace zerotail::buffer
