// Which barriers matter: as text for people, JSON for tools, and a page that says what it comes to
// over many workloads. All figures are the same on every machine.
#pragma once

#include <string>
#include <vector>

#include "zerotail/harness/barriers.h"

namespace zerotail::reports {

[[nodiscard]] std::string barriers_to_text(const std::vector<harness::BarrierReport>& reports);
[[nodiscard]] std::string barriers_to_json(const std::vector<harness::BarrierReport>& reports);
// Barriers of the same kind in the same call together. `command`: what made it.
[[nodiscard]] std::string barriers_to_page(const std::vector<harness::BarrierReport>& reports,
                                           const std::string& command);

}  // namespace zerotail::reports
