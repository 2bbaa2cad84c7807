// Bytes that tell their origin: the pattern that writes carry, and how read bytes are summarised.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "zerotail/harness/op_result.h"

namespace zerotail::harness {

// The byte that a write with this seed puts at a file offset. Never zero.
[[nodiscard]] std::byte pattern_byte(uint64_t seed, uint64_t offset);
void fill_pattern(uint64_t seed, uint64_t offset, std::span<std::byte> out);
[[nodiscard]] std::vector<std::byte> pattern(uint64_t seed, uint64_t offset, uint64_t length);

[[nodiscard]] uint64_t fnv1a64(std::span<const std::byte> bytes);
// Runs with their lengths: d data, z zeros, p poison (8 or more; fewer are data): "d700z324".
[[nodiscard]] std::string byte_map(std::span<const std::byte> bytes, std::byte poison);
[[nodiscard]] std::string hex(std::span<const std::byte> bytes);

// The fields of a read's result: fnv, hex when `asked` <= 256, map.
void describe_bytes(OpResult& result, std::span<const std::byte> bytes, uint64_t asked,
                    std::byte poison = std::byte{0xDB});

}  // namespace zerotail::harness
