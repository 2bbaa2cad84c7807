// zerotail repro and zerotail export: one crash state, rebuilt from its id.
#include <fmt/format.h>

#include "log_state.h"
#include "zerotail/cli/commands.h"
#include "zerotail/cli/fault_options.h"
#include "zerotail/harness/enumerate.h"
#include "zerotail/sim/image_file.h"

namespace zerotail::cli {
namespace {

struct Options {
  std::string id;
  std::string trace;
  std::string base_image;
  std::string image;  // export: the output
  bool keep_free = false;
  bool force = false;
  FaultOptions faults;
  LogStateOptions log;
};

void add_source_options(CLI::App& command, Options* options) {
  command.add_option(
      "--trace", options->trace,
      "The trace of the state, when it is neither a built-in workload nor enumerated");
  command.add_option("--base", options->base_image,
                     "The image that the exploration started from, when there was one");
  options->faults.add_to(command);
  options->log.input.add_to(command);
  command.add_flag("--keep-free", options->keep_free,
                   "As given to explore: the image's free clusters keep their content");
}

sim::Result<harness::Workload> workload_of(const Options& options, const harness::ReproId& id) {
  if (options.trace.empty()) {
    auto workload = harness::workload_by_name(id.workload);
    if (workload.ok() || id.workload.rfind("trace-", 0) != 0) return workload;
    return sim::Error(sim::Errno::kInval,
                      fmt::format("'{}' names a trace file: give it with --trace", id.workload));
  }
  ZT_ASSIGN(harness::Trace trace, harness::load_trace(options.trace));
  harness::Workload workload = harness::workload_from_trace(std::move(trace));
  if (workload.name != id.workload) {
    return sim::Error(sim::Errno::kInval, fmt::format("{}: is {}, the id is of {}", options.trace,
                                                      workload.name, id.workload));
  }
  return workload;
}

sim::Result<harness::RebuiltState> rebuild(const Options& options) {
  ZT_ASSIGN(const harness::ReproId id, harness::parse_repro_id(options.id));
  ZT_ASSIGN(const harness::Workload workload, workload_of(options, id));
  harness::RecordOptions record;
  ZT_ASSIGN(record.faults, options.faults.plan());
  if (!options.base_image.empty()) {
    ZT_ASSIGN(const sim::MemDisk disk, sim::load_image(options.base_image, {}));
    record.image = disk.snapshot();
    record.keep_free = options.keep_free;
  }
  return harness::rebuild(workload, id, record);
}

ExitCode run_repro(const Options& options, Terminal& terminal) {
  if (harness::is_log_state_id(options.id)) {
    return repro_log_state(options.id, options.log, options.base_image, terminal);
  }
  const sim::ReproScope scope("zerotail repro " + options.id);
  const auto state = rebuild(options);
  if (!state.ok()) return terminal.fail(options.id, state.error());
  terminal.print(state->description + "\n");
  for (const harness::Violation& v : state->violations) {
    const std::string range =
        v.range ? fmt::format(" bytes [{}, {})", v.range->begin, v.range->end) : std::string{};
    terminal.print(fmt::format("{} {}: '{}'{}: {}\n", harness::contract_info(v.contract).name,
                               v.kind, v.path, range, v.detail));
  }
  terminal.print(fmt::format("{} violations\n", state->violations.size()));
  return state->violations.empty() ? ExitCode::kOk : ExitCode::kNewViolations;
}

ExitCode run_export(const Options& options, Terminal& terminal) {
  if (harness::is_log_state_id(options.id)) {
    return export_log_state(options.id, options.log.input, options.base_image, options.image,
                            options.force, terminal);
  }
  const sim::ReproScope scope("zerotail export --state " + options.id);
  const auto state = rebuild(options);
  if (!state.ok()) return terminal.fail(options.id, state.error());
  const sim::Status saved = sim::save_image(options.image, state->disk, options.force);
  if (!saved.ok()) return terminal.fail(options.image, saved.error());
  terminal.print(fmt::format("{}: {} bytes, digest {}\n", options.image,
                             sim::bytes(state->disk.capacity()).value(),
                             state->disk.digest().hex()));
  return ExitCode::kOk;
}

}  // namespace

Run setup_repro(CLI::App& command) {
  auto options = std::make_shared<Options>();
  command.add_option("ID", options->id, "A repro id, as in a finding")->required();
  add_source_options(command, options.get());
  options->log.check.add_to(command);
  return [options](Terminal& terminal) { return run_repro(*options, terminal); };
}

Run setup_export(CLI::App& command) {
  auto options = std::make_shared<Options>();
  command.add_option("--state", options->id, "A repro id, as in a finding")->required();
  command.add_option("--image", options->image, "The image file to write")->required();
  add_source_options(command, options.get());
  command.add_flag("--force", options->force, "Overwrite an existing image");
  return [options](Terminal& terminal) { return run_export(*options, terminal); };
}

}  // namespace zerotail::cli
