// The checker alone on crash states: judging what changed, and parsing the whole volume.
#include <benchmark/benchmark.h>

#include <unordered_map>

#include "zerotail/bench/crash_states.h"
#include "zerotail/harness/check_incremental.h"

namespace zerotail::bench {
namespace {

constexpr size_t kStates = 2000;

// A state over its base, without copying the base.
class StateReader : public sim::SectorReader {
 public:
  StateReader(const sim::Snapshot& base, const Overlay& overlay) : base_(base) {
    for (const SectorWrite& write : overlay) {
      contents_.emplace(write.sector.value(), write.content.data());
      changed_.push_back(write.sector);
    }
  }
  [[nodiscard]] sim::SectorCount capacity() const override { return base_.capacity(); }
  [[nodiscard]] const std::byte* sector(sim::Sector sector) const override {
    const auto it = contents_.find(sector.value());
    return it == contents_.end() ? base_.sector(sector) : it->second;
  }
  [[nodiscard]] const std::vector<sim::Sector>& changed() const { return changed_; }

 private:
  const sim::Snapshot& base_;
  std::unordered_map<uint64_t, const std::byte*> contents_;
  std::vector<sim::Sector> changed_;  // ascending, as in the overlay
};

enum class Way : uint8_t { kWhatChanged, kWhole };

void check_states(benchmark::State& state, Way way) {
  harness::ExploreOptions options;
  const auto sample = sample_states(two_hundred_files(), options, kStates);
  if (!sample.ok()) {
    state.SkipWithError(sample.error().message().c_str());
    return;
  }
  std::vector<StateReader> disks;
  for (const Overlay& overlay : sample->states) disks.emplace_back(sample->base, overlay);
  harness::IncrementalChecker checker{sample->base};
  size_t next = 0;
  uint64_t problems = 0;
  for (auto _ : state) {
    const StateReader& disk = disks[next];
    next = (next + 1) % disks.size();
    problems += way == Way::kWhatChanged ? checker.judge(disk, disk.changed()).problems.size()
                                         : harness::check_volume(disk).problems.size();
  }
  state.SetItemsProcessed(state.iterations());
  state.counters["problems_per_state"] =
      benchmark::Counter(static_cast<double>(problems), benchmark::Counter::kAvgIterations);
  state.counters["parsed_whole"] = static_cast<double>(checker.stats().full_parses);
}

BENCHMARK_CAPTURE(check_states, what_changed, Way::kWhatChanged)->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(check_states, whole_volume, Way::kWhole)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace zerotail::bench
