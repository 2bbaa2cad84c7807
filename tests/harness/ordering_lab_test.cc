// Orderings compared on few workloads: what a rule removes, what it costs, what a cure is.
#include "zerotail/harness/ordering_lab.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "zerotail/harness/workloads.h"

namespace zerotail::harness {
namespace {

using volume::Ordering;
using volume::Rule;

LabJob job(std::string_view name, bool write_through = false) {
  auto workload = builtin_workload(name);
  EXPECT_TRUE(workload.ok()) << name;
  DeviceConfig device;
  device.write_through = write_through;
  return {.workload = std::move(*workload), .device = device};
}

size_t shown(const FindingSet& findings, Contract contract) {
  size_t count = 0;
  for (const Finding& finding : findings.findings()) {
    count += finding.violation.contract == contract ? 1 : 0;
  }
  return count;
}

TEST(IoCosts, EveryRequestBelongsToOneOperation) {
  for (const char* name : {"append-fsync", "save-cycle", "sync-mount-names"}) {
    const LabJob one = job(name);
    const auto recording = record(one.workload.trace, one.workload.setup, {});
    ASSERT_TRUE(recording.ok());
    const CostByOperation costs = cost_of(*recording);
    const IoCost sum = total(costs);
    EXPECT_EQ(sum.requests, recording->requests) << name;
    EXPECT_EQ(sum.flushes, recording->flushes) << name;
    EXPECT_EQ(sum.operations, recording->trace.ops.size() + 1) << name;
  }
}

TEST(IoCosts, TimeIsTheSumOfRequestsBytesAndFlushes) {
  const LabJob one = job("create-write-fsync");
  const auto recording = record(one.workload.trace, one.workload.setup, {});
  ASSERT_TRUE(recording.ok());
  const IoCost sum = total(cost_of(*recording, {.request_ns = 1000, .byte_ns = 3, .flush_ns = 7}));
  EXPECT_EQ(sum.nanoseconds, sum.requests * 1000 + sum.bytes * 3 + sum.flushes * 7);
  EXPECT_GT(sum.bytes, 0U);
}

// The rules stand below both I/O paths.
TEST(OrderingLab, CarefulBreaksNothingThatAUserExpectsOnBufferHeads) {
  std::vector<LabJob> jobs = builtin_jobs();
  for (LabJob& one : jobs) one.io_path = volume::IoPath::kBufferHead;
  const auto run = run_ordering(jobs, Ordering::kCareful, {});
  ASSERT_TRUE(run.ok()) << run.error().message();
  for (size_t i = 0; i < kContractCount; ++i) {
    const auto contract = static_cast<Contract>(i);
    if (contract == Contract::kAtomic || contract == Contract::kConsistent) continue;
    EXPECT_EQ(shown(run->findings, contract), 0U) << contract_info(contract).name;
  }
}

TEST(OrderingLab, BufferHeadsAreComparedOnBufferHeads) {
  std::vector<LabJob> jobs{job("create-write-fsync")};
  jobs[0].io_path = volume::IoPath::kBufferHead;
  const auto report = compare_orderings(jobs, {});
  ASSERT_TRUE(report.ok()) << report.error().message();
  ASSERT_FALSE(report->weaknesses.empty());
  for (const Weakness& weakness : report->weaknesses) {
    const std::string& repro = weakness.example.finding.repro;
    const auto id = parse_repro_id(repro.substr(repro.rfind(' ') + 1));
    ASSERT_TRUE(id.ok()) << repro;
    EXPECT_EQ(id->io_path, volume::IoPath::kBufferHead);
    const auto state = rebuild(weakness.example.workload, *id, {});
    ASSERT_TRUE(state.ok()) << repro;
    EXPECT_FALSE(state->violations.empty()) << repro;
  }
}

// The root directory has no set, its FAT alone leads on: what fat-first does for sets it must do
// for the root's chain.
TEST(OrderingLab, FatFirstKeepsTheRootDirectoryMountable) {
  const std::vector<LabJob> jobs{job("root-grows-c512")};
  const auto as_is = run_ordering(jobs, Ordering::kLinux, {});
  const auto cured = run_ordering(jobs, Ordering::kLinux.with(Rule::kFatFirst), {});
  ASSERT_TRUE(as_is.ok() && cured.ok());
  EXPECT_EQ(shown(as_is->findings, Contract::kMountable), 1U);
  EXPECT_EQ(shown(cured->findings, Contract::kMountable), 0U);
}

TEST(OrderingLab, CarefulBreaksNothingThatAUserExpects) {
  const auto run = run_ordering(builtin_jobs(), Ordering::kCareful, {});
  ASSERT_TRUE(run.ok()) << run.error().message();
  for (size_t i = 0; i < kContractCount; ++i) {
    const auto contract = static_cast<Contract>(i);
    if (contract == Contract::kAtomic || contract == Contract::kConsistent) continue;
    EXPECT_EQ(shown(run->findings, contract), 0U) << contract_info(contract).name;
  }
  for (const Finding& finding : run->findings.findings()) {
    if (finding.violation.contract != Contract::kAtomic) continue;
    // Without a journal the new name and the old one cannot change at once.
    EXPECT_EQ(finding.violation.kind, "both") << finding.repro;
  }
}

TEST(OrderingLab, ARuleRemovesWhatItIsForAndCostsItsFlush) {
  const std::vector<LabJob> jobs{job("append-fsync"), job("unlink-sync")};
  const auto report = compare_orderings(jobs, {});
  ASSERT_TRUE(report.ok()) << report.error().message();
  const auto worth = [&report](Rule rule) -> const RuleWorth& {
    return report->rules.at(static_cast<size_t>(rule));
  };
  EXPECT_GT(shown(report->linux_run.findings, Contract::kNoStale), 0U);
  EXPECT_EQ(shown(report->careful_run.findings, Contract::kNoStale), 0U);
  EXPECT_FALSE(worth(Rule::kDataFirst).removes.empty());
  EXPECT_GT(total(worth(Rule::kDataFirst).costs).flushes, total(report->linux_run.costs).flushes);
  EXPECT_FALSE(worth(Rule::kSyncFlush).removes.empty());
  EXPECT_EQ(total(worth(Rule::kSyncFlush).costs).flushes,
            total(report->linux_run.costs).flushes + 1);
  // No directory grows in these two.
  EXPECT_TRUE(worth(Rule::kParentSize).removes.empty());
  EXPECT_EQ(total(worth(Rule::kParentSize).costs).requests,
            total(report->linux_run.costs).requests);
}

TEST(OrderingLab, ACureRemovesEveryFindingOfItsWeakness) {
  const std::vector<LabJob> jobs{job("append-fsync"), job("sync-mount-grow", true)};
  const auto report = compare_orderings(jobs, {});
  ASSERT_TRUE(report.ok()) << report.error().message();
  size_t explained = 0;
  for (const Weakness& weakness : report->weaknesses) {
    explained += weakness.findings.size();
    const Ordering cure = weakness.cure.value_or(Ordering::kCareful);
    const auto cured = run_ordering(jobs, cure, {});
    ASSERT_TRUE(cured.ok());
    for (const std::string& print : weakness.findings) {
      EXPECT_EQ(cured->findings.contains(print), !weakness.cure) << weakness.reason << " " << print;
    }
  }
  EXPECT_EQ(explained, report->linux_run.findings.findings().size());
}

TEST(OrderingLab, NoOperationCanBeLeftOutOfAnExample) {
  const LabJob one = job("save-cycle");
  const ExploreOptions options;
  const auto run = run_ordering({one}, Ordering::kLinux, options);
  ASSERT_TRUE(run.ok());
  const auto& findings = run->findings.findings();
  const auto stale = std::find_if(findings.begin(), findings.end(), [](const Finding& finding) {
    return finding.violation.contract == Contract::kNoStale;
  });
  ASSERT_NE(stale, findings.end());
  const auto example = shrink_example(one, *stale, options);
  ASSERT_TRUE(example.ok()) << example.error().message();
  EXPECT_LT(example->workload.trace.ops.size(), one.workload.trace.ops.size());
  const auto id =
      parse_repro_id(example->finding.repro.substr(example->finding.repro.rfind(' ') + 1));
  ASSERT_TRUE(id.ok());
  const auto state = rebuild(example->workload, *id, {});
  ASSERT_TRUE(state.ok()) << state.error().message();
  EXPECT_FALSE(state->violations.empty());
  EXPECT_EQ(state->description, example->description);
  for (size_t op = 0; op < example->workload.trace.ops.size(); ++op) {
    Trace less = example->workload.trace;
    less.header.setup = example->workload.setup - (op < example->workload.setup ? 1 : 0);
    less.ops.erase(less.ops.begin() + static_cast<std::ptrdiff_t>(op));
    FindingSet left;
    ASSERT_TRUE(explore(workload_from_trace(less), options, &left).ok());
    for (const Finding& finding : left.findings()) {
      const Violation& v = finding.violation;
      EXPECT_FALSE(v.contract == stale->violation.contract && v.kind == stale->violation.kind &&
                   v.path == stale->violation.path)
          << "without operation " << op;
    }
  }
}

TEST(OrderingLab, AFindingThatIsNotThereIsAnError) {
  Finding finding;
  finding.violation = {Contract::kMountable, "no-mount", "<volume>", std::nullopt, ""};
  EXPECT_FALSE(shrink_example(job("append-fsync"), finding, {}).ok());
}

}  // namespace
}  // namespace zerotail::harness
