// The fault plan of a command: --fault PLAN or --faults FILE, else the trace's own.
#pragma once

#include <CLI/CLI.hpp>
#include <optional>
#include <string>
#include <vector>

#include "zerotail/fault/fault_plan.h"
#include "zerotail/harness/trace.h"

namespace zerotail::cli {

struct FaultOptions {
  std::vector<std::string> plans;
  std::string file;

  void add_to(CLI::App& command);
  // The options' plan; nothing when there is none. An error names the option's word.
  [[nodiscard]] sim::Result<std::optional<fault::FaultPlan>> plan() const;
  // The same, else the plan of the header, which is taken away from it either way.
  [[nodiscard]] sim::Result<std::optional<fault::FaultPlan>> plan(
      harness::TraceHeader* header) const;
};

}  // namespace zerotail::cli
