// Which barriers matter, as text for people and JSON for tools.
#pragma once

#include <string>
#include <vector>

#include "zerotail/harness/barriers.h"

namespace zerotail::reports {

[[nodiscard]] std::string barriers_to_text(const std::vector<harness::BarrierReport>& reports);
[[nodiscard]] std::string barriers_to_json(const std::vector<harness::BarrierReport>& reports);

}  // namespace zerotail::reports
