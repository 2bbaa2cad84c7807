// Core and model on the same random traces. One seed alone:
//   ZEROTAIL_SEED=17 harness_test --gtest_filter='Differential.RandomTraces*'

#include "zerotail/harness/differential.h"

#include <gtest/gtest.h>

#include <cstdlib>

#include "differential_run.h"
#include "zerotail/harness/random_trace.h"

namespace zerotail::harness {
namespace {

constexpr DifferentialVolume kGeometries[] = {
    {512, 4096, 16, true},
    {512, 512, 4, true},
    {4096, 4096, 16, true},
    {512, 32768, 4, true},
    {512, 4096, 3, false},
    {4096, 131072, 16, true},
    {512, 131072, 16, false},
    {4096, 32768, 8, true},
    {1024, 1024, 4, true},
    {2048, 32768, 8, true},
    {512, 512, 4, true, 4096, "single", 2},
};
constexpr uint64_t kTracesEach = 12;

// The other page caches: the model knows the page size, and that folios mean nothing.
constexpr DifferentialVolume kPageCaches[] = {
    {512, 4096, 16, true, 4096, "large"},    {4096, 4096, 16, true, 4096, "large"},
    {512, 512, 4, false, 4096, "large"},     {512, 32768, 8, true, 16384, "single"},
    {512, 512, 4, true, 16384, "large"},     {4096, 131072, 16, false, 65536, "single"},
    {512, 4096, 16, true, 65536, "single"},  {512, 4096, 3, true, 65536, "large"},
    {4096, 32768, 8, false, 65536, "large"},
};
constexpr uint64_t kTracesEachPageCache = 10;
constexpr uint64_t kFirstPageCacheSeed = 1000;

void compare(const DifferentialVolume& geometry, uint64_t seed) {
  expect_agreement(header_of(geometry, seed), seed, "Differential.RandomTraces*");
}

TEST(Differential, RandomTracesAnswerAsTheModelPredicts) {
  const char* only = std::getenv("ZEROTAIL_SEED");
  uint64_t seed = 1;
  for (uint64_t round = 0; round < kTracesEach; ++round) {
    for (const DifferentialVolume& geometry : kGeometries) {
      if (only == nullptr) compare(geometry, seed);
      ++seed;
    }
  }
  if (only == nullptr) return;
  seed = std::strtoull(only, nullptr, 10);
  ASSERT_GT(seed, 0U);
  if (seed < kFirstPageCacheSeed) {
    compare(kGeometries[(seed - 1) % std::size(kGeometries)], seed);
  } else {
    compare(kPageCaches[(seed - kFirstPageCacheSeed) % std::size(kPageCaches)], seed);
  }
}

// The disk takes its time: what is not waited for runs beside what follows. The answers are the
// same. Without stores through mappings, which race with direct writes.
TEST(Differential, ASlowDiskChangesNoAnswer) {
  constexpr sim::Nanos kRequest = sim::millis(3);
  const char* only = std::getenv("ZEROTAIL_SEED");
  const uint64_t first = only == nullptr ? 1 : std::strtoull(only, nullptr, 10);
  const uint64_t last = only == nullptr ? 24 : first;
  for (uint64_t seed = first; seed <= last; ++seed) {
    RandomTraceOptions options;
    options.header = header_of(kGeometries[seed % std::size(kGeometries)], seed);
    options.mapped = false;
    if (seed % 2 == 0) {  // the flusher is always about, and writers wait for it
      options.header.dirty_expire_ms = 40;
      options.header.dirty_writeback_ms = 20;
      options.header.dirty_background_bytes = 16 << 10;
      options.header.dirty_bytes = 32 << 10;
    }
    const auto fresh = fresh_geometry(options.header);
    ASSERT_TRUE(fresh.ok()) << fresh.error().message();
    const Trace trace = random_trace(options, fresh.value(), sim::Prng(seed));
    if (!find_disagreement(trace, kRequest)) continue;
    const Trace small = shrink_disagreement(trace, kRequest);
    const auto disagreement = find_disagreement(small, kRequest);
    ASSERT_TRUE(disagreement.has_value());
    ADD_FAILURE() << "seed " << seed << ", operation " << disagreement->op << ": "
                  << disagreement->text << "\n"
                  << print_trace(small);
  }
}

TEST(Differential, RandomTracesAnswerAsPredictedWithAnyPageSizeAndFolios) {
  if (std::getenv("ZEROTAIL_SEED") != nullptr) return;
  uint64_t seed = kFirstPageCacheSeed;
  for (uint64_t round = 0; round < kTracesEachPageCache; ++round) {
    for (const DifferentialVolume& geometry : kPageCaches) compare(geometry, seed++);
  }
}

TEST(Differential, TheSameSeedGivesTheSameTrace) {
  RandomTraceOptions options;
  options.header = header_of(kGeometries[0], 5);
  const auto fresh = fresh_geometry(options.header);
  ASSERT_TRUE(fresh.ok());
  const Trace a = random_trace(options, fresh.value(), sim::Prng(5));
  EXPECT_EQ(a, random_trace(options, fresh.value(), sim::Prng(5)));
  EXPECT_NE(a, random_trace(options, fresh.value(), sim::Prng(6)));
  EXPECT_EQ(parse_trace(print_trace(a), "a").value(), a);
}

// The comparison sees a wrong answer: what the core refuses and the model does not is reported, and
// shrunk to the operation that matters.
TEST(Differential, ADisagreementIsFoundAndShrunk) {
  Trace trace;
  trace.header = header_of(kGeometries[0], 0);
  trace.header.mount = {"ro"};  // the model is not told
  trace.ops = {{.kind = OpKind::kStatfs},
               {.kind = OpKind::kList, .path = ""},
               {.kind = OpKind::kMkdir, .path = "d"},
               {.kind = OpKind::kSync}};
  const auto found = find_disagreement(trace);
  ASSERT_TRUE(found.has_value());
  EXPECT_EQ(found->op, 2U);
  EXPECT_EQ(found->text.substr(0, 20), "ret: want 0, got -30");
  const Trace small = shrink_disagreement(trace);
  ASSERT_EQ(small.ops.size(), 1U);
  EXPECT_EQ(small.ops[0].kind, OpKind::kMkdir);
}

}  // namespace
}  // namespace zerotail::harness
