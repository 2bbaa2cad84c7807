// zerotail property: random runs of the core, judged by everything that must hold.
#include "zerotail/harness/property.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <map>
#include <mutex>
#include <thread>
#include <vector>

#include "interrupt.h"
#include "zerotail/cli/commands.h"
#include "zerotail/cli/output_file.h"
#include "zerotail/sim/assert.h"

namespace zerotail::cli {
namespace {

struct Options {
  uint64_t seconds = 0;
  uint64_t runs = 0;
  uint64_t seed = 1;
  uint64_t jobs = 0;
  bool collect = false;
  bool print = false;
  bool force = false;
  std::string out;
  harness::PropertyOptions property;
};

// What all shards have done so far.
struct Shared {
  std::mutex mutex;
  std::condition_variable ended;
  uint64_t next = 0;  // run number
  uint64_t runs = 0;
  uint64_t operations = 0;
  uint64_t states = 0;
  unsigned working = 0;
  bool stop = false;
  // By fingerprint: the failure of the smallest seed, and how many runs showed it.
  std::map<std::string, std::pair<harness::PropertyFailure, uint64_t>> failures;
};

std::string repro_line(const Options& options, uint64_t seed) {
  const harness::PropertyOptions& property = options.property;
  std::string line =
      fmt::format("zerotail property --seed {} --runs 1 --ops {}", seed, property.operations);
  if (!property.io_path.empty()) line += " --io-path " + property.io_path;
  const harness::PropertyOptions usual;
  if (property.crash_every != usual.crash_every) {
    line += fmt::format(" --crash-every {}", property.crash_every);
  }
  if (property.crash_budget != usual.crash_budget) {
    line += fmt::format(" --crash-budget {}", property.crash_budget);
  }
  return line;
}

void note(const Options& options, harness::PropertyRun run, Shared* shared) {
  ++shared->runs;
  shared->operations += run.operations;
  shared->states += run.states;
  if (!run.failure) return;
  const std::string fingerprint = run.failure->fingerprint;
  auto [place, fresh] = shared->failures.try_emplace(fingerprint, std::move(*run.failure), 0);
  ++place->second.second;
  if (!fresh && run.failure->seed < place->second.first.seed) {
    place->second.first = std::move(*run.failure);
  }
  if (!options.collect) shared->stop = true;
}

void work(const Options& options, Shared* shared) {
  std::unique_lock<std::mutex> guard(shared->mutex);
  while (!shared->stop && (options.runs == 0 || shared->next < options.runs)) {
    const uint64_t seed = options.seed + shared->next++;
    guard.unlock();
    const sim::ReproScope repro(repro_line(options, seed));
    harness::PropertyRun run = harness::run_property(seed, options.property);
    guard.lock();
    note(options, std::move(run), shared);
  }
  --shared->working;
  shared->ended.notify_all();
}

// Runs the shards until the time or the runs are used up, a failure ends them, or the user does.
void run_shards(const Options& options, Terminal& terminal, Shared* shared) {
  Progress progress(terminal, {.what = "property", .unit = "runs", .total = options.runs});
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(options.seconds);
  std::vector<std::thread> threads;
  shared->working = static_cast<unsigned>(options.jobs);
  for (uint64_t i = 0; i < options.jobs; ++i) {
    threads.emplace_back([&options, shared] { work(options, shared); });
  }
  {
    std::unique_lock<std::mutex> guard(shared->mutex);
    while (shared->working > 0) {
      shared->ended.wait_for(guard, std::chrono::milliseconds(100));
      progress.update(shared->runs, shared->failures.size());
      const bool over = options.seconds != 0 && std::chrono::steady_clock::now() >= until;
      if (over || Interrupt::asked()) shared->stop = true;
    }
  }
  for (std::thread& thread : threads) thread.join();
  progress.finish();
}

// Where the trace went, or an empty text.
sim::Result<std::string> save(const Options& options, const harness::PropertyFailure& failure) {
  if (options.out.empty()) return std::string{};
  const std::string path = fmt::format("{}/property-{}.trace", options.out, failure.fingerprint);
  ZT_ASSIGN(OutputFile file, OutputFile::open(path, options.force));
  ZT_TRY(file.write(harness::print_trace(failure.trace)));
  ZT_TRY(file.commit());
  return path;
}

ExitCode run(Options options, Terminal& terminal) {
  if (options.print) {
    const auto trace = harness::draw_trace(options.seed, options.property);
    if (!trace.ok()) return terminal.fail("--seed", trace.error());
    terminal.print(harness::print_trace(*trace));
    return ExitCode::kOk;
  }
  if (options.seconds == 0 && options.runs == 0) options.seconds = 10;
  if (options.jobs == 0) options.jobs = std::max(1U, std::thread::hardware_concurrency());
  const Interrupt interrupt;
  Shared shared;
  const auto started = std::chrono::steady_clock::now();
  run_shards(options, terminal, &shared);
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - started;
  ExitCode code = shared.failures.empty() ? ExitCode::kOk : ExitCode::kNewViolations;
  for (const auto& [fingerprint, found] : shared.failures) {
    terminal.note(fmt::format("minimising {} (seed {})", fingerprint, found.first.seed));
    const harness::PropertyFailure failure =
        harness::minimise_failure(found.first, options.property, Interrupt::asked);
    terminal.print(fmt::format("{} {}: {}\n    {} runs; repro: {}\n", fingerprint, failure.property,
                               failure.text, found.second, repro_line(options, failure.seed)));
    const auto saved = save(options, failure);
    if (!saved.ok()) {
      terminal.error(options.out, saved.error().message());
      code = ExitCode::kBadInput;
    }
    if (saved.ok() && !saved->empty()) {
      terminal.print(fmt::format("    trace: {}\n", *saved));
    } else {
      terminal.print(harness::print_trace(failure.trace));
    }
  }
  terminal.print(fmt::format(
      "seeds {} to {}: {} runs, {} operations compared ({}/s), {} crash states judged: {}\n",
      options.seed, options.seed + (shared.next == 0 ? 0 : shared.next - 1), grouped(shared.runs),
      grouped(shared.operations),
      grouped(static_cast<uint64_t>(static_cast<double>(shared.operations) / took.count())),
      grouped(shared.states),
      shared.failures.empty() ? std::string("all properties hold")
                              : fmt::format("{} failures", shared.failures.size())));
  if (Interrupt::asked()) return ExitCode::kInterrupted;
  return code;
}

}  // namespace

Run setup_property(CLI::App& command) {
  auto options = std::make_shared<Options>();
  command
      .add_option("--seconds", options->seconds,
                  "Stop after so long (default: 10, unless --runs is given)")
      ->check(CLI::Range(1, 31'536'000));
  command.add_option("--runs", options->runs, "Stop after so many runs");
  command.add_option("--seed", options->seed, "Of the first run; the others count up from it")
      ->capture_default_str();
  command.add_option("--ops", options->property.operations, "Operations a run")
      ->capture_default_str()
      ->check(CLI::Range(1, 100'000));
  command
      .add_option("--io-path", options->property.io_path,
                  "iomap, or buffer-head as before it (default: drawn, mostly iomap)")
      ->check(CLI::IsMember({"iomap", "buffer-head"}));
  command
      .add_option("--crash-every", options->property.crash_every,
                  "Explore the crash states of one run in so many; 0: of none")
      ->capture_default_str();
  command
      .add_option("--crash-budget", options->property.crash_budget,
                  "Crash states of such a run, at most")
      ->capture_default_str();
  command.add_option("--jobs", options->jobs, "Runs at a time (default: one a core)")
      ->check(CLI::Range(1, 1024));
  command.add_flag("--print", options->print, "Print the trace of --seed as it is drawn, and exit");
  command.add_flag("--collect", options->collect,
                   "Go on after a failure; tells one of each kind at the end");
  command.add_option("--out", options->out,
                     "Write the minimal traces into this folder (default: print them)");
  command.add_flag("--force", options->force, "Overwrite existing outputs");
  return [options](Terminal& terminal) { return run(*options, terminal); };
}

}  // namespace zerotail::cli
