#include "zerotail/sim/assert.h"

#include <gtest/gtest.h>

namespace zerotail::sim {
namespace {

TEST(AssertDeathTest, PrintsExpressionAndPlace) {
  EXPECT_DEATH(ZT_ASSERT(1 + 1 == 3), "assert_test.cc:[0-9]+: assertion failed: 1 \\+ 1 == 3");
}

TEST(AssertDeathTest, PrintsItsMessage) {
  EXPECT_DEATH(ZT_ASSERT_MSG(false, "the moon is down"), "the moon is down");
}

TEST(AssertDeathTest, PrintsTheReproLineOfTheInnermostScope) {
  const ReproScope outer("zerotail repro outer");
  {
    const ReproScope inner("zerotail repro inner");
    EXPECT_DEATH(ZT_ASSERT(false), "repro: zerotail repro inner");
  }
  EXPECT_DEATH(ZT_ASSERT(false), "repro: zerotail repro outer");
}

TEST(Assert, ATrueConditionIsEvaluatedOnce) {
  int calls = 0;
  ZT_ASSERT(++calls == 1);
  EXPECT_EQ(calls, 1);
}

}  // namespace
}  // namespace zerotail::sim
