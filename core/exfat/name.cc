#include "zerotail/exfat/name.h"

#include <algorithm>
#include <optional>

namespace zerotail::exfat {

namespace {

constexpr uint32_t kLastCodePoint = 0x10FFFF;
constexpr char16_t kHighSurrogate = 0xD800;
constexpr char16_t kLowSurrogate = 0xDC00;
constexpr char16_t kAfterSurrogates = 0xE000;

bool is_high(char16_t unit) { return unit >= kHighSurrogate && unit < kLowSurrogate; }
bool is_low(char16_t unit) { return unit >= kLowSurrogate && unit < kAfterSurrogates; }

// Takes one code point off the front; nothing when it is no UTF-8 (overlong forms, surrogates and
// what lies past U+10FFFF included).
std::optional<uint32_t> take_code_point(std::string_view& text) {
  const auto lead = static_cast<uint8_t>(text[0]);
  if (lead < 0x80) {
    text.remove_prefix(1);
    return lead;
  }
  const size_t length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  if (lead < 0xC2 || lead > 0xF4 || text.size() < length) return std::nullopt;
  uint32_t point = lead & (0xFFU >> (length + 1));
  for (size_t i = 1; i < length; ++i) {
    const auto byte = static_cast<uint8_t>(text[i]);
    if ((byte & 0xC0) != 0x80) return std::nullopt;
    point = (point << 6) | (byte & 0x3FU);
  }
  const uint32_t least = length == 2 ? 0x80U : length == 3 ? 0x800U : 0x10000U;
  const bool surrogate = point >= kHighSurrogate && point < kAfterSurrogates;
  if (point < least || point > kLastCodePoint || surrogate) return std::nullopt;
  text.remove_prefix(length);
  return point;
}

void append_utf8(std::string& out, uint32_t point) {
  const auto put = [&out](uint32_t byte) { out.push_back(static_cast<char>(byte)); };
  if (point < 0x80) {
    put(point);
  } else if (point < 0x800) {
    put(0xC0 | (point >> 6));
    put(0x80 | (point & 0x3F));
  } else if (point < 0x10000) {
    put(0xE0 | (point >> 12));
    put(0x80 | ((point >> 6) & 0x3F));
    put(0x80 | (point & 0x3F));
  } else {
    put(0xF0 | (point >> 18));
    put(0x80 | ((point >> 12) & 0x3F));
    put(0x80 | ((point >> 6) & 0x3F));
    put(0x80 | (point & 0x3F));
  }
}

}  // namespace

bool invalid_in_name(char16_t unit) {
  constexpr std::u16string_view kForbidden = u"\"*/:<>?\\|";
  return unit < 0x20 || kForbidden.find(unit) != std::u16string_view::npos;
}

uint16_t name_hash(std::u16string_view folded) {
  uint32_t hash = 0;
  const auto add = [&hash](uint32_t byte) {
    hash = (((hash & 1) << 15) + (hash >> 1) + byte) & 0xFFFF;
  };
  for (const char16_t unit : folded) {
    add(unit & 0xFF);
    add(unit >> 8);
  }
  return static_cast<uint16_t>(hash);
}

void Name::fold(const Upcase& upcase) {
  for (unsigned i = 0; i < length_; ++i) {
    folded_[i] = upcase.fold(units_[i]);
    if (invalid_in_name(units_[i])) creatable_ = false;
  }
  hash_ = name_hash(folded());
}

Name Name::from_units(std::u16string_view units, const Upcase& upcase) {
  ZT_ASSERT(!units.empty() && units.size() <= kMaxNameUnits);
  Name name;
  std::copy(units.begin(), units.end(), name.units_.begin());
  name.length_ = static_cast<unsigned>(units.size());
  name.fold(upcase);
  return name;
}

sim::Result<Name> Name::parse(std::string_view component, const Upcase& upcase) {
  const size_t bytes = component.size();
  while (!component.empty() && component.back() == '.') component.remove_suffix(1);
  if (component.empty()) return sim::Error(sim::Errno::kNoEnt, "name: nothing but dots");
  if (bytes > kMaxNameBytes) return sim::Error(sim::Errno::kNameTooLong, "name");
  Name name;
  while (!component.empty()) {
    const std::optional<uint32_t> point = take_code_point(component);
    if (!point) return sim::Error(sim::Errno::kInval, "name: no UTF-8");
    const unsigned units = *point < 0x10000 ? 1 : 2;
    if (name.length_ + units > kMaxNameUnits) {
      return sim::Error(sim::Errno::kNameTooLong, "name: more than 255 UTF-16 units");
    }
    if (units == 2) {
      const uint32_t offset = *point - 0x10000;
      name.units_[name.length_++] = static_cast<char16_t>(kHighSurrogate + (offset >> 10));
      name.units_[name.length_++] = static_cast<char16_t>(kLowSurrogate + (offset & 0x3FF));
    } else {
      name.units_[name.length_++] = static_cast<char16_t>(*point);
    }
  }
  name.fold(upcase);
  return name;
}

std::string to_utf8(std::u16string_view units) {
  std::string out;
  out.reserve(units.size());
  for (size_t i = 0; i < units.size(); ++i) {
    const char16_t unit = units[i];
    if (is_high(unit) && i + 1 < units.size() && is_low(units[i + 1])) {
      const auto high = static_cast<uint32_t>(unit - kHighSurrogate);
      const auto low = static_cast<uint32_t>(units[++i] - kLowSurrogate);
      append_utf8(out, 0x10000 + (high << 10) + low);
    } else if (!is_high(unit) && !is_low(unit)) {
      append_utf8(out, unit);
    }
  }
  return out;
}

}  // namespace zerotail::exfat
