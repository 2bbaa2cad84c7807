// Fingerprints and groups: what they rest on, and what must not move them.
#include "zerotail/harness/finding.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "zerotail/harness/workloads.h"

namespace zerotail::harness {
namespace {

Trace trace_of(const std::string& text) {
  auto trace = parse_trace(text, "trace");
  EXPECT_TRUE(trace.ok()) << trace.error().message();
  return *trace;
}

// fingerprint -> group
std::map<std::string, std::string> prints(const Workload& workload,
                                          const ExploreOptions& options = {}) {
  FindingSet findings;
  const auto report = explore(workload, options, &findings);
  EXPECT_TRUE(report.ok()) << report.error().message();
  std::map<std::string, std::string> all;
  for (const Finding& finding : findings.findings()) all[finding.fingerprint] = finding.group;
  return all;
}

std::vector<std::string> groups(const Trace& trace, const ExploreOptions& options = {}) {
  std::vector<std::string> all;
  for (const auto& [print, group] : prints(workload_from_trace(trace), options)) {
    all.push_back(group);
  }
  std::sort(all.begin(), all.end());
  return all;
}

constexpr const char* kAppend = R"({"trace":"append","sector":512,"cluster":4096,"size_mib":8}
{"op":"create","path":"a"}
{"op":"write","path":"a","off":0,"len":100,"seed":1}
{"op":"fsync","path":"a"}
{"op":"append","path":"a","len":5000,"seed":2}
{"op":"fsync","path":"a"}
)";
// The same with another name, other sizes, a file more, another place on the disk.
constexpr const char* kAppendElsewhere =
    R"({"trace":"elsewhere","sector":512,"cluster":4096,"size_mib":32,"seed":9,"setup":3}
{"op":"mkdir","path":"d"}
{"op":"create","path":"d/other"}
{"op":"write","path":"d/other","off":0,"len":70000,"seed":4}
{"op":"create","path":"d/log"}
{"op":"write","path":"d/log","off":0,"len":300,"seed":5}
{"op":"fsync","path":"d/log"}
{"op":"append","path":"d/log","len":9000,"seed":6}
{"op":"fsync","path":"d/log"}
)";

TEST(Fingerprints, SeedAndBudgetChangeNone) {
  const Workload workload = workload_from_trace(trace_of(kAppend));
  const auto plain = prints(workload);
  ASSERT_FALSE(plain.empty());
  ExploreOptions options;
  options.tiers.seed = 77;
  options.record.seed = 77;
  options.budget = 900;
  EXPECT_EQ(prints(workload, options), plain);
}

TEST(Fingerprints, WhatATraceFileIsCalledStaysWhenItsTextIsEdited) {
  const auto before = prints(workload_from_trace(trace_of(kAppend)));
  Trace edited = trace_of(kAppend);
  edited.header.about = "as before, with a comment and one read";
  edited.ops.push_back({.kind = OpKind::kRead, .path = "a", .len = 10});
  EXPECT_EQ(prints(workload_from_trace(edited)), before);
}

TEST(Fingerprints, ABuiltInWorkloadAsAFileHasTheSame) {
  auto workload = builtin_workload("append-fsync");
  ASSERT_TRUE(workload.ok());
  const auto built_in = prints(*workload);
  Trace trace = workload->trace;
  trace.header.setup = workload->setup;
  EXPECT_EQ(prints(workload_from_trace(trace)), built_in);
}

TEST(Fingerprints, TheDeviceIsInThem) {
  const Workload workload = workload_from_trace(trace_of(kAppend));
  ExploreOptions options;
  options.record.device = *parse_device("vc4096");
  for (const auto& [print, group] : prints(workload, options)) {
    EXPECT_FALSE(prints(workload).contains(print));
  }
}

TEST(Fingerprints, OfAFaultPlanOnlyTheKindsAreInThem) {
  const Workload workload = workload_from_trace(trace_of(kAppend));
  const auto name = [&workload](const char* plan) {
    RecordOptions options;
    options.faults = *fault::parse_fault_plan(plan);
    return name_in_findings(workload, options);
  };
  EXPECT_EQ(name("seed=3; write-error at=1-9 once; bit-rot p=1/2"),
            name("bit-rot in=fat; write-error"));
  EXPECT_NE(name("write-error"), name("bit-rot"));
  Trace trace = workload.trace;
  trace.header.faults = "write-error at=1-9";
  EXPECT_EQ(name_in_findings(workload_from_trace(trace), {}), name("write-error"));
}

// Groups: one bug in two traces.
TEST(FindingGroups, TwoTracesThatShowOneBugHaveOneGroup) {
  const auto here = groups(trace_of(kAppend));
  const auto there = groups(trace_of(kAppendElsewhere));
  ASSERT_FALSE(here.empty());
  for (const std::string& group : here) {
    EXPECT_NE(std::find(there.begin(), there.end(), group), there.end()) << group;
  }
}

TEST(FindingGroups, ADeviceOrAnOrderingIsNotInThem) {
  ExploreOptions options;
  options.record.device = *parse_device("request");
  const auto plain = groups(trace_of(kAppend));
  size_t same = 0;
  for (const std::string& group : groups(trace_of(kAppend), options)) {
    same += std::find(plain.begin(), plain.end(), group) != plain.end() ? 1 : 0;
  }
  EXPECT_GT(same, 0U);
}

TEST(FindingGroups, TheBrokenPromiseTellsBugsThatLookAlikeApart) {
  const Violation lost{Contract::kDurable, "lost", "a", std::nullopt, {}};
  EXPECT_NE(group_of(lost, {"fsync", {}}), group_of(lost, {"sync", {}}));
  EXPECT_EQ(group_of(lost, {"sync", {}}),
            group_of({Contract::kDurable, "lost", "d/b", ByteRange{1, 2}, "x"}, {"sync", {}}));
}

// sync(2) sends no flush; fsync does.
TEST(FindingGroups, CircumstancesNameThePromiseAndTheLastTouch) {
  FindingSet findings;
  const auto workload = workload_from_trace(
      trace_of(R"({"trace":"s","sector":512,"cluster":4096,"size_mib":8,"setup":2}
{"op":"create","path":"b"}
{"op":"mkdir","path":"d"}
{"op":"create","path":"a"}
{"op":"sync"}
{"op":"rename","path":"b","to":"d/b"}
)"));
  ASSERT_TRUE(explore(workload, {}, &findings).ok());
  bool lost = false;
  bool both = false;
  for (const Finding& finding : findings.findings()) {
    if (finding.violation.kind == "lost" && finding.violation.path == "a") {
      lost = true;
      EXPECT_EQ(finding.circumstances, (Circumstances{"sync", ""}));
    }
    if (finding.violation.kind == "both") {
      both = true;
      EXPECT_EQ(finding.circumstances, (Circumstances{"", "rename"}));
    }
  }
  EXPECT_TRUE(lost);
  EXPECT_TRUE(both);
}

}  // namespace
}  // namespace zerotail::harness
