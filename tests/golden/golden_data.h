// The golden set of this folder: recorded traces with what real kernels answered (README.md).
#pragma once

#include <vector>

#include "zerotail/harness/golden.h"

namespace zerotail::golden {

using GoldenTrace = harness::GoldenAnswers;

// All traces of tests/golden/data in order of file name and line. When the environment variable
// ZEROTAIL_GOLDEN is set, only those whose name contains it. Fails the test on broken data.
[[nodiscard]] std::vector<GoldenTrace> load_golden();
// The same of tests/golden/io.
[[nodiscard]] std::vector<harness::GoldenIoTrace> load_golden_io();

}  // namespace zerotail::golden
