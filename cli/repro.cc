// zerotail repro and zerotail export: one crash state, rebuilt from its id.
#include <fmt/format.h>

#include "log_state.h"
#include "source_options.h"
#include "zerotail/sim/image_file.h"

namespace zerotail::cli {
namespace {

struct Options {
  std::string id;
  std::string image;  // export: the output
  bool force = false;
  SourceOptions source;
  LogStateOptions log;
};

sim::Result<harness::RebuiltState> rebuild(const Options& options) {
  ZT_ASSIGN(const harness::ReproId id, harness::parse_repro_id(options.id));
  ZT_ASSIGN(const harness::Workload workload, options.source.workload(id));
  ZT_ASSIGN(const harness::RecordOptions record, options.source.record());
  return harness::rebuild(workload, id, record);
}

ExitCode run_repro(const Options& options, Terminal& terminal) {
  if (harness::is_log_state_id(options.id)) {
    return repro_log_state(options.id, options.log, options.source.base_image, terminal);
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
    return export_log_state(options.id, options.log.input, options.source.base_image, options.image,
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
  options->source.add_to(command);
  options->log.input.add_to(command);
  options->log.check.add_to(command);
  return [options](Terminal& terminal) { return run_repro(*options, terminal); };
}

Run setup_export(CLI::App& command) {
  auto options = std::make_shared<Options>();
  command.add_option("--state", options->id, "A repro id, as in a finding")->required();
  command.add_option("--image", options->image, "The image file to write")->required();
  options->source.add_to(command);
  options->log.input.add_to(command);
  command.add_flag("--force", options->force, "Overwrite an existing image");
  return [options](Terminal& terminal) { return run_export(*options, terminal); };
}

}  // namespace zerotail::cli
