// What the judge saves must not change what it says: equal digests of what is read, and remembered
// recoveries, stand for equal verdicts.
#include "zerotail/harness/judge.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "zerotail/harness/workloads.h"

namespace zerotail::harness {
namespace {

// The root directory grows by a cluster, which belongs to no entry set.
Workload root_grows() {
  std::string text = R"({"trace":"root-grows","sector":512,"cluster":512,"size_mib":8})";
  for (const char* name : {"f1", "f2", "f3", "f4", "f5"}) {
    text += fmt::format("\n{{\"op\":\"create\",\"path\":\"{}\"}}", name);
  }
  const auto trace = parse_trace(text + "\n{\"op\":\"fsync\",\"path\":\"f5\"}\n", "trace");
  EXPECT_TRUE(trace.ok());
  return workload_from_trace(*trace);
}

std::vector<Workload> workloads() {
  std::vector<Workload> all{root_grows()};
  for (const char* name : {"directory-grows-c512", "unlink-and-reuse", "rename-directory",
                           "mkdir-rmdir", "truncate-fragmented"}) {
    const auto workload = builtin_workload(name);
    EXPECT_TRUE(workload.ok()) << name;
    all.push_back(*workload);
  }
  return all;
}

std::string text(const std::vector<Violation>& violations) {
  std::string all;
  for (const Violation& v : violations) {
    all += fmt::format("{} {} {} {}", contract_info(v.contract).name, v.kind, v.path, v.detail);
    if (v.range) all += fmt::format(" [{},{})", v.range->begin, v.range->end);
    all += "\n";
  }
  return all;
}

// Calls `visit` with the judge, the image and its id, for some states of each point.
template <class Visit>
void for_each_state(const Workload& workload, uint64_t per_point, Visit visit) {
  const auto recording = record(workload.trace, workload.setup, {});
  ASSERT_TRUE(recording.ok()) << workload.name;
  const fault::CrashModel model(*recording->log, recording->base, {}, recording->promise_marks);
  fault::CrashImage image(model);
  Judge judge(*recording, model, true);
  for (const fault::CrashPoint& point : model.points()) {
    fault::EnumerationOptions options;
    options.states_per_point = per_point;
    judge.move_to(point);
    for (const fault::CrashState& state : fault::enumerate_states(model, point, options).states) {
      image.set(state);
      visit(*recording, model, point, judge, image, workload.name + " " + model.print(state));
    }
  }
}

// The state with every far unit that was not read lost, or kept, says the same.
TEST(Judge, UnitsThatWereNotReadDoNotChangeTheVerdict) {
  uint64_t changed = 0;
  for (const Workload& workload : workloads()) {
    for_each_state(workload, 60,
                   [&](const Recording& recording, const fault::CrashModel& model,
                       const fault::CrashPoint& point, Judge& judge, const fault::CrashImage& image,
                       const std::string& id) {
                     judge.look_at(image);
                     const std::string verdict = text(judge.judge());
                     const std::vector<uint32_t> read = judge.far_units_read();
                     for (const bool lost : {true, false}) {
                       fault::CrashState other = image.state();
                       for (const uint32_t unit : judge.far_units()) {
                         if (std::binary_search(read.begin(), read.end(), unit)) continue;
                         other.picks[unit] =
                             lost ? uint16_t{0}
                                  : fault::versions_below(model.segment(point).units[unit],
                                                          point.version_limit);
                       }
                       if (other == image.state()) continue;
                       ++changed;
                       fault::CrashImage other_image(model);
                       other_image.set(other);
                       Judge fresh(recording, model, true);
                       fresh.move_to(point);
                       fresh.look_at(other_image);
                       ASSERT_EQ(verdict, text(fresh.judge())) << id << " " << model.print(other);
                     }
                   });
  }
  EXPECT_GT(changed, 100U);
}

TEST(Judge, ARememberedRecoverySaysWhatAFreshOneSays) {
  uint64_t states = 0;
  for (const Workload& workload : workloads()) {
    for_each_state(workload, 40,
                   [&](const Recording& recording, const fault::CrashModel& model,
                       const fault::CrashPoint& point, Judge& judge, const fault::CrashImage& image,
                       const std::string& id) {
                     judge.look_at(image);
                     Judge fresh(recording, model, true);
                     fresh.move_to(point);
                     fresh.look_at(image);
                     ASSERT_EQ(text(judge.judge()), text(fresh.judge())) << id;
                     ++states;
                   });
  }
  EXPECT_GT(states, 300U);
}

}  // namespace
}  // namespace zerotail::harness
