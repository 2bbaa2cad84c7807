#include "log_state.h"

#include <fmt/format.h>

#include "zerotail/sim/image_file.h"

namespace zerotail::cli {
namespace {

sim::Result<harness::RebuiltLogState> rebuild(const std::string& text, const LogInput& input,
                                              const std::string& base, Terminal& terminal) {
  ZT_ASSIGN(const harness::LogStateId id, harness::parse_log_state_id(text));
  if (input.log.empty()) {
    return sim::Error(sim::Errno::kInval, "the id is of a log's state: give it with --log");
  }
  ZT_ASSIGN(const harness::LogSource source, input.load(base, terminal));
  return harness::rebuild(source, id);
}

}  // namespace

ExitCode repro_log_state(const std::string& id, const LogStateOptions& options,
                         const std::string& base, Terminal& terminal) {
  const auto state = rebuild(id, options.input, base, terminal);
  if (!state.ok()) return terminal.fail(id, state.error());
  const auto folder = ScratchFolder::create(options.check.scratch);
  if (!folder.ok()) return terminal.fail("--scratch", folder.error());
  const auto checker = options.check.checker(*folder);
  if (!checker.ok()) return terminal.fail("--check-cmd", checker.error());
  const auto verdict = harness::judge_disk(state->disk, state->mark, *checker);
  if (!verdict.ok()) return terminal.fail("--check-cmd", verdict.error());
  terminal.print(fmt::format("{}\n{}", state->description, verdict->outcome.output));
  terminal.print(fmt::format("{}: {}\n", verdict->outcome.kind(), verdict->good ? "good" : "bad"));
  return verdict->good ? ExitCode::kOk : ExitCode::kNewViolations;
}

ExitCode export_log_state(const std::string& id, const LogInput& input, const std::string& base,
                          const std::string& to, bool force, Terminal& terminal) {
  const auto state = rebuild(id, input, base, terminal);
  if (!state.ok()) return terminal.fail(id, state.error());
  const sim::Status saved = sim::save_image(to, state->disk, force);
  if (!saved.ok()) return terminal.fail(to, saved.error());
  terminal.print(fmt::format("{}: {} bytes, digest {}\n", to,
                             sim::bytes(state->disk.capacity()).value(),
                             state->disk.digest().hex()));
  return ExitCode::kOk;
}

}  // namespace zerotail::cli
