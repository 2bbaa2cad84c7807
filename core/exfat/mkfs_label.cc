// The volume label: strict UTF-8 on the command line, UTF-16 on disk. As mkfs.exfat does, any
// character is taken, also those that a file name may not have.
#include <optional>

#include "mkfs_internal.h"
#include "zerotail/exfat/ondisk.h"

namespace zerotail::exfat {

using sim::Errno;
using sim::Error;
using sim::Result;

namespace {

// Bytes of the code point that `lead` begins; 0 for a byte that cannot begin one.
size_t utf8_length(uint8_t lead) {
  if (lead < 0x80) return 1;
  if (lead >= 0xC2 && lead < 0xE0) return 2;
  if (lead >= 0xE0 && lead < 0xF0) return 3;
  if (lead >= 0xF0 && lead < 0xF5) return 4;
  return 0;
}

// The code point at the front of `text`, or nothing: truncated, overlong, a surrogate, too large.
std::optional<uint32_t> decode_utf8(std::string_view text, size_t length) {
  if (length == 0 || length > text.size()) return std::nullopt;
  const auto byte = [&text](size_t i) { return static_cast<uint8_t>(text[i]); };
  if (length == 1) return byte(0);
  uint32_t point = byte(0) & (0x7FU >> length);
  for (size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return std::nullopt;
    point = point << 6 | (byte(i) & 0x3FU);
  }
  constexpr uint32_t kSmallest[] = {0, 0, 0x80, 0x800, 0x10000};
  const bool surrogate = point >= 0xD800 && point <= 0xDFFF;
  if (point < kSmallest[length] || surrogate || point > 0x10FFFF) return std::nullopt;
  return point;
}

}  // namespace

Result<std::vector<uint16_t>> label_units(std::string_view label) {
  std::vector<uint16_t> units;
  std::string_view rest = label;
  while (!rest.empty()) {
    const size_t length = utf8_length(static_cast<uint8_t>(rest.front()));
    const std::optional<uint32_t> point = decode_utf8(rest, length);
    if (!point.has_value()) {
      return Error(Errno::kInval, "mkfs: volume label is not UTF-8 at byte " +
                                      std::to_string(label.size() - rest.size()));
    }
    if (*point >= 0x10000) {
      units.push_back(static_cast<uint16_t>(0xD800 + ((*point - 0x10000) >> 10)));
      units.push_back(static_cast<uint16_t>(0xDC00 + ((*point - 0x10000) & 0x3FF)));
    } else {
      units.push_back(static_cast<uint16_t>(*point));
    }
    rest.remove_prefix(length);
  }
  if (units.size() > kMaxLabelUnits) {
    return Error(Errno::kInval, "mkfs: volume label has " + std::to_string(units.size()) +
                                    " UTF-16 units, at most " + std::to_string(kMaxLabelUnits) +
                                    " fit");
  }
  return units;
}

}  // namespace zerotail::exfat
