// Why a finding is what it is on today's exFAT: the reason that a baseline gives for accepting it.
#pragma once

#include <string>

#include "zerotail/harness/finding.h"

namespace zerotail::harness {

// One sentence for (contract, kind); empty when nobody has understood it yet.
[[nodiscard]] std::string explain(const Violation& violation);

}  // namespace zerotail::harness
