// File names: UTF-8 outside, UTF-16 units on disk. The rules are those measured on Linux with
// iocharset=utf8.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "zerotail/exfat/ondisk.h"
#include "zerotail/exfat/upcase.h"
#include "zerotail/sim/result.h"

namespace zerotail::exfat {

// The longest name as statfs gives it: 255 units of at most 6 bytes.
inline constexpr uint64_t kMaxNameBytes = 1530;

// A name in UTF-16, as it stands or will stand in a directory, and folded for comparison.
class Name {
 public:
  [[nodiscard]] std::u16string_view units() const { return {units_.data(), length_}; }
  [[nodiscard]] std::u16string_view folded() const { return {folded_.data(), length_}; }
  [[nodiscard]] unsigned length() const { return length_; }
  // NameHash of section 7.6.4, over the folded units.
  [[nodiscard]] uint16_t hash() const { return hash_; }
  // Holds no character that is invalid in a name (section 7.7.3): may be created.
  [[nodiscard]] bool creatable() const { return creatable_; }
  // Entries of a set with this name: file, stream, ceil(length / 15) names.
  [[nodiscard]] unsigned entries() const {
    return 2 + (length_ + kNameUnitsPerEntry - 1) / kNameUnitsPerEntry;
  }
  [[nodiscard]] bool same_as(const Name& other) const { return folded() == other.folded(); }

  // From units that stand on disk (1..255 of them).
  [[nodiscard]] static Name from_units(std::u16string_view units, const Upcase& upcase);
  // From one component of a path; trailing dots are dropped. ENOENT: nothing is left of it.
  // ENAMETOOLONG: more than 255 units, or more than 1530 bytes. EINVAL: no UTF-8. A name with
  // invalid characters is no error here: look-ups do not find it, and creating asks creatable().
  [[nodiscard]] static sim::Result<Name> parse(std::string_view component, const Upcase& upcase);

 private:
  Name() = default;
  void fold(const Upcase& upcase);
  std::array<char16_t, kMaxNameUnits> units_;
  std::array<char16_t, kMaxNameUnits> folded_;
  unsigned length_ = 0;
  uint16_t hash_ = 0;
  bool creatable_ = true;
};

[[nodiscard]] uint16_t name_hash(std::u16string_view folded);
// Unpaired surrogates are left out, as the kernel leaves them out.
[[nodiscard]] std::string to_utf8(std::u16string_view units);
// Below 0x20 or one of " * / : < > ? \ |.
[[nodiscard]] bool invalid_in_name(char16_t unit);

}  // namespace zerotail::exfat
