// Part reports as JSON, exact in both directions. Internal to the store.
#pragma once

#include <string>

#include "zerotail/harness/exploration.h"

namespace zerotail::harness {

// Without findings: those are rows of their own.
[[nodiscard]] std::string part_to_text(const PartReport& part);
// False: not such a text.
[[nodiscard]] bool part_from_text(const std::string& text, PartReport* part);

}  // namespace zerotail::harness
