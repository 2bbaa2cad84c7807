// Which bytes of a file nobody wrote there. Internal to the oracle.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

#include "zerotail/harness/finding.h"
#include "zerotail/harness/model.h"

namespace zerotail::harness {

struct Foreign {
  ByteRange range;
  size_t count = 0;
  bool all_poison = true;
};

// The bytes, from position 0 on, that are in none of the versions: a range around them and how
// many. With `whole`, sectors that are in none of them as they stand count too, all of their bytes:
// a sector is written at once.
[[nodiscard]] std::optional<Foreign> foreign_bytes(std::span<const std::byte> got,
                                                   const std::vector<const ModelNode*>& versions,
                                                   bool zero_is_fine, bool whole, std::byte poison);

}  // namespace zerotail::harness
