#include "zerotail/harness/pattern.h"

#include "zerotail/sim/prng.h"

namespace zerotail::harness {
namespace {

constexpr std::byte kZeroStandIn{0xA5};
constexpr uint64_t kFnvBasis = 0xCBF29CE484222325;
constexpr uint64_t kFnvPrime = 0x100000001B3;
constexpr uint64_t kHexLimit = 256;
constexpr size_t kPoisonRun = 8;

// The eight pattern bytes of one aligned word of the file.
uint64_t pattern_word(uint64_t seed, uint64_t offset) {
  return sim::splitmix64(seed ^ (offset >> 3));
}

std::byte byte_of(uint64_t word, uint64_t offset) {
  const std::byte byte{static_cast<uint8_t>((word >> (8 * (offset & 7))) & 0xFF)};
  return byte == std::byte{0} ? kZeroStandIn : byte;
}

}  // namespace

std::byte pattern_byte(uint64_t seed, uint64_t offset) {
  return byte_of(pattern_word(seed, offset), offset);
}

void fill_pattern(uint64_t seed, uint64_t offset, std::span<std::byte> out) {
  uint64_t word = pattern_word(seed, offset);
  for (size_t i = 0; i < out.size(); ++i) {
    const uint64_t at = offset + i;
    if (i != 0 && (at & 7) == 0) word = pattern_word(seed, at);
    out[i] = byte_of(word, at);
  }
}

std::vector<std::byte> pattern(uint64_t seed, uint64_t offset, uint64_t length) {
  std::vector<std::byte> out(length);
  fill_pattern(seed, offset, out);
  return out;
}

uint64_t fnv1a64(std::span<const std::byte> bytes) {
  uint64_t hash = kFnvBasis;
  for (const std::byte byte : bytes) hash = (hash ^ static_cast<uint64_t>(byte)) * kFnvPrime;
  return hash;
}

std::string byte_map(std::span<const std::byte> bytes, std::byte poison) {
  std::string out;
  char kind = 0;
  size_t length = 0;
  const auto add = [&](char next, size_t count) {
    if (next != kind && length != 0) {
      out += kind + std::to_string(length);
      length = 0;
    }
    kind = next;
    length += count;
  };
  size_t i = 0;
  while (i < bytes.size()) {
    size_t end = i + 1;
    while (end < bytes.size() && bytes[end] == bytes[i]) ++end;
    const bool poisoned = bytes[i] == poison && end - i >= kPoisonRun;
    add(bytes[i] == std::byte{0} ? 'z' : (poisoned ? 'p' : 'd'), end - i);
    i = end;
  }
  if (length != 0) out += kind + std::to_string(length);
  return out;
}

std::string hex(std::span<const std::byte> bytes) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string out;
  out.reserve(bytes.size() * 2);
  for (const std::byte byte : bytes) {
    out += kDigits[static_cast<unsigned>(byte) >> 4];
    out += kDigits[static_cast<unsigned>(byte) & 15];
  }
  return out;
}

void describe_bytes(OpResult& result, std::span<const std::byte> bytes, uint64_t asked,
                    std::byte poison) {
  constexpr char kDigits[] = "0123456789abcdef";
  const uint64_t hash = fnv1a64(bytes);
  std::string text(16, '0');
  for (size_t i = 0; i < text.size(); ++i) text[i] = kDigits[(hash >> (60 - 4 * i)) & 15];
  result.set("fnv", text);
  if (asked <= kHexLimit) result.set("hex", hex(bytes));
  result.set("map", byte_map(bytes, poison));
}

}  // namespace zerotail::harness
