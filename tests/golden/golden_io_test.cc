// The core's I/O against what Linux wrote and flushed, operation by operation: the iomap path
// against 7.3.4, the buffer-head path against 6.18.15
// (tests/golden/io/README.md).
//
// One trace:  ZEROTAIL_GOLDEN=sync-mkdir golden_test --gtest_filter='GoldenIo.*'

#include <gtest/gtest.h>

#include <cstdlib>
#include <iostream>

#include "golden/golden_data.h"

namespace zerotail::golden {
namespace {

void compare(const std::string& io_path, const std::string& kernel) {
  std::vector<harness::GoldenIoTrace> traces = load_golden_io();
  ASSERT_FALSE(traces.empty());
  size_t agreed = 0;
  for (harness::GoldenIoTrace& trace : traces) {
    trace.header.io_path = io_path;
    const auto verdict = harness::judge_io(trace, kernel);
    ASSERT_TRUE(verdict.ok()) << trace.header.trace << ": " << verdict.error().message();
    agreed += verdict->agreed;
    if (verdict->difference.empty()) continue;
    ADD_FAILURE() << trace.header.trace << "\n"
                  << verdict->difference << "  rerun: ZEROTAIL_GOLDEN=" << trace.header.trace
                  << " golden_test --gtest_filter='GoldenIo.*'";
  }
  std::cout << "golden-io " << io_path << " agree " << agreed << " of " << traces.size() << "\n";
}

TEST(GoldenIo, IomapPathWritesAndFlushesAsLinux) { compare("iomap", harness::kIomapKernel); }
TEST(GoldenIo, BufferHeadPathWritesAndFlushesAsLinux) {
  compare("buffer-head", harness::kBufferHeadKernel);
}

// The comparison sees what differs: where the buffer-head driver wrote something else, the iomap
// path must not agree with it.
TEST(GoldenIo, DisagreesWithTheOtherDriverWhereThatWroteSomethingElse) {
  size_t compared = 0;
  for (const harness::GoldenIoTrace& trace : load_golden_io()) {
    if (trace.kernels.count(harness::kBufferHeadKernel) == 0 ||
        trace.varies.count(harness::kBufferHeadKernel) != 0)
      continue;
    const auto verdict = harness::judge_io(trace, harness::kBufferHeadKernel);
    ASSERT_TRUE(verdict.ok()) << trace.header.trace << ": " << verdict.error().message();
    EXPECT_NE(verdict->difference, "") << trace.header.trace;
    ++compared;
  }
  EXPECT_GE(compared, std::getenv("ZEROTAIL_GOLDEN") == nullptr ? 15U : 0U);
}

}  // namespace
}  // namespace zerotail::golden
