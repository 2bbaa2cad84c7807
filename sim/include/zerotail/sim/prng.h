// The only source of randomness: a seeded generator with named forks, the same on every compiler.
#pragma once

#include <cstdint>
#include <string_view>

#include "zerotail/sim/units.h"

namespace zerotail::sim {

// One step of splitmix64 (the function that also makes the data pattern of a trace).
[[nodiscard]] uint64_t splitmix64(uint64_t x);

// xoshiro256**, seeded through splitmix64.
class Prng {
 public:
  explicit Prng(uint64_t seed);

  [[nodiscard]] uint64_t next();
  // Uniform in [0, bound) without modulo bias; bound > 0.
  [[nodiscard]] uint64_t below(uint64_t bound);
  // Uniform in [low, high], both included.
  [[nodiscard]] uint64_t between(uint64_t low, uint64_t high);
  // True `numerator` times out of `denominator`.
  [[nodiscard]] bool chance(uint64_t numerator, uint64_t denominator);
  // Uniform in [0, 1), 53 bits.
  [[nodiscard]] double unit();

  // An independent generator for one use. Depends on the seed and the name only, not on how many
  // numbers were drawn, so that a new use does not move the others.
  [[nodiscard]] Prng fork(std::string_view name) const;
  [[nodiscard]] Prng fork(uint64_t index) const;
  [[nodiscard]] uint64_t seed() const { return seed_; }

 private:
  uint64_t seed_;
  uint64_t state_[4];
};

}  // namespace zerotail::sim
