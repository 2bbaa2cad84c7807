// The outcome of comparing orderings: as JSON for tools, as text for people, and as the page for
// the maintainers of exFAT (docs/ORDERING.md). All figures are counts and sums over the log: the
// same on every machine.
#pragma once

#include <string>
#include <vector>

#include "zerotail/harness/ordering_lab.h"

namespace zerotail::reports {

// The rules with what they remove, add and cost: to be read in ten seconds.
[[nodiscard]] std::string to_text(const harness::LabReport& report);
[[nodiscard]] std::string to_json(const harness::LabReport& report);

// A file of the page: the page itself, or a trace that it shows.
struct PageFile {
  std::string name;  // relative to the page's folder
  std::string content;
};
// `page`: the file name of the page ("ORDERING.md"); traces stand in a folder beside it, named in
// small letters. `command`: what made it. The first file is the page.
[[nodiscard]] std::vector<PageFile> to_page(const harness::LabReport& report,
                                            const std::string& page, const std::string& command);
// One rule's line of the page's table of costs, for those who check the page without exploring.
[[nodiscard]] std::string cost_row(volume::Rule rule, const harness::CostByOperation& with_rule,
                                   const harness::CostByOperation& without);

}  // namespace zerotail::reports
