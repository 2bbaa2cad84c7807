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
  std::string io_path;
  std::string json;
  std::string page;
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

// What its trace's header asks for, where the command line does not.
sim::Result<harness::BarrierReport> examine(const Options& options,
                                            const harness::Workload& workload,
                                            harness::ExploreOptions explore) {
  const harness::TraceHeader& header = workload.trace.header;
  ZT_ASSIGN(explore.record.ordering,
            volume::parse_ordering(options.ordering.empty() ? header.ordering : options.ordering));
  ZT_ASSIGN(explore.record.io_path,
            volume::parse_io_path(options.io_path.empty() ? header.io_path : options.io_path));
  return harness::examine_barriers(workload, explore);
}

sim::Status write_file(const std::string& path, std::string_view text, bool force) {
  if (path.empty()) return {};
  ZT_ASSIGN(OutputFile file, OutputFile::open(path, force));
  ZT_TRY(file.write(text));
  return file.commit();
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
  // Outputs are refused before the work starts.
  for (const std::string& path : {options.json, options.page}) {
    if (path.empty()) continue;
    const auto place = OutputFile::open(path, options.force);
    if (!place.ok()) return terminal.fail(path, place.error());
  }
  Progress progress(terminal,
                    {.what = "barriers", .unit = "workloads", .total = workloads->size()});
  std::vector<harness::BarrierReport> reports;
  for (const harness::Workload& workload : *workloads) {
    progress.update(reports.size(), 0);
    auto report = examine(options, workload, explore);
    if (!report.ok()) return terminal.fail(workload.name, report.error());
    reports.push_back(std::move(*report));
  }
  progress.finish();
  terminal.print(reports::barriers_to_text(reports));
  if (const auto status =
          write_file(options.json, reports::barriers_to_json(reports), options.force);
      !status.ok()) {
    return terminal.fail(options.json, status.error());
  }
  const std::string command = "scripts/zerotail barriers --page " + options.page + " --force";
  if (const auto status =
          write_file(options.page, reports::barriers_to_page(reports, command), options.force);
      !status.ok()) {
    return terminal.fail(options.page, status.error());
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
  command.add_option("--io-path", options->io_path, kIoPathHelp);
  command.add_option("--json", options->json, "Write the outcome there as well");
  command.add_option("--page", options->page,
                     "Write what it comes to as a page there (docs/BARRIERS.md was made so)");
  command.add_flag("--force", options->force, "Overwrite an existing output");
  return [options](Terminal& terminal) { return run(*options, terminal); };
}

}  // namespace zerotail::cli
