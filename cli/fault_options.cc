#include "zerotail/cli/fault_options.h"

#include <fstream>
#include <iterator>

#include "zerotail/harness/disk_stack.h"

namespace zerotail::cli {

void FaultOptions::add_to(CLI::App& command) {
  command.add_option("--fault", plans,
                     "Spoil requests to the disk, e.g. 'write-error in=fat once' (zerotail atlas "
                     "--list; fault/README.md); repeatable");
  command.add_option("--faults", file, "A file with a fault plan, a rule a line");
}

sim::Result<std::optional<fault::FaultPlan>> FaultOptions::plan() const {
  if (plans.empty() && file.empty()) return std::optional<fault::FaultPlan>();
  if (!plans.empty() && !file.empty()) {
    return sim::Error(sim::Errno::kInval, "--fault and --faults exclude each other");
  }
  std::string text;
  for (const std::string& plan : plans) text += plan + "\n";
  if (!file.empty()) {
    std::ifstream in(file, std::ios::binary);
    if (!in) return sim::Error(sim::Errno::kNoEnt, file + ": cannot be opened");
    text.assign(std::istreambuf_iterator<char>(in), {});
    if (in.bad()) return sim::Error(sim::Errno::kIo, file + ": cannot be read");
  }
  ZT_ASSIGN(fault::FaultPlan plan, fault::parse_fault_plan(text));
  ZT_TRY(harness::check_regions(plan));
  return std::optional<fault::FaultPlan>(std::move(plan));
}

sim::Result<std::optional<fault::FaultPlan>> FaultOptions::plan(
    harness::TraceHeader* header) const {
  ZT_ASSIGN(std::optional<fault::FaultPlan> own, harness::take_faults(header));
  ZT_ASSIGN(std::optional<fault::FaultPlan> given, plan());
  return given ? given : own;
}

}  // namespace zerotail::cli
