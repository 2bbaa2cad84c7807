// zerotail atlas: what becomes of every kind of fault on every structure of the volume.
#include <fmt/format.h>

#include <memory>
#include <optional>

#include "zerotail/cli/commands.h"
#include "zerotail/cli/output_file.h"
#include "zerotail/harness/disk_stack.h"
#include "zerotail/harness/fault_atlas.h"
#include "zerotail/reports/atlas_report.h"

namespace zerotail::cli {
namespace {

struct Options {
  std::string trace;
  std::string fault;
  std::string json;
  std::string page;
  harness::AtlasOptions atlas;
  bool list = false;
  bool force = false;
};

ExitCode list_faults(Terminal& terminal) {
  for (const fault::FaultKind* kind : fault::fault_kinds()) {
    terminal.print(fmt::format("{:<18} {}\n", kind->name, kind->about));
  }
  terminal.print("structures:");
  for (const std::string& structure : harness::atlas_structures()) terminal.print(" " + structure);
  terminal.print("\n");
  return ExitCode::kOk;
}

ExitCode run_one(const Options& options, const harness::AtlasRunner& atlas, Terminal& terminal) {
  const auto plan = fault::parse_fault_plan(options.fault);
  if (!plan.ok()) return terminal.fail("--fault", plan.error());
  if (const auto known = harness::check_regions(*plan); !known.ok()) {
    return terminal.fail("--fault", known.error());
  }
  const harness::AtlasCase result = atlas.run(*plan);
  const bool reached = result.outcome != harness::FaultOutcome::kNotReached;
  terminal.print(fmt::format("{}: {}{}{}\n", result.plan,
                             reached ? harness::name(result.outcome) : "no request was struck",
                             result.detail.empty() ? "" : ": ", result.detail));
  return result.outcome == harness::FaultOutcome::kSilent ? ExitCode::kNewViolations
                                                          : ExitCode::kOk;
}

sim::Status write(OutputFile* file, const std::string& text) {
  ZT_TRY(file->write(text));
  return file->commit();
}

ExitCode run(const Options& options, Terminal& terminal) {
  if (options.list) return list_faults(terminal);
  harness::Trace trace = harness::atlas_trace();
  if (!options.trace.empty()) {
    auto loaded = harness::load_trace(options.trace);
    if (!loaded.ok()) return terminal.fail("atlas", loaded.error());
    trace = std::move(*loaded);
  }
  reports::AtlasReport report;
  report.workload = trace.header.about.empty() ? trace.header.trace : trace.header.about;
  report.cases_per_cell = options.atlas.cases_per_cell;
  // Outputs are refused before the work starts.
  std::optional<OutputFile> json;
  std::optional<OutputFile> page;
  for (const auto& [path, place] : {std::pair(&options.json, &json), {&options.page, &page}}) {
    if (path->empty()) continue;
    auto file = OutputFile::open(*path, options.force);
    if (!file.ok()) return terminal.fail(*path, file.error());
    place->emplace(std::move(*file));
  }
  const auto atlas = harness::AtlasRunner::create(std::move(trace));
  if (!atlas.ok()) return terminal.fail("atlas", atlas.error());
  if (!options.fault.empty()) return run_one(options, *atlas, terminal);
  auto cells = atlas->run_all(options.atlas);
  if (!cells.ok()) return terminal.fail("atlas", cells.error());
  report.cells = std::move(*cells);
  terminal.print(reports::to_text(report));
  if (json) {
    if (const auto status = write(&*json, reports::to_json(report)); !status.ok()) {
      return terminal.fail(options.json, status.error());
    }
  }
  if (page) {
    if (const auto status = write(&*page, reports::to_page(report)); !status.ok()) {
      return terminal.fail(options.page, status.error());
    }
  }
  return ExitCode::kOk;
}

}  // namespace

Run setup_atlas(CLI::App& command) {
  auto options = std::make_shared<Options>();
  command.add_option("TRACE", options->trace, "The workload (default: one that comes with it)");
  command.add_option("--fault", options->fault,
                     "Run this fault plan alone; exits with 1 when it is silent");
  command.add_option("--structure", options->atlas.structures, "Only this structure; repeatable");
  command.add_option("--kind", options->atlas.kinds, "Only this kind of fault; repeatable");
  command
      .add_option("--cases", options->atlas.cases_per_cell,
                  "The first so many requests of each structure")
      ->capture_default_str();
  command.add_flag("--list", options->list, "List the kinds of faults and the structures");
  command.add_option("--json", options->json, "Write the atlas there as JSON");
  command.add_option("--page", options->page, "Write the atlas there as a page (Markdown)");
  command.add_flag("--force", options->force, "Overwrite existing outputs");
  return [options](Terminal& terminal) { return run(*options, terminal); };
}

}  // namespace zerotail::cli
