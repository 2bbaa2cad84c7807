// One bit a file-system block of a folio. Fixed size, so that a folio needs no second allocation;
// ranges are handled a word at a time.
#pragma once

#include <array>
#include <bit>
#include <cstdint>

#include "zerotail/sim/assert.h"

namespace zerotail::mm {

// A 64 KiB page of 512-byte blocks has 128; larger folios up to four times that.
inline constexpr unsigned kMaxBlocksPerFolio = 512;

class BlockBits {
 public:
  [[nodiscard]] bool test(unsigned bit) const {
    return (words_[bit / kWordBits] >> (bit % kWordBits) & 1) != 0;
  }
  void set(unsigned first, unsigned count) {
    for_words(first, count, [this](unsigned word, uint64_t mask) { words_[word] |= mask; });
  }
  void clear(unsigned first, unsigned count) {
    for_words(first, count, [this](unsigned word, uint64_t mask) { words_[word] &= ~mask; });
  }
  [[nodiscard]] bool all(unsigned first, unsigned count) const {
    bool result = true;
    for_words(first, count, [&](unsigned word, uint64_t mask) {
      if ((words_[word] & mask) != mask) result = false;
    });
    return result;
  }
  [[nodiscard]] bool any(unsigned first, unsigned count) const {
    bool result = false;
    for_words(first, count, [&](unsigned word, uint64_t mask) {
      if ((words_[word] & mask) != 0) result = true;
    });
    return result;
  }
  // The first set (clear) bit in [first, limit), or limit.
  [[nodiscard]] unsigned next_set(unsigned first, unsigned limit) const {
    return next(first, limit, 0);
  }
  [[nodiscard]] unsigned next_clear(unsigned first, unsigned limit) const {
    return next(first, limit, ~uint64_t{0});
  }

 private:
  static constexpr unsigned kWordBits = 64;

  template <class Visit>
  static void for_words(unsigned first, unsigned count, Visit visit) {
    ZT_ASSERT(first + count <= kMaxBlocksPerFolio);
    while (count > 0) {
      const unsigned shift = first % kWordBits;
      const unsigned here = count < kWordBits - shift ? count : kWordBits - shift;
      const uint64_t ones = here == kWordBits ? ~uint64_t{0} : (uint64_t{1} << here) - 1;
      visit(first / kWordBits, ones << shift);
      first += here;
      count -= here;
    }
  }
  [[nodiscard]] unsigned next(unsigned first, unsigned limit, uint64_t flip) const {
    while (first < limit) {
      const uint64_t word = (words_[first / kWordBits] ^ flip) >> (first % kWordBits);
      if (word != 0) {
        const unsigned bit = first + static_cast<unsigned>(std::countr_zero(word));
        return bit < limit ? bit : limit;
      }
      first = (first / kWordBits + 1) * kWordBits;
    }
    return limit;
  }

  std::array<uint64_t, kMaxBlocksPerFolio / kWordBits> words_{};
};

}  // namespace zerotail::mm
