// Core and model on the same random traces, both by the rules of the buffer-head path. One seed
// alone:
//   ZEROTAIL_SEED=17 harness_test --gtest_filter='DifferentialBufferHeads.*'

#include <gtest/gtest.h>

#include <cstdlib>

#include "differential_run.h"
#include "zerotail/harness/differential.h"

namespace zerotail::harness {
namespace {

constexpr DifferentialVolume kGeometries[] = {
    {512, 4096, 16, true},   {512, 512, 4, true},         {4096, 4096, 16, true},
    {512, 32768, 4, true},   {512, 4096, 3, false},       {4096, 131072, 16, true},
    {2048, 32768, 8, false}, {512, 4096, 4, true, 65536},
};
constexpr uint64_t kTracesEach = 12;

void compare(const DifferentialVolume& geometry, uint64_t seed) {
  expect_agreement(header_of(geometry, seed, "buffer-head"), seed, "DifferentialBufferHeads.*");
}

TEST(DifferentialBufferHeads, RandomTracesAnswerAsTheModelPredicts) {
  const char* only = std::getenv("ZEROTAIL_SEED");
  if (only != nullptr) {
    const uint64_t seed = std::strtoull(only, nullptr, 10);
    ASSERT_GT(seed, 0U);
    compare(kGeometries[(seed - 1) % std::size(kGeometries)], seed);
    return;
  }
  for (uint64_t seed = 1; seed <= kTracesEach * std::size(kGeometries); ++seed) {
    compare(kGeometries[(seed - 1) % std::size(kGeometries)], seed);
  }
}

// The comparison sees the difference between the paths: the model is told the other one.
TEST(DifferentialBufferHeads, TheModelOfTheOtherPathDisagrees) {
  const TraceHeader header = header_of(kGeometries[0], 1, "buffer-head");
  const auto fresh = fresh_geometry(header);
  ASSERT_TRUE(fresh.ok());
  ModelGeometry other = *fresh;
  other.buffer_heads = false;
  const Operation grow{.kind = OpKind::kTruncate, .path = "a", .size = 5000};
  const Operation hole{.kind = OpKind::kSeekHole, .path = "a"};
  Model model(*fresh);
  Model iomap(other);
  for (Model* one : {&model, &iomap}) {
    static_cast<void>(one->apply({.kind = OpKind::kCreate, .path = "a"}));
    static_cast<void>(one->apply(grow));
  }
  EXPECT_EQ(model.apply(hole).result.ret, 5000);
  EXPECT_EQ(iomap.apply(hole).result.ret, 0);
}

}  // namespace
}  // namespace zerotail::harness
