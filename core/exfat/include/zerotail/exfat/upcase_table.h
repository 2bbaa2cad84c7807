// The recommended up-case table of the exFAT specification (section 7.2.5), generated from a
// compact description of simple case mappings instead of being stored as a list of numbers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "zerotail/sim/units.h"

namespace zerotail::exfat {

inline constexpr uint32_t kUpcaseUnits = 0x10000;  // one entry for every UTF-16 code unit

// Section 7.2.5.1, table 25: what the recommended table must come to.
inline constexpr sim::ByteCount kDefaultUpcaseLength{5836};
inline constexpr uint32_t kDefaultUpcaseChecksum = 0xE619D30D;

// The mapping of every code unit, uncompressed: kUpcaseUnits entries.
[[nodiscard]] std::vector<uint16_t> default_upcase_mapping();

// A mapping in the on-disk form: little-endian units, a run of identity mappings as 0xFFFF and
// its length.
[[nodiscard]] std::vector<std::byte> compress_upcase(std::span<const uint16_t> mapping);

// compress_upcase(default_upcase_mapping()).
[[nodiscard]] std::vector<std::byte> default_upcase_table();

// TableChecksum of section 7.2.2: over the bytes as they are on disk.
[[nodiscard]] uint32_t upcase_checksum(std::span<const std::byte> table);

}  // namespace zerotail::exfat
