// Why a finding is what it is on today's exFAT: the reason that a baseline gives for accepting it.
#pragma once

#include <string>

#include "zerotail/harness/finding.h"

namespace zerotail::harness {

// One sentence; empty when nobody has understood it yet. From contract, kind, path, workload and
// circumstances.
[[nodiscard]] std::string explain(const Finding& finding);

}  // namespace zerotail::harness
