// Findings made small: known results, the traps, and proof by trying everything.
#include "zerotail/harness/minimise.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "zerotail/harness/minimise_trace.h"
#include "zerotail/harness/workloads.h"

namespace zerotail::harness {
namespace {

ReproId id_of(const Finding& finding) {
  auto id = parse_repro_id(finding.repro.substr(finding.repro.rfind(' ') + 1));
  EXPECT_TRUE(id.ok()) << finding.repro;
  return *id;
}

// The finding of that contract, kind and path, as exploring shows it.
Finding find(const Workload& workload, Contract contract, const std::string& kind,
             const std::string& path, const RecordOptions& record = {}) {
  ExploreOptions options;
  options.record = record;
  FindingSet findings;
  const auto report = explore(workload, options, &findings);
  EXPECT_TRUE(report.ok()) << report.error().message();
  for (const Finding& finding : findings.findings()) {
    const Violation& v = finding.violation;
    if (v.contract == contract && v.kind == kind && v.path == path) return finding;
  }
  ADD_FAILURE() << workload.name << " does not show " << kind << " of " << path;
  return {};
}

Workload builtin(const char* name) {
  auto workload = builtin_workload(name);
  EXPECT_TRUE(workload.ok()) << name;
  return *workload;
}

MinimalCase small_of(const Workload& workload, const Finding& finding,
                     const MinimiseOptions& options = {}) {
  auto minimal = minimise(workload, id_of(finding), wanted(finding), options);
  EXPECT_TRUE(minimal.ok()) << minimal.error().message();
  return minimal.ok() ? std::move(*minimal) : MinimalCase{};
}

std::string ops_of(const MinimalCase& minimal) {
  std::string text;
  for (const Operation& op : minimal.workload.trace.ops) text += print_operation(op) + "\n";
  return text;
}

// Is it in any crash state of the trace at all?
bool shown_anywhere(const Trace& trace, const MinimalCase& minimal) {
  ExploreOptions options;
  options.record.device = minimal.id.device;
  options.record.ordering = minimal.id.ordering;
  options.budget = 100'000;
  FindingSet findings;
  if (!explore(workload_from_trace(trace), options, &findings).ok()) return false;
  return std::any_of(findings.findings().begin(), findings.findings().end(),
                     [&minimal](const Finding& other) {
                       const Violation& a = other.violation;
                       const Violation& b = minimal.finding.violation;
                       return a.contract == b.contract && a.kind == b.kind && a.path == b.path &&
                              other.circumstances == minimal.finding.circumstances;
                     });
}

TEST(Minimise, ARenameThatLosesBothNamesNeedsTheRenameAlone) {
  const Workload workload = builtin("rename-other-directory");
  const Finding finding = find(workload, Contract::kAtomic, "neither", "e/a");
  const MinimalCase minimal = small_of(workload, finding);
  EXPECT_EQ(ops_of(minimal), R"({"op":"mkdir","path":"d"}
{"op":"mkdir","path":"e"}
{"op":"create","path":"d/a"}
{"op":"rename","path":"d/a","to":"e/a"}
)");
  EXPECT_EQ(minimal.after.recorded, 1U);
  EXPECT_TRUE(minimal.complete);
  EXPECT_EQ(minimal.before.operations, workload.trace.ops.size());
  EXPECT_EQ(minimal.finding.fingerprint, finding.fingerprint);
  EXPECT_EQ(minimal.finding.group, finding.group);
}

TEST(Minimise, ALostFileWhoseDirectoryGrewKeepsAsManyFilesAsADirectoryNeeds) {
  const Workload workload = builtin("directory-grows-c512");
  const Finding finding = find(workload, Contract::kDurable, "lost", "n/file-05");
  const MinimalCase minimal = small_of(workload, finding);
  // A cluster of 512 bytes holds five sets of three entries.
  EXPECT_EQ(minimal.after.operations, 8U) << ops_of(minimal);
  EXPECT_EQ(minimal.workload.trace.ops.back().kind, OpKind::kFsync);
  EXPECT_EQ(minimal.cures.rules, std::vector<volume::Rule>{volume::Rule::kParentSize});
}

TEST(Minimise, TheIdAndTheTraceAreAllThatIsNeededToSeeItAgain) {
  const Workload workload = builtin("save-cycle");
  const Finding finding = find(workload, Contract::kAtomic, "neither", "doc");
  const MinimalCase minimal = small_of(workload, finding);
  const auto trace = parse_trace(print_trace(minimal.workload.trace), "minimal");
  ASSERT_TRUE(trace.ok()) << trace.error().message();
  const Workload again = workload_from_trace(*trace);
  EXPECT_EQ(again.name, minimal.id.workload);
  const auto findings = findings_of(again, minimal.id, {});
  ASSERT_TRUE(findings.ok()) << findings.error().message();
  EXPECT_TRUE(std::any_of(findings->begin(), findings->end(), [&finding](const Finding& other) {
    return other.fingerprint == finding.fingerprint;
  }));
}

// A set that lost its last cluster while the bitmap was early looks like one whose bitmap was late
// for a new cluster; another rule cures it.
TEST(Minimise, AWeaknessThatLooksAlikeIsNotTakenForTheOther) {
  const Workload workload = builtin("open-truncate");
  const Finding finding = find(workload, Contract::kConsistent, "unmarked", "a");
  const MinimalCase minimal = small_of(workload, finding);
  ASSERT_FALSE(minimal.cures_before.rules.empty());
  ASSERT_TRUE(minimal.held_by.has_value());
  EXPECT_NE(std::find(minimal.cures.rules.begin(), minimal.cures.rules.end(), *minimal.held_by),
            minimal.cures.rules.end());
  MinimiseOptions careless;
  careless.look_for_cures = false;
  EXPECT_LT(small_of(workload, finding, careless).after.operations, minimal.after.operations);
}

TEST(Minimise, ThePromiseThatWasBrokenStays) {
  const Workload workload = builtin("full-volume-c512");
  const Finding lost = find(workload, Contract::kDurable, "bytes", "a");
  EXPECT_EQ(lost.circumstances, (Circumstances{"fsync", "append"}));
  const MinimalCase minimal = small_of(workload, lost);
  EXPECT_EQ(minimal.finding.circumstances, lost.circumstances);
  EXPECT_NE(ops_of(minimal).find("fsync"), std::string::npos) << ops_of(minimal);
}

TEST(Minimise, SameInputSameResult) {
  const Workload workload = builtin("two-files-interleaved");
  const Finding finding = find(workload, Contract::kConsistent, "chain-free", "a");
  const MinimalCase first = small_of(workload, finding);
  const MinimalCase second = small_of(workload, finding);
  EXPECT_EQ(print(first.id), print(second.id));
  EXPECT_EQ(first.states, second.states);
}

// Two states of one finding lead to one result.
TEST(Minimise, SeedAndBudgetOfTheExplorationChangeNothing) {
  const Workload workload = builtin("rename-over-fsync-dir");
  const Finding finding = find(workload, Contract::kAtomic, "neither", "a");
  ExploreOptions options;
  options.budget = 20'000;
  options.tiers.seed = 99;
  FindingSet findings;
  ASSERT_TRUE(explore(workload, options, &findings).ok());
  for (const Finding& other : findings.findings()) {
    if (other.fingerprint != finding.fingerprint) continue;
    EXPECT_EQ(small_of(workload, other).workload.trace, small_of(workload, finding).workload.trace);
  }
}

TEST(Minimise, ABudgetOfStatesStopsItWithAFindingThatIsThere) {
  const Workload workload = builtin("save-cycle");
  const Finding finding = find(workload, Contract::kAtomic, "neither", "doc");
  MinimiseOptions options;
  options.states = 50;
  const MinimalCase minimal = small_of(workload, finding, options);
  EXPECT_FALSE(minimal.complete);
  EXPECT_EQ(minimal.finding.fingerprint, finding.fingerprint);
}

TEST(Minimise, TheHookStopsIt) {
  const Workload workload = builtin("save-cycle");
  const Finding finding = find(workload, Contract::kAtomic, "neither", "doc");
  size_t calls = 0;
  const auto minimal =
      minimise(workload, id_of(finding), wanted(finding), {}, [&calls](const MinimiseProgress&) {
        ++calls;
        return false;
      });
  ASSERT_TRUE(minimal.ok()) << minimal.error().message();
  EXPECT_EQ(calls, 1U);
  EXPECT_FALSE(minimal->complete);
}

// Brute force: every trace with one operation less, explored in full.
TEST(Minimise, NoSingleOperationOfAMinimalTraceCanBeLeftOut) {
  struct Sought {
    const char* workload;
    Contract contract;
    const char* kind;
    const char* path;
  };
  for (const Sought& sought :
       {Sought{"rename-over-fsync-dir", Contract::kAtomic, "neither", "a"},
        Sought{"unlink-and-reuse", Contract::kNoStale, "stale-bytes", "b"},
        Sought{"sync-many", Contract::kDurable, "lost", "b"},
        Sought{"gap-write-fsync", Contract::kConsistent, "leak", "<clusters>"}}) {
    const Workload workload = builtin(sought.workload);
    const Finding finding = find(workload, sought.contract, sought.kind, sought.path);
    const MinimalCase minimal = small_of(workload, finding);
    const Trace& trace = minimal.workload.trace;
    EXPECT_TRUE(shown_anywhere(trace, minimal));
    for (size_t i = 0; i < trace.ops.size(); ++i) {
      std::vector<bool> dropped(trace.ops.size());
      dropped[i] = true;
      EXPECT_FALSE(shown_anywhere(without_operations(trace, dropped), minimal))
          << sought.workload << " without " << i << " of\n"
          << ops_of(minimal);
    }
  }
}

TEST(Minimise, AFaultPlanThatIsNotNeededGoes) {
  const Workload workload = builtin("rename-over-fsync-dir");
  RecordOptions record;
  record.faults = *fault::parse_fault_plan("latency-spike p=1/2; bit-rot at=1 op=1");
  const Finding finding = find(workload, Contract::kAtomic, "neither", "a", record);
  MinimiseOptions options;
  options.record = record;
  const MinimalCase minimal = small_of(workload, finding, options);
  EXPECT_EQ(minimal.before.rules, 2U);
  EXPECT_EQ(minimal.after.rules, 0U);
  // So it is the finding that is known without faults.
  EXPECT_EQ(minimal.finding.fingerprint,
            find(workload, Contract::kAtomic, "neither", "a").fingerprint);
}

TEST(Minimise, ALostWriteStaysAndGetsNarrow) {
  const Workload workload = builtin("create-write-fsync");
  RecordOptions record;
  record.faults = *fault::parse_fault_plan("latency-spike p=1/2; lost-write in=directory");
  const Finding finding = find(workload, Contract::kDurable, "lost", "a", record);
  MinimiseOptions options;
  options.record = record;
  const MinimalCase minimal = small_of(workload, finding, options);
  EXPECT_EQ(minimal.after.rules, 1U);
  const auto plan = fault::parse_fault_plan(minimal.workload.trace.header.faults);
  ASSERT_TRUE(plan.ok());
  ASSERT_EQ(plan->rules.size(), 1U);
  EXPECT_TRUE(plan->rules[0].ops.has_value()) << minimal.workload.trace.header.faults;
  EXPECT_LE(minimal.after.operations, 2U) << ops_of(minimal);
}

TEST(Minimise, ATearThatIsNotNeededGoes) {
  const Workload workload = builtin("sync-many");
  RecordOptions record;
  record.device = *parse_device("tear");
  const auto recording = harness::record(workload.trace, workload.setup, record);
  ASSERT_TRUE(recording.ok());
  const Finding finding = find(workload, Contract::kDurable, "lost", "b", record);
  ReproId id = id_of(finding);
  const fault::CrashModel model(*recording->log, recording->base, record.device,
                                recording->promise_marks);
  // Words of another unit of the same state, torn as well.
  for (size_t unit = 0; unit < 20; ++unit) {
    const std::string torn =
        id.state.substr(0, id.state.find('~')) + "~u" + std::to_string(unit) + "w3-5g";
    if (!model.parse(torn).ok()) continue;
    ReproId other = id;
    other.state = torn;
    MinimiseOptions options;
    options.look_for_cures = false;
    const auto minimal = minimise(workload, other, wanted(finding), options);
    if (!minimal.ok()) continue;  // it garbles the very set
    EXPECT_TRUE(minimal->before.torn);
    EXPECT_FALSE(minimal->after.torn);
    return;
  }
  FAIL() << "no unit of the state can be torn";
}

TEST(Minimise, AStateThatDoesNotShowTheFindingIsAnError) {
  const Workload workload = builtin("rename-over-fsync-dir");
  const Finding finding = find(workload, Contract::kAtomic, "neither", "a");
  ReproId id = id_of(finding);
  id.state = "p0+";
  EXPECT_FALSE(minimise(workload, id, wanted(finding)).ok());
  id.state = "p4711+";
  EXPECT_FALSE(minimise(workload, id, wanted(finding)).ok());
  id.state = id_of(finding).state + "/p1+";
  const auto nested = minimise(workload, id, wanted(finding));
  ASSERT_FALSE(nested.ok());
  EXPECT_NE(nested.error().where().find("crash after a crash"), std::string::npos);
}

}  // namespace
}  // namespace zerotail::harness
