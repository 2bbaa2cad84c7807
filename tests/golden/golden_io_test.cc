// The core's I/O against what Linux 7.3.4 wrote and flushed, operation by operation
// (tests/golden/io/README.md).
//
// One trace:  ZEROTAIL_GOLDEN=sync-mkdir golden_test --gtest_filter='GoldenIo.*'

#include "zerotail/harness/golden_io.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <iostream>

namespace zerotail::golden {
namespace {

constexpr const char* kKernel = "7.3.4";
constexpr const char* kBufferHead = "6.18.15";

std::vector<harness::GoldenIoTrace> load_traces() {
  const std::string file = std::string(ZEROTAIL_SOURCE_DIR) + "/tests/golden/io/traces.jsonl";
  std::ifstream stream(file);
  EXPECT_TRUE(stream.good()) << file;
  const char* wanted = std::getenv("ZEROTAIL_GOLDEN");
  std::vector<harness::GoldenIoTrace> traces;
  std::string line;
  for (size_t number = 1; std::getline(stream, line); ++number) {
    auto trace = harness::parse_golden_io(line, "traces.jsonl:" + std::to_string(number));
    EXPECT_TRUE(trace.ok()) << trace.error().message();
    if (!trace.ok()) continue;
    if (wanted != nullptr && trace->header.trace.find(wanted) == std::string::npos) continue;
    traces.push_back(std::move(trace).value());
  }
  return traces;
}

TEST(GoldenIo, IomapPathWritesAndFlushesAsLinux) {
  const std::vector<harness::GoldenIoTrace> traces = load_traces();
  ASSERT_FALSE(traces.empty());
  size_t agreed = 0;
  for (const harness::GoldenIoTrace& trace : traces) {
    const auto run = harness::run_golden_io(trace);
    ASSERT_TRUE(run.ok()) << trace.header.trace << ": " << run.error().message();
    const std::string difference = harness::golden_io_difference(trace, kKernel, run.value());
    if (difference.empty()) {
      ++agreed;
    } else {
      ADD_FAILURE() << trace.header.trace << "\n"
                    << difference << "  rerun: ZEROTAIL_GOLDEN=" << trace.header.trace
                    << " golden_test --gtest_filter='GoldenIo.*'";
    }
  }
  std::cout << "golden-io agree " << agreed << " of " << traces.size() << "\n";
}

// The comparison sees what differs: where the buffer-head driver wrote something else, the iomap
// path must not agree with it.
TEST(GoldenIo, DisagreesWithTheOtherDriverWhereThatWroteSomethingElse) {
  size_t compared = 0;
  for (const harness::GoldenIoTrace& trace : load_traces()) {
    if (trace.kernels.count(kBufferHead) == 0 || trace.varies.count(kBufferHead) != 0) continue;
    const auto run = harness::run_golden_io(trace);
    ASSERT_TRUE(run.ok()) << trace.header.trace << ": " << run.error().message();
    EXPECT_NE(harness::golden_io_difference(trace, kBufferHead, run.value()), "")
        << trace.header.trace;
    ++compared;
  }
  EXPECT_GE(compared, std::getenv("ZEROTAIL_GOLDEN") == nullptr ? 15U : 0U);
}

}  // namespace
}  // namespace zerotail::golden
