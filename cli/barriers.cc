// zerotail barriers: which flushes, PREFLUSHes and FUAs of a workload matter, and which are
// missing.
#include "zerotail/cli/commands.h"
#include "zerotail/cli/output_file.h"
#include "zerotail/harness/workloads.h"
#include "zerotail/reports/barrier_report.h"

namespace zerotail::cli {
namespace {

struct Options {
  std::vector<std::string> traces;
  std::vector<std::string> workloads;
  std::string device;
  std::string ordering;
  std::string json;
  uint64_t budget = harness::ExploreOptions{}.budget;
  uint64_t seed = 1;
  bool force = false;
};

sim::Result<std::vector<harness::Workload>> workloads_of(const Options& options) {
  std::vector<harness::Workload> workloads;
  for (const std::string& file : options.traces) {
    ZT_ASSIGN(harness::Trace trace, harness::load_trace(file));
    workloads.push_back(harness::workload_from_trace(std::move(trace)));
  }
  for (const std::string& name : options.workloads) {
    ZT_ASSIGN(harness::Workload workload, harness::builtin_workload(name));
    workloads.push_back(std::move(workload));
  }
  if (workloads.empty()) workloads = harness::builtin_workloads();
  return workloads;
}

ExitCode run(const Options& options, Terminal& terminal) {
  const auto workloads = workloads_of(options);
  if (!workloads.ok()) return terminal.fail("barriers", workloads.error());
  harness::ExploreOptions explore;
  explore.budget = options.budget;
  explore.tiers.seed = options.seed;
  explore.record.seed = options.seed;
  if (!options.device.empty()) {
    const auto device = harness::parse_device(options.device);
    if (!device.ok()) return terminal.fail("--device", device.error());
    explore.record.device = *device;
  }
  std::optional<OutputFile> json;
  if (!options.json.empty()) {
    auto file = OutputFile::open(options.json, options.force);
    if (!file.ok()) return terminal.fail(options.json, file.error());
    json.emplace(std::move(*file));
  }
  Progress progress(terminal,
                    {.what = "barriers", .unit = "workloads", .total = workloads->size()});
  std::vector<harness::BarrierReport> reports;
  for (const harness::Workload& workload : *workloads) {
    progress.update(reports.size(), 0);
    const auto ordering = volume::parse_ordering(
        options.ordering.empty() ? workload.trace.header.ordering : options.ordering);
    if (!ordering.ok()) return terminal.fail("--ordering", ordering.error());
    explore.record.ordering = *ordering;
    auto report = harness::examine_barriers(workload, explore);
    if (!report.ok()) return terminal.fail(workload.name, report.error());
    reports.push_back(std::move(*report));
  }
  progress.finish();
  terminal.print(reports::barriers_to_text(reports));
  if (json) {
    sim::Status written = json->write(reports::barriers_to_json(reports));
    if (written.ok()) written = json->commit();
    if (!written.ok()) return terminal.fail(options.json, written.error());
  }
  return ExitCode::kOk;
}

}  // namespace

Run setup_barriers(CLI::App& command) {
  auto options = std::make_shared<Options>();
  command.add_option("TRACE", options->traces,
                     "Trace files to examine (default: the built-in workloads)");
  command.add_option("--workload", options->workloads, "A built-in workload; may be repeated");
  command.add_option("--device", options->device, "The kind of device, as for explore");
  command.add_option("--ordering", options->ordering,
                     "The order of metadata writes: linux, careful, or rules with commas between "
                     "(default: what the trace's header says)");
  command.add_option("--budget", options->budget, "Crash states an exploration, at most")
      ->capture_default_str();
  command.add_option("--seed", options->seed, "Seed of every random choice")->capture_default_str();
  command.add_option("--json", options->json, "Write the outcome there as well");
  command.add_flag("--force", options->force, "Overwrite an existing output");
  return [options](Terminal& terminal) { return run(*options, terminal); };
}

}  // namespace zerotail::cli
