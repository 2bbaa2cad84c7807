// Which barriers matter, in workloads whose answer is known.
#include "zerotail/harness/barriers.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "zerotail/harness/workloads.h"

namespace zerotail::harness {
namespace {

using fault::BarrierChange;

BarrierReport examined(const std::string& trace, const std::string& ordering = "linux") {
  auto parsed = parse_trace(trace, "test");
  EXPECT_TRUE(parsed.ok()) << (parsed.ok() ? "" : parsed.error().where());
  const Workload workload = workload_from_trace(std::move(*parsed));
  ExploreOptions options;
  options.record.ordering = *volume::parse_ordering(ordering);
  auto report = examine_barriers(workload, options);
  EXPECT_TRUE(report.ok()) << (report.ok() ? "" : report.error().where());
  return std::move(*report);
}

constexpr const char* kAppend = R"({"trace":"t","sector":512,"cluster":4096,"size_mib":4,"setup":0}
{"op":"create","path":"first","mode":1}
{"op":"fsync","path":"first"}
{"op":"create","path":"a","mode":1}
{"op":"write","path":"a","off":0,"len":600,"seed":1}
{"op":"fsync","path":"a"}
)";

const Barrier* find(const BarrierReport& report, BarrierVerdict verdict, const std::string& place,
                    const std::string& what) {
  for (const Barrier& barrier : report.barriers) {
    if (barrier.verdict == verdict && barrier.what == what &&
        barrier.place.find(place) != std::string::npos) {
      return &barrier;
    }
  }
  return nullptr;
}

TEST(Barriers, TheFlushOfAnFsyncIsRequired) {
  const BarrierReport report = examined(kAppend);
  const Barrier* last = find(report, BarrierVerdict::kRequired, "during operation 4", "flush");
  ASSERT_NE(last, nullptr);
  EXPECT_EQ(last->change.kind, BarrierChange::Kind::kNoFlush);
  EXPECT_EQ(last->findings.front().violation.contract, Contract::kDurable);
  EXPECT_EQ(last->findings.front().violation.path, "a");
}

TEST(Barriers, AFlushBetweenDataAndSetIsMissing) {
  const BarrierReport report = examined(kAppend);
  const Barrier* missing =
      find(report, BarrierVerdict::kMissing, "(directory), during operation 4", "flush");
  ASSERT_NE(missing, nullptr);
  EXPECT_TRUE(std::any_of(
      missing->findings.begin(), missing->findings.end(),
      [](const Finding& finding) { return finding.violation.contract == Contract::kNoStale; }));
}

TEST(Barriers, WithTheRuleItIsThereAndRequired) {
  const BarrierReport report = examined(kAppend, "data-first");
  const Barrier* missing = find(report, BarrierVerdict::kMissing, "(directory)", "flush");
  if (missing != nullptr) {
    for (const Finding& finding : missing->findings) {
      EXPECT_NE(finding.violation.contract, Contract::kNoStale);
    }
  }
  size_t required = 0;
  for (const Barrier& barrier : report.barriers) {
    for (const Finding& finding : barrier.findings) {
      required += barrier.verdict == BarrierVerdict::kRequired &&
                          finding.violation.contract == Contract::kNoStale
                      ? 1
                      : 0;
    }
  }
  EXPECT_GT(required, 0U);
}

// Both fsyncs lack it: one flush more leaves the other fsync broken in the same way.
TEST(Barriers, EachFsyncIsJudgedByItself) {
  const BarrierReport report = examined(std::string(kAppend) +
                                        R"({"op":"append","path":"a","len":700,"seed":2}
{"op":"fsync","path":"a"}
)");
  for (const char* place : {"(directory), during operation 4", "(directory), during operation 6"}) {
    const Barrier* missing = find(report, BarrierVerdict::kMissing, place, "flush");
    ASSERT_NE(missing, nullptr) << place;
    EXPECT_EQ(missing->call, "fsync");
    EXPECT_EQ(missing->kind, "directory");
    EXPECT_EQ(missing->findings.front().violation.contract, Contract::kNoStale) << place;
  }
}

TEST(Barriers, ASampleIsSaidToBeOne) {
  auto parsed = parse_trace(kAppend, "test");
  ASSERT_TRUE(parsed.ok());
  const Workload workload = workload_from_trace(std::move(*parsed));
  ExploreOptions options;
  const auto all = examine_barriers(workload, options);
  options.budget = 1;
  const auto few = examine_barriers(workload, options);
  ASSERT_TRUE(all.ok() && few.ok());
  for (const Barrier& barrier : all->barriers) EXPECT_TRUE(barrier.exhaustive) << barrier.place;
  EXPECT_TRUE(std::any_of(few->barriers.begin(), few->barriers.end(),
                          [](const Barrier& barrier) { return !barrier.exhaustive; }));
}

TEST(Barriers, TheFlushThatSyncDoesNotSendIsMissing) {
  const BarrierReport report = examined(
      R"({"trace":"t","sector":512,"cluster":4096,"size_mib":4,"setup":0}
{"op":"create","path":"a","mode":1}
{"op":"sync"}
{"op":"mkdir","path":"d"}
)");
  const Barrier* missing = find(report, BarrierVerdict::kMissing,
                                "before the return of operation 1: {\"op\":\"sync\"}", "flush");
  ASSERT_NE(missing, nullptr);
  EXPECT_EQ(missing->findings.front().violation.contract, Contract::kDurable);
}

// Two fsyncs of one file, nothing written between: the second one's flush covers nothing.
TEST(Barriers, AFlushThatCoversNothingIsRedundant) {
  const BarrierReport report =
      examined(std::string(kAppend) + "{\"op\":\"fsync\",\"path\":\"a\"}\n");
  EXPECT_NE(find(report, BarrierVerdict::kRedundant, "during operation 5", "flush"), nullptr);
}

TEST(Barriers, EveryReproLineRebuildsWhatItSays) {
  auto parsed = parse_trace(kAppend, "test");
  ASSERT_TRUE(parsed.ok());
  const Workload workload = workload_from_trace(std::move(*parsed));
  const BarrierReport report = examined(kAppend);
  size_t rebuilt = 0;
  for (const Barrier& barrier : report.barriers) {
    for (const Finding& finding : barrier.findings) {
      const std::string text = finding.repro.substr(finding.repro.rfind(' ') + 1);
      const auto id = parse_repro_id(text);
      ASSERT_TRUE(id.ok()) << text;
      if (barrier.verdict == BarrierVerdict::kRequired) {
        EXPECT_EQ(id->device.barrier, barrier.change) << text;
      }
      const auto state = rebuild(workload, *id, {});
      ASSERT_TRUE(state.ok()) << text << ": " << state.error().where();
      EXPECT_TRUE(std::any_of(state->violations.begin(), state->violations.end(),
                              [&finding](const Violation& v) {
                                return v.contract == finding.violation.contract &&
                                       v.kind == finding.violation.kind &&
                                       v.path == finding.violation.path;
                              }))
          << text;
      ++rebuilt;
    }
  }
  EXPECT_GT(rebuilt, 3U);
}

}  // namespace
}  // namespace zerotail::harness
