#include "explore_log.h"

#include <fmt/format.h>
#include <sys/resource.h>

#include <algorithm>
#include <thread>

#include "interrupt.h"
#include "zerotail/harness/log_barriers.h"
#include "zerotail/reports/log_report.h"

namespace zerotail::cli {
namespace {

double seconds_of(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
}

double cpu_seconds(int who) {
  rusage usage{};
  ::getrusage(who, &usage);
  return seconds_of(usage.ru_utime) + seconds_of(usage.ru_stime);
}

// Where the time went: of this machine and this moment, and in no report.
void print_stats(const harness::LogExploration& result, size_t jobs, double wall,
                 Terminal& terminal) {
  const auto states = static_cast<double>(std::max<uint64_t>(1, result.report.states.checked));
  const double checkers = cpu_seconds(RUSAGE_CHILDREN);
  const double own = cpu_seconds(RUSAGE_SELF);
  terminal.print(fmt::format(
      "stats: {:.2f} s on {} jobs: {:.1f} states judged a second; a state costs {:.2f} ms of "
      "processor in the checker and {:.2f} ms here; {:.1f} sectors written a state, {} images put "
      "right after the checker had written to them\n",
      wall, jobs, states / wall, 1e3 * checkers / states, 1e3 * own / states,
      static_cast<double>(result.sectors_written) / states, result.repairs));
}

ExitCode finish(harness::LogExploration result, const fault::CrashModelOptions& device,
                const LogRun& run, const harness::LogSource& source, ExploreOutputs* outputs,
                Terminal& terminal) {
  reports::LogReport log;
  log.log = source.log_name;
  log.base = source.base_name;
  log.command = run.options.check.command;
  log.ok = run.options.check.ok;
  log.device = fault::print_device(device);
  log.base_verdict = result.base;
  log.outputs = std::move(result.outputs);
  reports::ExploreReport report;
  report.seed = run.tiers.seed;
  report.budget = run.budget;
  report.add(result.report);
  report.findings = std::move(result.findings);
  const ExploreOutputs::Rendering rendering{
      [&](const reports::ExploreReport& r) { return reports::summary(r, log); },
      [&](const reports::ExploreReport& r) { return reports::to_json(r, log); },
      [&](const reports::ExploreReport& r) { return reports::to_text(r, log); }};
  return outputs->finish(&report, rendering, terminal);
}

ExitCode explore(const LogRun& run, const harness::LogSource& source,
                 const harness::LogExploreOptions& options, ExploreOutputs* outputs,
                 Terminal& terminal) {
  const Interrupt interrupt;
  Progress progress(terminal, {.what = "explore", .unit = "states", .total = 0});
  const auto clock = Progress::steady_clock();
  const auto begin = clock();
  auto result = harness::explore_log(source, options, [&](const harness::LogProgress& now) {
    progress.set_total(now.total);
    progress.update(now.states, now.findings);
    return !Interrupt::asked();
  });
  progress.finish();
  if (!result.ok()) return terminal.fail("explore", result.error());
  if (!result->complete) {
    terminal.note(fmt::format("interrupted after {} states; nothing was kept",
                              result->report.states.checked));
    return ExitCode::kInterrupted;
  }
  if (run.options.stats) {
    const double wall = std::chrono::duration<double>(clock() - begin).count();
    print_stats(*result, options.checker.jobs, wall, terminal);
  }
  return finish(std::move(*result), options.device, run, source, outputs, terminal);
}

// Each flush and FUA of the log left out in turn: which of them the checker misses.
ExitCode explore_barriers(const LogRun& run, const harness::LogExploreOptions& options,
                          Terminal& terminal) {
  const Interrupt interrupt;
  Progress progress(terminal, {.what = "explore", .unit = "states", .total = 0});
  LogInput input = run.options.input;
  const auto load = [&](const std::vector<size_t>& more) {
    input.without = run.options.input.without;
    input.without.insert(input.without.end(), more.begin(), more.end());
    return input.load(run.image, terminal);
  };
  const auto report =
      harness::compare_barriers(load, options, [&](const harness::LogProgress& now) {
        progress.set_total(now.total);
        progress.update(now.states, now.findings);
        return !Interrupt::asked();
      });
  progress.finish();
  if (!report.ok()) return terminal.fail("explore", report.error());
  if (!report->complete) {
    terminal.note("interrupted; nothing was kept");
    return ExitCode::kInterrupted;
  }
  const std::string json = run.output.json;
  if (!json.empty()) {
    auto file = OutputFile::open(json, run.output.force);
    if (!file.ok()) return terminal.fail(json, file.error());
    sim::Status status = file->write(reports::to_json(*report));
    if (status.ok()) status = file->commit();
    if (!status.ok()) return terminal.fail(json, status.error());
  }
  terminal.print(reports::to_text(*report));
  return ExitCode::kOk;
}

}  // namespace

void LogOptions::add_to(CLI::App& command) {
  input.add_to(command);
  check.add_to(command);
  command.add_flag("--check-writes", check_writes,
                   "Make a fresh image for each state of a --log, instead of looking whether the "
                   "checker has written to it");
  command
      .add_option("--jobs", jobs,
                  "Checkers of a --log that run at a time; 0: as many as there are cores")
      ->capture_default_str();
  command.add_flag("--stats", stats, "With --log: print how long it took, and where");
  command.add_flag("--log-barriers", barriers,
                   "With --log: leave out each flush and FUA of the log in turn, and tell which of "
                   "them the checker misses");
}

ExitCode explore_log(const LogRun& run, Terminal& terminal) {
  if (run.options.input.log.empty()) {
    terminal.error("--check-cmd", "needs the --log whose states it checks");
    return ExitCode::kBadInput;
  }
  const auto source = run.options.input.load(run.image, terminal);
  if (!source.ok()) return terminal.fail("--log", source.error());
  const auto folder = ScratchFolder::create(run.options.check.scratch);
  if (!folder.ok()) return terminal.fail("--scratch", folder.error());
  auto checker = run.options.check.checker(*folder);
  if (!checker.ok()) return terminal.fail("--check-cmd", checker.error());
  checker->fresh_images = run.options.check_writes;
  checker->jobs =
      run.options.jobs != 0 ? run.options.jobs : std::max(1U, std::thread::hardware_concurrency());
  harness::LogExploreOptions options;
  options.device.atomic_unit = source->sector_size;
  if (!run.device.empty()) {
    const auto device = fault::parse_device(run.device);
    if (!device.ok()) return terminal.fail("--device", device.error());
    options.device = *device;
  }
  options.tiers = run.tiers;
  options.budget = run.budget;
  options.check_all = run.check_all;
  options.checker = std::move(*checker);
  if (run.options.barriers) return explore_barriers(run, options, terminal);
  auto outputs = ExploreOutputs::open(run.output, std::nullopt);
  if (!outputs.ok()) return terminal.fail("output", outputs.error());
  const ExitCode code = explore(run, *source, options, &*outputs, terminal);
  outputs->give_up();
  return code;
}

}  // namespace zerotail::cli
