#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "fault/log_builder.h"
#include "zerotail/sim/prng.h"

namespace zerotail::fault {
namespace {

int byte_at(const sim::SectorReader& disk, uint64_t sector) {
  return std::to_integer<int>(*disk.sector(sim::Sector{sector}));
}

TEST(CrashImage, StartsAsTheBase) {
  LogBuilder log;
  log.put(0, 1);
  log.write(0, {2});
  const CrashModel model = log.model();
  const CrashImage image(model);
  EXPECT_EQ(byte_at(image, 0), 1);
  EXPECT_EQ(image.capacity(), sim::SectorCount{64});
  EXPECT_EQ(image.digest(), log.base().digest());
  EXPECT_TRUE(image.changed().empty());
}

TEST(CrashImage, ReadsPointIntoTheLogAndTheBase) {
  LogBuilder log;
  log.put(1, 7);
  const uint32_t record = log.write(0, {2});
  const CrashModel model = log.model();
  CrashImage image(model);
  image.set({.point = 1, .picks = {1}});
  EXPECT_EQ(image.sector(sim::Sector{0}), log.log().records()[record].data->data());
  EXPECT_EQ(image.sector(sim::Sector{1}), image.base().sector(sim::Sector{1}));
}

TEST(CrashImage, AnOldStateLeavesNoTrace) {
  LogBuilder log;
  sim::Prng prng(5);
  for (int i = 1; i <= 60; ++i) {
    log.write(prng.below(20), {i, i + 60});
    if (prng.chance(1, 6)) log.flush();
    if (prng.chance(1, 6)) log.write(prng.below(20), {i}, {.fua = true});
    log.mark();
  }
  for (const bool atomic : {false, true}) {
    const CrashModel model = log.model({.atomic_bios = atomic});
    CrashImage used(model);
    for (const CrashPoint& point : model.points()) {
      for (const CrashState& state : enumerate_states(model, point, {16}).states) {
        used.set(state);
        CrashImage fresh(model);
        fresh.set(state);
        ASSERT_EQ(used.digest(), fresh.digest());
        ASSERT_EQ(used.materialise().difference(fresh.materialise()).size(), 0U);
        ASSERT_EQ(used.state(), state);
      }
    }
  }
}

TEST(CrashImage, PickChangesOneUnit) {
  LogBuilder log;
  log.write(0, {1, 2});
  const CrashModel model = log.model();
  CrashImage picked(model);
  CrashImage set(model);
  picked.set({.point = 1, .picks = {0, 1}});
  picked.pick(0, 1);
  picked.pick(1, 0);
  set.set({.point = 1, .picks = {1, 0}});
  EXPECT_EQ(picked.state(), set.state());
  EXPECT_EQ(picked.digest(), set.digest());
  EXPECT_EQ(byte_at(picked, 1), 0);
}

TEST(CrashImage, DeltasOfUnitsAddUpToTheDigest) {
  LogBuilder log;
  log.write(4, {1, 2});
  log.write(9, {3});
  const CrashModel model = log.model();
  CrashImage image(model);
  image.set({.point = 2, .picks = {1, 1, 1}});
  const sim::Digest base = image.base().digest();
  EXPECT_EQ(base + image.delta(sim::Sector{0}, sim::Sector{64}), image.digest());
  EXPECT_EQ(image.delta(sim::Sector{5}, sim::Sector{9}), image.delta(1));
  EXPECT_EQ(image.delta(sim::Sector{6}, sim::Sector{9}), sim::Digest{});
  image.pick(1, 0);
  EXPECT_EQ(image.delta(1), sim::Digest{});
}

TEST(CrashImage, StatesWithEqualContentHaveEqualDigests) {
  LogBuilder log;
  log.put(0, 1);
  log.write(0, {2});
  log.write(0, {1});  // back to what was there
  const uint32_t mark = log.mark();
  const CrashModel model = log.model();
  ASSERT_EQ(model.points()[3].mark, mark);
  CrashImage image(model);
  image.set({.point = 3, .picks = {0}});
  const sim::Digest lost = image.digest();
  image.set({.point = 3, .picks = {1}});
  EXPECT_NE(image.digest(), lost);
  image.set({.point = 3, .picks = {2}});
  EXPECT_EQ(image.digest(), lost);
  EXPECT_TRUE(image.changed().empty());
}

TEST(CrashImage, ChangedLeavesOutSectorsOfAUnitThatAreAsInTheBase) {
  LogBuilder log;
  log.write(10, {1});
  const CrashModel model = log.model({.atomic_unit = sim::ByteCount{4096}});
  CrashImage image(model);
  image.set({.point = 1, .picks = {1}});
  ASSERT_EQ(image.changed().size(), 1U);
  EXPECT_EQ(image.changed()[0], sim::Sector{10});
}

TEST(CrashImage, WorksBeyondTheTableOfALargeDisk) {
  const uint64_t capacity = sim::sectors(sim::gib(1024)).value();
  LogBuilder log(capacity);
  log.write(capacity - 2, {1, 2});
  log.write(5, {3});
  const CrashModel model = log.model();
  CrashImage image(model);
  image.set({.point = 2, .picks = {1, 1, 0}});
  EXPECT_EQ(byte_at(image, 5), 3);
  EXPECT_EQ(byte_at(image, capacity - 2), 1);
  EXPECT_EQ(byte_at(image, capacity - 1), 0);
  EXPECT_EQ(image.digest(), image.materialise().digest());
  image.set({.point = 0, .picks = {0, 0, 0}});
  EXPECT_EQ(byte_at(image, capacity - 2), 0);
}

TEST(CrashImageDeathTest, AStateOfAnotherSegmentIsAProgrammersError) {
  LogBuilder log;
  log.write(0, {1, 2});
  const CrashModel model = log.model();
  CrashImage image(model);
  EXPECT_DEATH(image.set({.point = 1, .picks = {1}}), "assertion failed");
  EXPECT_DEATH(image.set({.point = 9, .picks = {1, 1}}), "assertion failed");
}

}  // namespace
}  // namespace zerotail::fault
