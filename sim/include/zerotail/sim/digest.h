// The digest of a disk: a sum over sectors of a strong hash of (address, content), modulo 2^128.
// A sum, so that it can be kept up to date by what changed and does not depend on order. A sector
// that still holds the disk's fill byte counts as zero, so that a sparse disk costs nothing.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <string>

#include "zerotail/sim/units.h"

namespace zerotail::sim {

struct Digest {
  uint64_t low = 0;
  uint64_t high = 0;
  auto operator<=>(const Digest&) const = default;
  Digest& operator+=(const Digest& other);
  Digest& operator-=(const Digest& other);
  friend Digest operator+(Digest a, const Digest& b) { return a += b; }
  friend Digest operator-(Digest a, const Digest& b) { return a -= b; }
  [[nodiscard]] std::string hex() const;  // 32 digits, high part first
};

// XXH3-128 of the 512 bytes, seeded by the address.
[[nodiscard]] Digest sector_digest(Sector sector, const std::byte* content);
// The same, but zero for a sector that holds only the disk's fill byte: what it adds to the sum.
[[nodiscard]] Digest disk_digest(Sector sector, const std::byte* content, std::byte fill);
// XXH3-128 of any bytes.
[[nodiscard]] Digest bytes_digest(const void* data, size_t length, uint64_t seed = 0);

}  // namespace zerotail::sim
