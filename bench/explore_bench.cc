// Crash states per second: the explorer with all contracts judged, and today's practice on the same
// states. Only states whose verdict was computed count; merged and pruned ones stand beside.
#include <benchmark/benchmark.h>

#include "zerotail/bench/crash_states.h"
#include "zerotail/bench/practice.h"
#include "zerotail/harness/explore.h"

namespace zerotail::bench {
namespace {

constexpr size_t kPracticeStates = 200;

harness::ExploreOptions options() {
  harness::ExploreOptions options;
  options.budget = 20000;
  return options;
}

void explore_all_contracts(benchmark::State& state) {
  const harness::Workload workload = two_hundred_files();
  harness::StateCounts counts;
  for (auto _ : state) {
    harness::FindingSet findings;
    const auto report = harness::explore(workload, options(), &findings);
    if (!report.ok()) {
      state.SkipWithError(report.error().message().c_str());
      return;
    }
    counts.add(report->states);
  }
  state.SetItemsProcessed(static_cast<int64_t>(counts.checked));
  const auto rate = [](uint64_t n) {
    return benchmark::Counter(static_cast<double>(n), benchmark::Counter::kIsRate);
  };
  state.counters["merged_per_second"] = rate(counts.merged);
  state.counters["pruned_per_second"] = rate(counts.pruned);
}

void practice(benchmark::State& state, Copy copy) {
  auto sample = sample_states(two_hundred_files(), options(), kPracticeStates);
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

// Wall time: the practice's work is done by a child process.
BENCHMARK(explore_all_contracts)->Unit(benchmark::kMillisecond)->UseRealTime()->MinTime(2);
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
