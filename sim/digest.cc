#include "zerotail/sim/digest.h"

#include <xxhash.h>

#include <cstring>

namespace zerotail::sim {

// `other` may be this digest itself: the carry is taken from the sum alone.
Digest& Digest::operator+=(const Digest& other) {
  const uint64_t sum = low + other.low;
  const uint64_t carry = sum < low ? 1 : 0;
  high += other.high + carry;
  low = sum;
  return *this;
}

Digest& Digest::operator-=(const Digest& other) {
  const uint64_t borrow = low < other.low ? 1 : 0;
  high -= other.high + borrow;
  low -= other.low;
  return *this;
}

std::string Digest::hex() const {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string text(32, '0');
  for (size_t i = 0; i < 16; ++i) {
    text[15 - i] = kDigits[(high >> (4 * i)) & 15];
    text[31 - i] = kDigits[(low >> (4 * i)) & 15];
  }
  return text;
}

Digest sector_digest(Sector sector, const std::byte* content) {
  return bytes_digest(content, kSectorSize.value(), sector.value());
}

Digest disk_digest(Sector sector, const std::byte* content, std::byte fill) {
  // All bytes equal the first one, and that one is the fill.
  const bool uniform =
      content[0] == fill && std::memcmp(content, content + 1, kSectorSize.value() - 1) == 0;
  return uniform ? Digest{} : sector_digest(sector, content);
}

Digest bytes_digest(const void* data, size_t length, uint64_t seed) {
  const XXH128_hash_t hash = XXH3_128bits_withSeed(data, length, seed);
  return Digest{.low = hash.low64, .high = hash.high64};
}

}  // namespace zerotail::sim
