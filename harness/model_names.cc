#include "model_names.h"

#include <cstdint>

namespace zerotail::harness::names {
namespace {

constexpr char16_t kReplacement = 0xFFFD;
constexpr size_t kUnitsPerEntry = 15;

// Decodes one code point at text[i] and moves i past it.
uint32_t decode(std::string_view text, size_t& i) {
  const auto at = [&](size_t k) { return static_cast<uint8_t>(text[k]); };
  const uint8_t lead = at(i++);
  if (lead < 0x80) return lead;
  const size_t more = lead >= 0xF0 ? 3 : (lead >= 0xE0 ? 2 : 1);
  if (lead < 0xC2 || lead > 0xF4 || i + more > text.size()) return kReplacement;
  uint32_t code = lead & (0x3Fu >> more);
  for (size_t k = 0; k < more; ++k) {
    if ((at(i + k) & 0xC0) != 0x80) return kReplacement;
    code = (code << 6) | (at(i + k) & 0x3Fu);
  }
  i += more;
  return code;
}

void encode(uint32_t code, std::string& out) {
  const auto put = [&](uint32_t byte) { out += static_cast<char>(static_cast<uint8_t>(byte)); };
  if (code < 0x80) {
    put(code);
  } else if (code < 0x800) {
    put(0xC0 | (code >> 6));
    put(0x80 | (code & 0x3F));
  } else if (code < 0x10000) {
    put(0xE0 | (code >> 12));
    put(0x80 | ((code >> 6) & 0x3F));
    put(0x80 | (code & 0x3F));
  } else {
    put(0xF0 | (code >> 18));
    put(0x80 | ((code >> 12) & 0x3F));
    put(0x80 | ((code >> 6) & 0x3F));
    put(0x80 | (code & 0x3F));
  }
}

bool within(char16_t unit, char16_t low, char16_t high) { return unit >= low && unit <= high; }

char16_t up(char16_t unit) {
  const auto minus = [unit](unsigned n) { return static_cast<char16_t>(unit - n); };
  if (within(unit, u'a', u'z')) return minus(0x20);
  if (within(unit, 0xE0, 0xFE) && unit != 0xF7) return minus(0x20);
  if (unit == 0xFF) return 0x178;
  const bool odd = (unit & 1) != 0;
  if (odd && unit != 0x131 && (within(unit, 0x100, 0x137) || within(unit, 0x14A, 0x177))) {
    return minus(1);
  }
  if (!odd && (within(unit, 0x139, 0x148) || within(unit, 0x179, 0x17E))) return minus(1);
  if (within(unit, 0x3B1, 0x3C9) && unit != 0x3C2) return minus(0x20);
  if (within(unit, 0x430, 0x44F)) return minus(0x20);
  if (within(unit, 0x450, 0x45F)) return minus(0x50);
  return unit;
}

}  // namespace

std::u16string widen(std::string_view text) {
  std::u16string out;
  for (size_t i = 0; i < text.size();) {
    const uint32_t code = decode(text, i);
    if (code < 0x10000) {
      out += static_cast<char16_t>(code);
    } else {
      out += static_cast<char16_t>(0xD800 + ((code - 0x10000) >> 10));
      out += static_cast<char16_t>(0xDC00 + ((code - 0x10000) & 0x3FF));
    }
  }
  return out;
}

std::string narrow(std::u16string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    uint32_t code = text[i];
    if (within(text[i], 0xD800, 0xDFFF)) {
      const bool pair =
          text[i] < 0xDC00 && i + 1 < text.size() && within(text[i + 1], 0xDC00, 0xDFFF);
      if (pair) {
        code = 0x10000 + ((code - 0xD800) << 10) + (text[i + 1] - 0xDC00u);
        ++i;
      } else {
        code = kReplacement;
      }
    }
    encode(code, out);
  }
  return out;
}

std::u16string fold(std::u16string_view name) {
  std::u16string out(name);
  for (char16_t& unit : out) unit = up(unit);
  return out;
}

std::u16string_view strip_dots(std::u16string_view name) {
  while (!name.empty() && name.back() == u'.') name.remove_suffix(1);
  return name;
}

bool has_forbidden(std::u16string_view name) {
  for (const char16_t unit : name) {
    if (unit < 0x20 || std::u16string_view(u"\"*:<>?\\|").find(unit) != std::u16string_view::npos) {
      return true;
    }
  }
  return false;
}

size_t entry_count(std::u16string_view name) {
  return 2 + (name.size() + kUnitsPerEntry - 1) / kUnitsPerEntry;
}

}  // namespace zerotail::harness::names
