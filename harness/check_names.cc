// Names: UTF-16 on the disk, UTF-8 for people, case folding by the volume's own table.
#include <array>

#include "check_disk.h"

namespace zerotail::harness {

namespace {

constexpr size_t kUnits = 0x10000;
constexpr char32_t kReplacement = 0xFFFD;

void append_utf8(std::string& out, char32_t code) {
  const auto tail = [&](unsigned shift) {
    out += static_cast<char>(0x80 | (code >> shift & 0x3F));
  };
  if (code < 0x80) {
    out += static_cast<char>(code);
  } else if (code < 0x800) {
    out += static_cast<char>(0xC0 | code >> 6);
    tail(0);
  } else if (code < 0x10000) {
    out += static_cast<char>(0xE0 | code >> 12);
    tail(6);
    tail(0);
  } else {
    out += static_cast<char>(0xF0 | code >> 18);
    tail(12);
    tail(6);
    tail(0);
  }
}

bool high_surrogate(char16_t unit) { return unit >= 0xD800 && unit < 0xDC00; }
bool low_surrogate(char16_t unit) { return unit >= 0xDC00 && unit < 0xE000; }

// One code point of UTF-8; an ill-formed byte becomes the replacement character.
char32_t next_code(std::string_view text, size_t& at) {
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(at++);
  if (lead < 0x80) return lead;
  const unsigned more = lead >= 0xF0 && lead < 0xF5   ? 3
                        : lead >= 0xE0 && lead < 0xF0 ? 2
                        : lead >= 0xC2 && lead < 0xE0 ? 1
                                                      : 0;
  if (more == 0 || at + more > text.size()) return kReplacement;
  char32_t code = lead & (0x3Fu >> more);
  for (unsigned i = 0; i < more; ++i) {
    if ((byte(at + i) & 0xC0) != 0x80) return kReplacement;
    code = code << 6 | (byte(at + i) & 0x3F);
  }
  at += more;
  const bool too_small = (more == 2 && code < 0x800) || (more == 3 && code < 0x10000);
  if (too_small || code > 0x10FFFF || (code >= 0xD800 && code < 0xE000)) return kReplacement;
  return code;
}

}  // namespace

std::string to_utf8(std::u16string_view utf16) {
  std::string out;
  out.reserve(utf16.size());
  for (size_t i = 0; i < utf16.size(); ++i) {
    const char16_t unit = utf16[i];
    if (high_surrogate(unit) && i + 1 < utf16.size() && low_surrogate(utf16[i + 1])) {
      const char32_t high = static_cast<char32_t>(unit - 0xD800) << 10;
      append_utf8(out, 0x10000 + high + static_cast<char32_t>(utf16[++i] - 0xDC00));
    } else {
      append_utf8(out, high_surrogate(unit) || low_surrogate(unit) ? kReplacement : unit);
    }
  }
  return out;
}

std::u16string to_utf16(std::string_view utf8) {
  std::u16string out;
  out.reserve(utf8.size());
  for (size_t at = 0; at < utf8.size();) {
    const char32_t code = next_code(utf8, at);
    if (code < 0x10000) {
      out += static_cast<char16_t>(code);
    } else {
      out += static_cast<char16_t>(0xD800 + ((code - 0x10000) >> 10));
      out += static_cast<char16_t>(0xDC00 + ((code - 0x10000) & 0x3FF));
    }
  }
  return out;
}

UpcaseTable::UpcaseTable() {
  static const std::vector<char16_t> kAscii = [] {
    std::vector<char16_t> map(kUnits);
    for (size_t i = 0; i < kUnits; ++i) map[i] = static_cast<char16_t>(i);
    for (char16_t c = u'a'; c <= u'z'; ++c) map[c] = static_cast<char16_t>(c - u'a' + u'A');
    return map;
  }();
  static const sim::Digest kDigest =
      sim::bytes_digest(kAscii.data(), kAscii.size() * sizeof(char16_t));
  map_ = kAscii;
  digest_ = kDigest;
}

// Specification 7.2.5: 0xFFFF and a count stand for that many units which map to themselves.
std::optional<UpcaseTable> UpcaseTable::parse(std::span<const std::byte> stored) {
  UpcaseTable table;
  for (char16_t c = u'a'; c <= u'z'; ++c) table.map_[c] = c;
  const size_t units = stored.size() / 2;
  size_t at = 0;
  for (size_t i = 0; i < units; ++i) {
    const uint16_t unit = disk::u16(stored.data() + 2 * i);
    if (at >= kUnits) return std::nullopt;
    // As the last unit of an uncompressed table 0xFFFF stands for itself.
    if (unit == 0xFFFF && i + 1 < units) {
      at += disk::u16(stored.data() + 2 * ++i);
      if (at > kUnits) return std::nullopt;
    } else {
      table.map_[at++] = static_cast<char16_t>(unit);
    }
  }
  table.digest_ = sim::bytes_digest(table.map_.data(), kUnits * sizeof(char16_t));
  table.from_volume_ = true;
  return table;
}

uint16_t UpcaseTable::name_hash(std::u16string_view name) const {
  uint16_t hash = 0;
  for (const char16_t unit : name) {
    const char16_t upper = map_[unit];
    hash = disk::add16(hash, static_cast<uint8_t>(upper & 0xFF));
    hash = disk::add16(hash, static_cast<uint8_t>(upper >> 8));
  }
  return hash;
}

// FNV-1a over the upcased units; never 0, which stands for "no name".
uint32_t UpcaseTable::name_key(std::u16string_view name) const {
  uint32_t key = 0x811C9DC5;
  for (const char16_t unit : name) key = (key ^ map_[unit]) * 0x01000193;
  return key == 0 ? 1 : key;
}

bool UpcaseTable::same_name(std::u16string_view a, std::u16string_view b) const {
  if (a.size() != b.size()) return false;
  for (size_t i = 0; i < a.size(); ++i) {
    if (map_[a[i]] != map_[b[i]]) return false;
  }
  return true;
}

}  // namespace zerotail::harness
