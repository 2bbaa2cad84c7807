// Changes recipes as a fuzzer wants it: always into recipes that run, one field, position, value or
// operation at a time. The numbers are those around which file systems break: limits of the volume,
// neighbours of clusters in use, sizes around sectors, clusters and the device.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "fuzz/recipe.h"
#include "zerotail/sim/prng.h"

namespace zerotail::fuzz {

// At most `limit` bytes long; the same for the same input and seed. What is no recipe becomes one.
[[nodiscard]] std::string mutate(std::string_view input, size_t limit, uint64_t seed);
// Edits of both and operations of both, on one base.
[[nodiscard]] std::string cross(std::string_view one, std::string_view other, size_t limit,
                                uint64_t seed);

}  // namespace zerotail::fuzz
