// What crashes of the built-in workloads leave behind: the checker and the real fsck.exfat -n judge
// the same states, class by class, and judging by what changed equals judging the whole disk.
#include <gtest/gtest.h>

#include <map>

#include "harness/fsck_compare.h"
#include "zerotail/fault/crash_model.h"
#include "zerotail/harness/check_incremental.h"
#include "zerotail/harness/recording.h"
#include "zerotail/harness/workloads.h"

namespace zerotail::harness {
namespace {

constexpr size_t kStates = 1200;  // over all workloads

std::string describe(const std::vector<CheckProblem>& problems) {
  std::string text;
  for (const CheckProblem& p : problems) text += p.describe() + "\n";
  return text;
}

// About `count` states of a recording, evenly spread over its crash points.
std::vector<fault::CrashState> sample(const fault::CrashModel& model, size_t count) {
  fault::EnumerationOptions options;
  options.states_per_point = 8;
  std::vector<fault::CrashState> all;
  for (const fault::CrashPoint& point : model.points()) {
    for (fault::CrashState& state : fault::enumerate_states(model, point, options).states) {
      all.push_back(std::move(state));
    }
  }
  std::vector<fault::CrashState> chosen;
  const size_t step = std::max<size_t>(1, all.size() / std::max<size_t>(1, count));
  for (size_t i = 0; i < all.size() && chosen.size() < count; i += step) {
    chosen.push_back(std::move(all[i]));
  }
  return chosen;
}

struct Tally {
  size_t states = 0;
  size_t both_clean = 0, both_complain = 0;
  std::map<std::string, size_t> verdicts;     // states whose verdicts differ, by reason
  std::map<std::string, size_t> differences;  // states in which a class is one's alone, by reason
};

void compare_workload(const Workload& workload, size_t count, Tally& tally) {
  const auto recording = record(workload.trace, workload.setup, {});
  ASSERT_TRUE(recording.ok()) << recording.error().message();
  const fault::CrashModel model{*recording->log, recording->base, {}, recording->promise_marks};
  testing::FsckComparer comparer;
  ASSERT_TRUE(comparer.set_base(recording->base).ok());
  IncrementalChecker checker{recording->base};
  fault::CrashImage image{model};
  for (const fault::CrashState& state : sample(model, count)) {
    SCOPED_TRACE(workload.name + " " + model.print(state));
    image.set(state);
    const sim::Snapshot disk = image.materialise();
    const std::vector<sim::Sector> changed = disk.difference(recording->base);
    const CheckResult whole = check_volume(disk);
    EXPECT_EQ(describe(checker.judge(disk, changed).problems), describe(whole.problems));
    const testing::FsckComparison comparison = comparer.compare(disk, changed, whole);
    for (const std::string& what : comparison.unexplained) {
      ADD_FAILURE() << what << "\n" << describe(whole.problems) << comparison.fsck.output;
    }
    ++tally.states;
    for (const auto* difference : comparison.differences) {
      ++tally.differences[std::string{difference->name}];
    }
    if (whole.clean() == comparison.fsck.clean()) {
      ++(whole.clean() ? tally.both_clean : tally.both_complain);
      continue;
    }
    for (const auto* difference : comparison.differences) {
      ++tally.verdicts[std::string{difference->name}];
    }
  }
}

std::string print(const std::map<std::string, size_t>& counts) {
  std::string text;
  for (const auto& [name, n] : counts) text += " " + name + " " + std::to_string(n);
  return text;
}

TEST(CheckCrashStates, AgreeWithFsckClassByClass) {
  const std::vector<Workload> workloads = builtin_workloads();
  Tally tally;
  for (size_t i = 0; i < workloads.size(); ++i) {
    // What one workload has too few of, the ones after it make up for.
    compare_workload(workloads[i], (kStates - tally.states) / (workloads.size() - i), tally);
  }
  EXPECT_GE(tally.states, 1000U);
  EXPECT_GT(tally.both_clean, 100U);
  EXPECT_GT(tally.both_complain, 100U);
  std::printf("%zu states, both clean %zu, both complain %zu\n", tally.states, tally.both_clean,
              tally.both_complain);
  std::printf("verdicts differ:%s\nclasses differ:%s\n", print(tally.verdicts).c_str(),
              print(tally.differences).c_str());
}

}  // namespace
}  // namespace zerotail::harness
