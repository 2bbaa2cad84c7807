// What the parts of mkfs share with each other and with nobody else.
#pragma once

#include <string_view>
#include <vector>

#include "zerotail/exfat/mkfs.h"
#include "zerotail/exfat/upcase_table.h"

namespace zerotail::exfat {

inline constexpr sim::Cluster kFirstCluster{2};

// A label as UTF-16. EINVAL: not UTF-8, or more than 11 units.
[[nodiscard]] sim::Result<std::vector<uint16_t>> label_units(std::string_view label);

// The twelve sectors of a boot region, checksum sector included.
[[nodiscard]] std::vector<std::byte> boot_region(const VolumeLayout& layout, uint32_t serial);

// Stores `value` little-endian, `width` bytes at `offset`.
void put_le(std::span<std::byte> out, size_t offset, uint64_t value, size_t width);

}  // namespace zerotail::exfat
