// Case folding with the volume's own up-case table (section 7.2), one UTF-16 unit at a time.
// Kept in pages of 256 units; a page that maps every unit to itself takes no memory.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "zerotail/sim/result.h"

namespace zerotail::exfat {

class Upcase {
 public:
  Upcase() = default;  // the identity
  // From the on-disk form, compressed or not. EINVAL: the length is odd or 0, the checksum is not
  // `checksum`, the table describes more than 65536 units, or a run has no length.
  [[nodiscard]] static sim::Result<Upcase> parse(std::span<const std::byte> table,
                                                 uint32_t checksum);

  [[nodiscard]] char16_t fold(char16_t unit) const {
    const Page* page = pages_[unit >> 8].get();
    return page == nullptr ? unit : (*page)[unit & 0xFF];
  }

 private:
  using Page = std::array<char16_t, 256>;
  void set(char16_t from, char16_t to);
  std::array<std::shared_ptr<Page>, 256> pages_;
};

}  // namespace zerotail::exfat
