// zerotail explore --compare-orderings: what each rule of an ordering is worth and costs.
#pragma once

#include <string>
#include <vector>

#include "zerotail/cli/commands.h"
#include "zerotail/harness/ordering_lab.h"

namespace zerotail::cli {

struct CompareOptions {
  std::string json;     // empty: none
  std::string page;     // the page for maintainers; its traces stand in a folder beside it
  std::string command;  // what the page says made it
  bool force = false;
};

// Explores the jobs under every ordering; text to the terminal, the outputs that were asked for.
[[nodiscard]] ExitCode compare_orderings(const std::vector<harness::LabJob>& jobs,
                                         const harness::ExploreOptions& explore,
                                         const CompareOptions& options, Terminal& terminal);

}  // namespace zerotail::cli
