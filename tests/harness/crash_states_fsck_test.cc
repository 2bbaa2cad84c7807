// The checker and the real fsck.exfat -n on crash states: at least a thousand, spread evenly over
// all built-in workloads, none twice. Whatever no known difference explains fails the test.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <map>
#include <set>

#include "harness/fsck_compare.h"
#include "zerotail/fault/crash_model.h"
#include "zerotail/harness/recording.h"
#include "zerotail/harness/workloads.h"

namespace zerotail::harness {
namespace {

constexpr size_t kPerWorkload = 24;
constexpr size_t kLeast = 1000;

struct Tally {
  size_t states = 0;
  size_t clean = 0;
  std::map<std::string, size_t> differences;
};

// Evenly spread over the crash points, and over the states of each.
std::vector<fault::CrashState> sample(const fault::CrashModel& model) {
  std::vector<fault::CrashState> all;
  fault::EnumerationOptions tiers;
  tiers.states_per_point = 16;
  for (const fault::CrashPoint& point : model.points()) {
    fault::Enumeration enumeration = fault::enumerate_states(model, point, tiers);
    for (fault::CrashState& state : enumeration.states) all.push_back(std::move(state));
  }
  std::vector<fault::CrashState> chosen;
  const size_t step = std::max<size_t>(1, all.size() / kPerWorkload);
  for (size_t i = 0; i < all.size(); i += step) chosen.push_back(std::move(all[i]));
  return chosen;
}

void compare_states(const Workload& workload, testing::FsckComparer* comparer,
                    std::set<sim::Digest>* seen, Tally* tally) {
  const auto recording = record(workload.trace, workload.setup, {});
  ASSERT_TRUE(recording.ok()) << workload.name << ": " << recording.error().message();
  const fault::CrashModel model(*recording->log, recording->base, {}, recording->promise_marks);
  fault::CrashImage image(model);
  for (const fault::CrashState& state : sample(model)) {
    image.set(state);
    if (!seen->insert(image.digest()).second) continue;
    const CheckResult check = check_volume(image);
    const testing::FsckComparison comparison = comparer->compare(image, check);
    ++tally->states;
    tally->clean += check.clean() ? 1 : 0;
    for (const testing::KnownDifference* d : comparison.differences) {
      ++tally->differences[std::string(d->name)];
    }
    std::string problems;
    for (const CheckProblem& problem : check.problems) problems += problem.describe() + "\n";
    for (const std::string& text : comparison.unexplained) {
      ADD_FAILURE() << workload.name << " " << model.print(state) << ": " << text << "\ncheck:\n"
                    << problems << "fsck.exfat:\n"
                    << comparison.fsck.output;
    }
  }
}

TEST(CrashStates, TheCheckerAgreesWithFsckExfat) {
  testing::FsckComparer comparer;
  std::set<sim::Digest> seen;
  Tally tally;
  for (const Workload& workload : builtin_workloads()) {
    compare_states(workload, &comparer, &seen, &tally);
  }
  EXPECT_GE(tally.states, kLeast);
  fmt::print("{} crash states compared with fsck.exfat -n; {} clean\n", tally.states, tally.clean);
  for (const auto& [name, count] : tally.differences) fmt::print("  {}: {}\n", name, count);
}

}  // namespace
}  // namespace zerotail::harness
