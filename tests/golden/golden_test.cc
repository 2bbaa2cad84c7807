// The iomap path against what Linux 7.3.4 answered, operation by operation.
//
// One trace:  ZEROTAIL_GOLDEN=buffered-7001-0 golden_test --gtest_filter='Golden.*'

#include <gtest/gtest.h>

#include <iostream>

#include "golden/golden_data.h"
#include "zerotail/harness/disk_stack.h"
#include "zerotail/harness/executor.h"

namespace zerotail::golden {
namespace {

using harness::Operation;
using harness::OpKind;
using harness::OpResult;

struct Outcome {
  size_t agreed = 0;
  std::string problem;  // the first disagreement
};

Outcome run_golden(const GoldenTrace& golden) {
  Outcome outcome;
  const harness::Trace& trace = golden.trace;
  sim::World world(trace.header.seed);
  auto medium = harness::format_disk(trace.header);
  if (!medium.ok()) {
    outcome.problem = "format: " + medium.error().message();
    return outcome;
  }
  harness::DiskStack stack(world, std::move(medium).value(), {});
  const auto results = harness::run_trace(world, stack.top(), trace);
  if (!results.ok()) {
    outcome.problem = "mount or umount: " + results.error().message();
    return outcome;
  }
  for (size_t i = 0; i < trace.ops.size(); ++i) {
    const OpResult& want = golden.wanted(i);
    const OpResult& got = results.value()[i];
    const std::string difference = harness::difference(want, got);
    if (difference.empty()) {
      ++outcome.agreed;
    } else if (outcome.problem.empty()) {
      outcome.problem = "operation " + std::to_string(i) + " " +
                        harness::print_operation(trace.ops[i]) + ": " + difference +
                        (got.note.empty() ? "" : " (" + got.note + ")");
    }
  }
  return outcome;
}

TEST(Golden, IomapPathAnswersAsLinux) {
  const std::vector<GoldenTrace> traces = load_golden();
  ASSERT_FALSE(traces.empty());
  size_t agreed = 0;
  size_t total = 0;
  for (const GoldenTrace& golden : traces) {
    const Outcome outcome = run_golden(golden);
    agreed += outcome.agreed;
    total += golden.trace.ops.size();
    if (outcome.problem.empty()) continue;
    ADD_FAILURE() << golden.trace.header.trace << ": " << outcome.agreed << " of "
                  << golden.trace.ops.size() << " agree; first: " << outcome.problem
                  << "\n  rerun: ZEROTAIL_GOLDEN=" << golden.trace.header.trace
                  << " golden_test --gtest_filter='Golden.*'";
  }
  std::cout << "golden agree " << agreed << " of " << total << " operations in " << traces.size()
            << " traces\n";
}

}  // namespace
}  // namespace zerotail::golden
