// The golden set: recorded traces with what real kernels answered (README.md).
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "zerotail/harness/op_result.h"
#include "zerotail/harness/trace.h"

namespace zerotail::golden {

inline constexpr const char* kReference = "7.3.4";     // the iomap driver
inline constexpr const char* kOlder = "7.2.13";        // the iomap driver, with known bugs
inline constexpr const char* kBufferHead = "6.18.15";  // the buffer-head driver

struct GoldenTrace {
  harness::Trace trace;
  // By kernel; one a operation.
  std::map<std::string, std::vector<harness::OpResult>> results;
  // By kernel: operations whose answer departs from what is right.
  std::map<std::string, std::set<size_t>> wrong;

  // What the iomap path must answer: 7.3.4's result, or the buffer-head driver's where 7.3.4 is
  // known to be wrong.
  [[nodiscard]] const harness::OpResult& wanted(size_t op) const;
};

// All traces of tests/golden/data in order of file name and line. When the environment variable
// ZEROTAIL_GOLDEN is set, only those whose name contains it. Fails the test on broken data.
[[nodiscard]] std::vector<GoldenTrace> load_golden();

}  // namespace zerotail::golden
