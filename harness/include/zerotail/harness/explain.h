// Why a finding is what it is on today's exFAT: the reason that a baseline gives for accepting it.
#pragma once

#include <string>
#include <string_view>

#include "zerotail/harness/finding.h"

namespace zerotail::harness {

// One sentence; empty when nobody has understood it yet. `workload` as in Finding.
[[nodiscard]] std::string explain(const Violation& violation, std::string_view workload);

}  // namespace zerotail::harness
