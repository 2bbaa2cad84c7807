// Both paths against what Linux answered, operation by operation: the iomap path against 7.3.4, the
// buffer-head path against 6.18.15.
//
// One trace:  ZEROTAIL_GOLDEN=buffered-7001-0 golden_test --gtest_filter='Golden.*'

#include <gtest/gtest.h>

#include <cstdlib>
#include <iostream>
#include <utility>

#include "golden/golden_data.h"

namespace zerotail::golden {
namespace {

void compare(const std::string& io_path, const std::string& kernel) {
  std::vector<GoldenTrace> traces = load_golden();
  ASSERT_FALSE(traces.empty());
  size_t agreed = 0;
  size_t total = 0;
  for (GoldenTrace& golden : traces) {
    golden.trace.header.io_path = io_path;
    const auto verdict = harness::judge_answers(golden, kernel);
    ASSERT_TRUE(verdict.ok()) << golden.trace.header.trace << ": " << verdict.error().message();
    agreed += verdict->agreed;
    total += verdict->total;
    if (verdict->difference.empty()) continue;
    ADD_FAILURE() << golden.trace.header.trace << ": " << verdict->agreed << " of "
                  << verdict->total << " agree\n"
                  << verdict->difference << "  rerun: ZEROTAIL_GOLDEN=" << golden.trace.header.trace
                  << " golden_test --gtest_filter='Golden.*'";
  }
  std::cout << "golden " << io_path << " agree " << agreed << " of " << total << " operations in "
            << traces.size() << " traces\n";
}

TEST(Golden, IomapPathAnswersAsLinux) { compare("iomap", harness::kIomapKernel); }
TEST(Golden, BufferHeadPathAnswersAsLinux) { compare("buffer-head", harness::kBufferHeadKernel); }

// The comparison sees what differs: neither path agrees with the other's kernel.
TEST(Golden, NeitherPathAnswersAsTheOthersKernel) {
  size_t differ = 0;
  for (GoldenTrace& golden : load_golden()) {
    for (const auto& [io_path, kernel] : {std::pair{"iomap", harness::kBufferHeadKernel},
                                          std::pair{"buffer-head", harness::kIomapKernel}}) {
      golden.trace.header.io_path = io_path;
      const auto verdict = harness::judge_answers(golden, kernel);
      ASSERT_TRUE(verdict.ok()) << golden.trace.header.trace << ": " << verdict.error().message();
      differ += verdict->total - verdict->agreed;
    }
  }
  EXPECT_GE(differ, std::getenv("ZEROTAIL_GOLDEN") == nullptr ? 1000U : 0U);
}

}  // namespace
}  // namespace zerotail::golden
