#include "zerotail/harness/fault_atlas.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

namespace zerotail::harness {
namespace {

const AtlasRunner& atlas() {
  static const AtlasRunner kAtlas = [] {
    auto runner = AtlasRunner::create(atlas_trace());
    EXPECT_TRUE(runner.ok()) << runner.error().message();
    return std::move(*runner);
  }();
  return kAtlas;
}

AtlasCase run(const std::string& plan) {
  const auto parsed = fault::parse_fault_plan(plan);
  EXPECT_TRUE(parsed.ok()) << parsed.error().message();
  return atlas().run(*parsed);
}

FaultOutcome outcome(const std::string& plan) { return run(plan).outcome; }

TEST(FaultAtlas, AFaultThatStrikesNothingIsNotReached) {
  EXPECT_EQ(outcome("read-error in=boot-backup"), FaultOutcome::kNotReached);
  EXPECT_EQ(outcome("lost-write in=upcase"), FaultOutcome::kNotReached);
  EXPECT_EQ(outcome("read-error nth=100000"), FaultOutcome::kNotReached);
}

TEST(FaultAtlas, LatencyIsMasked) { EXPECT_EQ(outcome("latency-spike"), FaultOutcome::kMasked); }

TEST(FaultAtlas, AReadErrorIsRecoveredByReadingAgain) {
  const AtlasCase one = run("read-error in=data once");
  EXPECT_EQ(one.outcome, FaultOutcome::kRecovered);
  EXPECT_NE(one.detail.find("read 'keep'"), std::string::npos) << one.detail;
}

TEST(FaultAtlas, APermanentReadErrorIsDetected) {
  EXPECT_EQ(outcome("read-error in=data"), FaultOutcome::kDetected);
}

TEST(FaultAtlas, RemovalIsDetected) {
  EXPECT_EQ(outcome("removal in=data once"), FaultOutcome::kDetected);
  EXPECT_EQ(outcome("removal in=boot-sector once"), FaultOutcome::kDetected);
}

TEST(FaultAtlas, RottenDataIsSilentBecauseDataHasNoChecksum) {
  EXPECT_EQ(outcome("bit-rot in=data once"), FaultOutcome::kSilent);
}

TEST(FaultAtlas, ALostDataWriteIsSilent) {
  EXPECT_EQ(outcome("lost-write in=data once"), FaultOutcome::kSilent);
}

TEST(FaultAtlas, ACaseIsTheSameEachTime) {
  for (const char* plan : {"bit-rot in=directory nth=3", "torn-write in=fat-entry nth=2"}) {
    const AtlasCase first = run(plan);
    const AtlasCase again = run(plan);
    EXPECT_EQ(first.outcome, again.outcome);
    EXPECT_EQ(first.detail, again.detail);
    EXPECT_EQ(first.plan, plan);
  }
}

// Whatever fails at whatever request, the core ends with an answer.
TEST(FaultAtlas, EveryRequestMayFail) {
  for (const char* kind : {"read-error", "write-error", "flush-error", "partial", "removal"}) {
    bool reached = true;
    for (int nth = 1; reached; ++nth) {
      const std::string plan = std::string(kind) + (nth == 1 ? " once" : " nth=") +
                               (nth == 1 ? "" : std::to_string(nth));
      reached = outcome(plan) != FaultOutcome::kNotReached;
      ASSERT_LT(nth, 2000);
    }
  }
}

TEST(FaultAtlas, UnknownNamesAreRefused) {
  AtlasOptions options;
  options.structures = {"superblock"};
  EXPECT_NE(atlas().run_all(options).error().message().find("'superblock'"), std::string::npos);
  options.structures = {};
  options.kinds = {"gremlins"};
  EXPECT_NE(atlas().run_all(options).error().message().find("'gremlins'"), std::string::npos);
}

TEST(FaultAtlas, AWorkloadThatFailsWithoutAFaultIsRefused) {
  Trace trace = atlas_trace();
  trace.ops.push_back({.kind = OpKind::kUnlink, .path = "nobody"});
  const auto runner = AtlasRunner::create(std::move(trace));
  ASSERT_FALSE(runner.ok());
  EXPECT_NE(runner.error().message().find("without a fault"), std::string::npos);
}

}  // namespace
}  // namespace zerotail::harness
