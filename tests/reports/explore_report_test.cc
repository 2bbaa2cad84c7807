// The report of an exploration: what it says of a baseline.
#include "zerotail/reports/explore_report.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace zerotail::reports {
namespace {

harness::Baseline baseline_of(const std::vector<std::string>& states) {
  harness::Baseline baseline;
  for (size_t i = 0; i < states.size(); ++i) {
    harness::BaselineEntry entry;
    entry.fingerprint = fmt::format("{:016x}", i + 1);
    entry.contract = harness::Contract::kConsistent;
    entry.date = "2026-01-01";
    entry.state = states[i];
    entry.reason = "a test";
    baseline.add(std::move(entry));
  }
  return baseline;
}

ExploreReport report_of(const std::string& workload, const std::string& device) {
  ExploreReport report;
  harness::WorkloadReport one;
  one.workload = workload;
  one.device = *harness::parse_device(device);
  report.add(one);
  return report;
}

std::vector<std::string> gone(const ExploreReport& report) {
  std::vector<std::string> states;
  for (const harness::BaselineEntry& entry : report.gone) states.push_back(entry.state);
  return states;
}

TEST(ExploreReport, MissesWhatTheBaselineHasOfTheSameWorkloadOnTheSameDevice) {
  const std::string here = "zt1:a:wt512:iomap-linux:s1:p1-";
  const harness::Baseline baseline =
      baseline_of({here, "zt1:a:vc512:iomap-linux:s1:p1-", "zt1:b:wt512:iomap-linux:s1:p1-"});
  ExploreReport report = report_of("a", "wt512");
  report.apply(baseline);
  EXPECT_EQ(gone(report), std::vector<std::string>{here});
}

TEST(ExploreReport, NamesADeviceByItsPropertiesAndNotByItsText) {
  ExploreReport report = report_of("a", "512e");
  report.apply(baseline_of({"zt1:a:vc512.512e:iomap-linux:s1:p1-"}));
  EXPECT_EQ(report.gone.size(), 1U);
}

TEST(ExploreReport, MissesACrashAfterACrashOnlyWhereThereWasOne) {
  const harness::Baseline baseline = baseline_of({"zt1:a:vc512:iomap-linux:s1:p1-/p2+"});
  ExploreReport report = report_of("a", "vc512");
  report.apply(baseline);
  EXPECT_TRUE(report.gone.empty());
  report.nested.continued = 1;
  report.apply(baseline);
  EXPECT_EQ(report.gone.size(), 1U);
}

}  // namespace
}  // namespace zerotail::reports
