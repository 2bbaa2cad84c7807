// Names as the reference model compares and judges them; nothing here is shared with the core.
#pragma once

#include <string>
#include <string_view>

namespace zerotail::harness::names {

// UTF-8 to UTF-16 and back; a broken sequence becomes U+FFFD.
[[nodiscard]] std::u16string widen(std::string_view text);
[[nodiscard]] std::string narrow(std::u16string_view text);

// Upper case, unit by unit: ASCII, Latin-1, Latin Extended-A, Greek and Cyrillic letters that have
// a one-to-one partner. Other units are left alone: the model's limit.
[[nodiscard]] std::u16string fold(std::u16string_view name);

// What is left of a name on disk: trailing dots are dropped.
[[nodiscard]] std::u16string_view strip_dots(std::u16string_view name);

// Holds a character that no new name may have: below 0x20, or one of " * : < > ? \ |
[[nodiscard]] bool has_forbidden(std::u16string_view name);

// 32-byte directory entries that a set with this name takes.
[[nodiscard]] size_t entry_count(std::u16string_view name);

inline constexpr size_t kMaxUnits = 255;

}  // namespace zerotail::harness::names
