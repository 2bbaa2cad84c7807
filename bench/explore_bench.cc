// Crash states per second: the explorer with all contracts judged, and today's practice on the same
// states. Only states whose verdict was computed count; merged and pruned ones stand beside.
#include <benchmark/benchmark.h>

#include "zerotail/bench/crash_states.h"
#include "zerotail/bench/practice.h"
#include "zerotail/harness/explore.h"

namespace zerotail::bench {
namespace {

constexpr size_t kPracticeStates = 200;
constexpr uint64_t kPracticeBudget = 20000;

harness::ExploreOptions options(uint64_t budget) {
  harness::ExploreOptions options;
  options.budget = budget;
  return options;
}

void explore_all_contracts(benchmark::State& state) {
  const harness::Workload workload = two_hundred_files();
  harness::StateCounts counts;
  uint64_t mounts = 0;
  for (auto _ : state) {
    harness::FindingSet findings;
    const auto report =
        harness::explore(workload, options(static_cast<uint64_t>(state.range(0))), &findings);
    if (!report.ok()) {
      state.SkipWithError(report.error().message().c_str());
      return;
    }
    counts.add(report->states);
    mounts += report->core_mounts;
  }
  state.SetItemsProcessed(static_cast<int64_t>(counts.checked));
  const auto rate = [](uint64_t n) {
    return benchmark::Counter(static_cast<double>(n), benchmark::Counter::kIsRate);
  };
  state.counters["merged_per_second"] = rate(counts.merged);
  state.counters["pruned_per_second"] = rate(counts.pruned);
  state.counters["mounts_per_second"] = rate(mounts);
}

void practice(benchmark::State& state, Copy copy) {
  auto sample = sample_states(two_hundred_files(), options(kPracticeBudget), kPracticeStates);
  if (!sample.ok()) {
    state.SkipWithError(sample.error().message().c_str());
    return;
  }
  auto practice = Practice::create(sample->base);
  if (!practice.ok()) {
    state.SkipWithError(practice.error().message().c_str());
    return;
  }
  size_t next = 0;
  for (auto _ : state) {
    const auto code = (*practice)->judge(sample->states[next], copy);
    if (!code.ok()) {
      state.SkipWithError(code.error().message().c_str());
      return;
    }
    next = (next + 1) % sample->states.size();
  }
  state.SetItemsProcessed(state.iterations());
}

// The explorer works in this process: time on the core, which other load does not change.
// The argument is the budget in states: recording and what is parsed once are part of the time.
BENCHMARK(explore_all_contracts)
    ->Arg(20000)
    ->Arg(200000)
    ->Unit(benchmark::kMillisecond)
    ->MinTime(2);
// Wall time: the practice's work is done by a child process.
BENCHMARK_CAPTURE(practice, sparse_copy, Copy::kSparse)
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime()
    ->MinTime(2);
BENCHMARK_CAPTURE(practice, full_copy, Copy::kFull)
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime()
    ->MinTime(2);
BENCHMARK_CAPTURE(practice, undo_only, Copy::kUndo)
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime()
    ->MinTime(2);

}  // namespace
}  // namespace zerotail::bench
