// What the tests in this folder share: a small trace, and whether a crash state of it shows what
// was found once.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <string_view>

#include "zerotail/harness/finding.h"

namespace zerotail::regressions {

struct Regression {
  const char* trace;   // its header holds I/O path, ordering, faults and setup
  const char* device;  // as in a repro id
  uint64_t seed = 1;
  const char* contract;
  const char* kind;
  const char* path;
  harness::Circumstances circumstances;
};

// Explores the trace; success when a crash state shows the finding, with its repro line.
// `ordering` takes the place of the header's. A trace that cannot be run shows nothing and fails
// the test.
[[nodiscard]] testing::AssertionResult shows(const Regression& regression,
                                             std::string_view ordering = {});

}  // namespace zerotail::regressions
