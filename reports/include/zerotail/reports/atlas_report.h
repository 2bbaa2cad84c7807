// The fault atlas as text, as a page and as JSON: the same cells, in the same order.
#pragma once

#include <string>
#include <vector>

#include "zerotail/harness/fault_atlas.h"

namespace zerotail::reports {

struct AtlasReport {
  std::string workload;  // what it does, in words
  uint64_t cases_per_cell = 0;
  std::vector<harness::AtlasCell> cells;
};

// A table of the worst outcomes, and a line for each silent cell.
[[nodiscard]] std::string to_text(const AtlasReport& report);
[[nodiscard]] std::string to_json(const AtlasReport& report);
// docs/FAULT-ATLAS.md.
[[nodiscard]] std::string to_page(const AtlasReport& report);
// The page's table row of one kind of fault: for a test of a part of it.
[[nodiscard]] std::string page_row(const std::vector<harness::AtlasCell>& cells_of_kind);

}  // namespace zerotail::reports
