// What the parts of mkfs share with each other and with nobody else.
#pragma once

#include <string_view>
#include <vector>

#include "zerotail/exfat/geometry.h"
#include "zerotail/exfat/mkfs.h"
#include "zerotail/exfat/upcase_table.h"

namespace zerotail::exfat {

// A label as UTF-16. EINVAL: not UTF-8, or more than 11 units.
[[nodiscard]] sim::Result<std::vector<uint16_t>> label_units(std::string_view label);

// The twelve sectors of a boot region, checksum sector included.
[[nodiscard]] std::vector<std::byte> boot_region(const VolumeLayout& layout, uint32_t serial);

}  // namespace zerotail::exfat
