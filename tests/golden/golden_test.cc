// The iomap path against what Linux 7.3.4 answered, operation by operation.
//
// One trace:  ZEROTAIL_GOLDEN=buffered-7001-0 golden_test --gtest_filter='Golden.*'

#include <gtest/gtest.h>

#include <iostream>

#include "golden/golden_data.h"

namespace zerotail::golden {
namespace {

TEST(Golden, IomapPathAnswersAsLinux) {
  const std::vector<GoldenTrace> traces = load_golden();
  ASSERT_FALSE(traces.empty());
  size_t agreed = 0;
  size_t total = 0;
  for (const GoldenTrace& golden : traces) {
    const auto verdict = harness::judge_answers(golden, harness::kIomapKernel);
    ASSERT_TRUE(verdict.ok()) << golden.trace.header.trace << ": " << verdict.error().message();
    agreed += verdict->agreed;
    total += verdict->total;
    if (verdict->difference.empty()) continue;
    ADD_FAILURE() << golden.trace.header.trace << ": " << verdict->agreed << " of "
                  << verdict->total << " agree\n"
                  << verdict->difference << "  rerun: ZEROTAIL_GOLDEN=" << golden.trace.header.trace
                  << " golden_test --gtest_filter='Golden.*'";
  }
  std::cout << "golden agree " << agreed << " of " << total << " operations in " << traces.size()
            << " traces\n";
}

}  // namespace
}  // namespace zerotail::golden
