// xoshiro256** by Blackman and Vigna (public domain algorithm), seeded by splitmix64. Integer
// arithmetic only, so that every compiler draws the same numbers.
#include "zerotail/sim/prng.h"

#include "zerotail/sim/assert.h"

namespace zerotail::sim {

namespace {

constexpr uint64_t kGoldenGamma = 0x9E3779B97F4A7C15;
// Keeps the seeds of fork("...") apart from those of fork(n).
constexpr uint64_t kNameDomain = 0x6E616D65;
constexpr uint64_t kIndexDomain = 0x696E6465;

constexpr uint64_t rotate_left(uint64_t x, unsigned by) { return (x << by) | (x >> (64 - by)); }

// FNV-1a, 64 bits.
uint64_t hash_name(std::string_view name) {
  uint64_t hash = 0xCBF29CE484222325;
  for (const char c : name) {
    hash ^= static_cast<unsigned char>(c);
    hash *= 0x100000001B3;
  }
  return hash;
}

}  // namespace

uint64_t splitmix64(uint64_t x) {
  x += kGoldenGamma;
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EB;
  return x ^ (x >> 31);
}

Prng::Prng(uint64_t seed) : seed_(seed) {
  uint64_t x = seed;
  for (uint64_t& word : state_) {
    word = splitmix64(x);
    x += kGoldenGamma;
  }
}

uint64_t Prng::next() {
  const uint64_t result = rotate_left(state_[1] * 5, 7) * 9;
  const uint64_t shifted = state_[1] << 17;
  state_[2] ^= state_[0];
  state_[3] ^= state_[1];
  state_[1] ^= state_[2];
  state_[0] ^= state_[3];
  state_[2] ^= shifted;
  state_[3] = rotate_left(state_[3], 45);
  return result;
}

uint64_t Prng::below(uint64_t bound) {
  ZT_ASSERT(bound > 0);
  // 2^64 mod bound numbers at the low end would be drawn once too often: draw again.
  const uint64_t reject_below = (0 - bound) % bound;
  uint64_t x = next();
  while (x < reject_below) x = next();
  return x % bound;
}

uint64_t Prng::between(uint64_t low, uint64_t high) {
  ZT_ASSERT(low <= high);
  const uint64_t span = high - low + 1;
  return span == 0 ? next() : low + below(span);  // 0: the whole range of 64 bits
}

bool Prng::chance(uint64_t numerator, uint64_t denominator) {
  return below(denominator) < numerator;
}

double Prng::unit() { return static_cast<double>(next() >> 11) * 0x1.0p-53; }

Prng Prng::fork(std::string_view name) const {
  return Prng(splitmix64(splitmix64(seed_ ^ kNameDomain) ^ hash_name(name)));
}

Prng Prng::fork(uint64_t index) const {
  return Prng(splitmix64(splitmix64(seed_ ^ kIndexDomain) ^ index));
}

}  // namespace zerotail::sim
