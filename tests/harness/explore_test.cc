// The main job: what exploring finds on a sound stack, on a lying disk, and that it says the same
// thing twice. The whole built-in set runs in tests/command.
#include "zerotail/harness/explore.h"

#include <gtest/gtest.h>

#include "zerotail/harness/workloads.h"

namespace zerotail::harness {
namespace {

struct Outcome {
  WorkloadReport report;
  FindingSet findings;
  [[nodiscard]] bool shows(Contract contract) const {
    for (const Finding& finding : findings.findings()) {
      if (finding.violation.contract == contract) return true;
    }
    return false;
  }
  [[nodiscard]] std::string text() const {
    std::string all;
    for (const Finding& finding : findings.findings()) {
      all += contract_info(finding.violation.contract).name;
      all += " " + finding.violation.kind + " " + finding.violation.path + ": " +
             finding.violation.detail + "\n  repro: " + finding.repro + "\n";
    }
    return all;
  }
};

Outcome run(const char* name, const char* device = "vc512", uint64_t budget = 600) {
  const auto workload = builtin_workload(name);
  EXPECT_TRUE(workload.ok());
  ExploreOptions options;
  options.record.device = *parse_device(device);
  options.budget = budget;
  Outcome outcome;
  auto report = explore(*workload, options, &outcome.findings);
  EXPECT_TRUE(report.ok()) << report.error().message();
  if (report.ok()) outcome.report = std::move(*report);
  return outcome;
}

TEST(Explore, FsyncOfANewFileHoldsOnAnHonestDisk) {
  const Outcome outcome = run("create-write-fsync");
  for (const Contract contract : {Contract::kMountable, Contract::kFlagged, Contract::kDurable,
                                  Contract::kContained, Contract::kAnswers}) {
    EXPECT_FALSE(outcome.shows(contract)) << outcome.text();
  }
  EXPECT_GT(outcome.report.states.checked, 10u);
}

TEST(Explore, ADiskThatIgnoresFlushBreaksDurable) {
  const Outcome outcome = run("create-write-fsync", "vc512.noflush");
  EXPECT_TRUE(outcome.shows(Contract::kDurable)) << outcome.text();
}

TEST(Explore, ADiskThatIgnoresFlushAndFuaBreaksFlagged) {
  const Outcome outcome = run("create-write-fsync", "vc512.noflush.nofua");
  EXPECT_TRUE(outcome.shows(Contract::kFlagged)) << outcome.text();
}

TEST(Explore, ADiskThatIgnoresFuaBreaksFlagged) {
  const Outcome outcome = run("truncate-down-fsync", "vc512.nofua");
  EXPECT_TRUE(outcome.shows(Contract::kFlagged)) << outcome.text();
}

// States that are merged or pruned are judged too: nothing else may come out.
TEST(Explore, PruningHidesNoFinding) {
  uint64_t saved = 0;
  for (const char* name : {"unlink-and-reuse", "two-files-interleaved", "gap-write-fsync"}) {
    const auto workload = builtin_workload(name);
    ExploreOptions options;
    options.budget = 400;
    FindingSet pruned;
    const auto with = explore(*workload, options, &pruned);
    options.prune = false;
    FindingSet all;
    const auto without = explore(*workload, options, &all);
    ASSERT_TRUE(with.ok() && without.ok());
    saved += with->states.merged + with->states.pruned;
    EXPECT_EQ(without->states.merged + without->states.pruned, 0u) << name;
    EXPECT_EQ(with->states.checked + with->states.merged + with->states.pruned,
              without->states.checked);
    ASSERT_EQ(pruned.findings().size(), all.findings().size()) << name;
    for (const Finding& finding : all.findings()) {
      EXPECT_TRUE(pruned.contains(finding.fingerprint)) << finding.repro;
    }
  }
  EXPECT_GT(saved, 0u);
}

TEST(Explore, SameSeedSameDigest) {
  EXPECT_EQ(run("append-fsync").report.digest, run("append-fsync").report.digest);
}

TEST(Explore, EveryStateIsCounted) {
  for (const char* name : {"append-fsync", "rename-over", "write-64k-fsync"}) {
    const StateCounts states = run(name, "vc512", 100).report.states;
    EXPECT_EQ(states.considered, states.checked + states.merged + states.pruned + states.left_out)
        << name;
    EXPECT_GT(states.left_out, 0u) << name;
  }
}

TEST(Explore, AStoppedRunCountsEveryStateToo) {
  const auto workload = builtin_workload("rename-over");
  ExploreOptions options;
  options.budget = 100;
  FindingSet findings;
  const auto report = explore(*workload, options, &findings,
                              [](const ExploreProgress& now) { return now.states < 20; });
  ASSERT_TRUE(report.ok());
  const StateCounts& states = report->states;
  EXPECT_EQ(states.checked + states.merged + states.pruned, 20u);
  EXPECT_EQ(states.considered, 20u + states.left_out);
}

TEST(Explore, EveryFindingIsRebuiltFromItsReproId) {
  const Outcome outcome = run("shrink-and-reuse");
  ASSERT_FALSE(outcome.findings.findings().empty());
  const auto workload = builtin_workload("shrink-and-reuse");
  for (const Finding& finding : outcome.findings.findings()) {
    const auto id = parse_repro_id(finding.repro.substr(finding.repro.rfind(' ') + 1));
    ASSERT_TRUE(id.ok()) << finding.repro;
    const auto state = rebuild(*workload, *id, {});
    ASSERT_TRUE(state.ok()) << state.error().message();
    bool again = false;
    for (const Violation& violation : state->violations) {
      again = again || fingerprint(violation, finding.workload) == finding.fingerprint;
    }
    EXPECT_TRUE(again) << finding.repro;
  }
}

TEST(Explore, ACrashAfterACrashIsRebuiltFromItsReproId) {
  const auto workload = builtin_workload("append-fsync");
  ExploreOptions options;
  options.budget = 200;
  options.nested = 4;
  FindingSet findings;
  const auto report = explore(*workload, options, &findings);
  ASSERT_TRUE(report.ok());
  EXPECT_GT(report->nested.continued, 0u);
  EXPECT_GT(report->nested.states.checked, 20u);
  EXPECT_EQ(report->nested.states.considered,
            report->nested.states.checked + report->nested.states.merged +
                report->nested.states.pruned + report->nested.states.left_out);
  size_t nested = 0;
  for (const Finding& finding : findings.findings()) {
    if (finding.state.find(kNestedSeparator) == std::string::npos) continue;
    const auto id = parse_repro_id(finding.repro.substr(finding.repro.rfind(' ') + 1));
    ASSERT_TRUE(id.ok()) << finding.repro;
    const auto state = rebuild(*workload, *id, {});
    ASSERT_TRUE(state.ok()) << state.error().message();
    bool again = false;
    for (const Violation& violation : state->violations) {
      again = again || fingerprint(violation, finding.workload) == finding.fingerprint;
    }
    EXPECT_TRUE(again) << finding.repro;
    ++nested;
  }
  EXPECT_GT(nested, 0u);
}

TEST(Explore, AnUnknownStateIsAnError) {
  const auto workload = builtin_workload("append-fsync");
  ReproId id;
  id.workload = "append-fsync";
  id.state = "p9999+";
  EXPECT_FALSE(rebuild(*workload, id, {}).ok());
}

TEST(Explore, ABuiltInWorkloadIsFoundByName) {
  EXPECT_GE(builtin_workloads().size(), 20u);
  EXPECT_FALSE(builtin_workload("no-such-workload").ok());
}

}  // namespace
}  // namespace zerotail::harness
