// Built with a core whose fsync does not write the file's dentry set: `durable` must say so.
#include <gtest/gtest.h>

#include "zerotail/harness/explore.h"
#include "zerotail/harness/minimise.h"
#include "zerotail/harness/workloads.h"

namespace zerotail::harness {
namespace {

TEST(Canary, FsyncThatSkipsTheDentrySetBreaksDurable) {
  for (const char* name : {"append-fsync", "create-write-fsync", "truncate-up-fsync"}) {
    const auto workload = builtin_workload(name);
    ASSERT_TRUE(workload.ok());
    ExploreOptions options;
    options.budget = 200;
    FindingSet findings;
    const auto report = explore(*workload, options, &findings);
    ASSERT_TRUE(report.ok()) << report.error().message();
    bool seen = false;
    for (const Finding& finding : findings.findings()) {
      seen = seen ||
             (finding.violation.contract == Contract::kDurable && finding.violation.path == "a");
    }
    EXPECT_TRUE(seen) << name;
  }
}

// The bug in a nutshell: a file that was made and fsynced is not there.
TEST(Canary, ItsFindingGetsAsSmallAsTheBug) {
  const auto workload = builtin_workload("create-write-fsync");
  ASSERT_TRUE(workload.ok());
  FindingSet findings;
  ASSERT_TRUE(explore(*workload, {}, &findings).ok());
  size_t minimised = 0;
  for (const Finding& finding : findings.findings()) {
    if (finding.violation.contract != Contract::kDurable) continue;
    const auto id = parse_repro_id(finding.repro.substr(finding.repro.rfind(' ') + 1));
    ASSERT_TRUE(id.ok());
    const auto minimal = minimise(*workload, *id, wanted(finding));
    ASSERT_TRUE(minimal.ok()) << minimal.error().message();
    EXPECT_EQ(minimal->finding.fingerprint, finding.fingerprint);
    // A file is made, perhaps written, and synced; nothing else is needed.
    EXPECT_LE(minimal->after.operations, 3U) << print_trace(minimal->workload.trace);
    EXPECT_EQ(minimal->workload.trace.ops.back().kind, OpKind::kFsync);
    ++minimised;
  }
  EXPECT_GT(minimised, 0U);
}

}  // namespace
}  // namespace zerotail::harness
