#include "zerotail/sim/prng.h"

#include <gtest/gtest.h>

#include <array>
#include <set>

namespace zerotail::sim {
namespace {

// Published values of the two algorithms, so that another implementation gives the same bytes.
TEST(Prng, SplitmixMatchesItsPublishedSequence) {
  // Seed 1234567: the state moves by the golden gamma each step.
  constexpr uint64_t kGamma = 0x9E3779B97F4A7C15;
  uint64_t state = 1234567;
  for (const uint64_t expected :
       {6457827717110365317U, 3203168211198807973U, 9817491932198370423U, 4593380528125082431U}) {
    EXPECT_EQ(splitmix64(state), expected);
    state += kGamma;
  }
}

// xoshiro256** written out a second time, from its description.
TEST(Prng, IsXoshiroSeededBySplitmix) {
  std::array<uint64_t, 4> s{};
  for (uint64_t i = 0; i < 4; ++i) s[i] = splitmix64(42 + i * 0x9E3779B97F4A7C15);
  Prng prng(42);
  for (int i = 0; i < 100; ++i) {
    const uint64_t x = s[1] * 5;
    const uint64_t expected = ((x << 7) | (x >> 57)) * 9;
    ASSERT_EQ(prng.next(), expected);
    const uint64_t t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = (s[3] << 45) | (s[3] >> 19);
  }
}

TEST(Prng, ForksDependOnTheSeedAndTheNameOnly) {
  Prng used(1);
  const Prng fresh(1);
  (void)used.next();
  EXPECT_EQ(used.fork("fault").next(), fresh.fork("fault").next());
  EXPECT_EQ(used.fork(7).next(), fresh.fork(7).next());
}

TEST(Prng, ForksDifferFromEachOther) {
  const Prng prng(1);
  std::set<uint64_t> first;
  first.insert(Prng(1).next());
  first.insert(prng.fork("a").next());
  first.insert(prng.fork("b").next());
  first.insert(prng.fork("").next());
  first.insert(prng.fork("a").fork("b").next());
  first.insert(prng.fork("b").fork("a").next());
  first.insert(prng.fork(0).next());
  first.insert(prng.fork(1).next());
  first.insert(Prng(2).fork("a").next());
  EXPECT_EQ(first.size(), 9U);
}

TEST(Prng, BelowStaysBelowAndReachesEveryNumber) {
  Prng prng(3);
  std::array<int, 7> seen{};
  for (int i = 0; i < 7000; ++i) ++seen.at(prng.below(7));
  for (const int count : seen) EXPECT_NEAR(count, 1000, 150);
  EXPECT_EQ(prng.below(1), 0U);
}

TEST(Prng, BetweenIncludesBothEnds) {
  Prng prng(4);
  std::set<uint64_t> seen;
  for (int i = 0; i < 200; ++i) seen.insert(prng.between(10, 13));
  EXPECT_EQ(seen, (std::set<uint64_t>{10, 11, 12, 13}));
  EXPECT_EQ(prng.between(5, 5), 5U);
  (void)prng.between(0, UINT64_MAX);
}

TEST(Prng, ChanceIsCertainAtItsEnds) {
  Prng prng(5);
  int hits = 0;
  for (int i = 0; i < 4000; ++i) {
    EXPECT_FALSE(prng.chance(0, 3));
    EXPECT_TRUE(prng.chance(3, 3));
    hits += prng.chance(1, 4) ? 1 : 0;
  }
  EXPECT_NEAR(hits, 1000, 150);
}

TEST(Prng, UnitIsBelowOne) {
  Prng prng(6);
  double sum = 0;
  for (int i = 0; i < 1000; ++i) {
    const double x = prng.unit();
    ASSERT_GE(x, 0.0);
    ASSERT_LT(x, 1.0);
    sum += x;
  }
  EXPECT_NEAR(sum / 1000, 0.5, 0.05);
}

TEST(PrngDeathTest, AnEmptyRangeIsAProgrammersError) {
  Prng prng(7);
  EXPECT_DEATH((void)prng.below(0), "assertion failed");
  EXPECT_DEATH((void)prng.between(2, 1), "assertion failed");
}

}  // namespace
}  // namespace zerotail::sim
