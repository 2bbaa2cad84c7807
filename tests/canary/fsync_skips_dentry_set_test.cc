// Built with a core whose fsync does not write the file's dentry set: `durable` must say so.
#include <gtest/gtest.h>

#include "zerotail/harness/explore.h"
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

}  // namespace
}  // namespace zerotail::harness
