#include "zerotail/sim/volatile_cache.h"

#include <gtest/gtest.h>

#include <map>
#include <vector>

#include "sim/test_disk.h"
#include "zerotail/sim/mem_disk.h"

namespace zerotail::sim {
namespace {

class VolatileCacheTest : public testing::Test {
 protected:
  VolatileCacheTest() : medium_({.capacity = SectorCount{64}}) {}
  VolatileCache cache(const VolatileCache::Options& options = {}) {
    return VolatileCache(medium_, options, Prng(1));
  }
  MemDisk medium_;
};

using VolatileCacheTest = VolatileCacheTest;

TEST_F(VolatileCacheTest, ACompletedWriteIsVisibleAndNotDurable) {
  VolatileCache disk = cache();
  ASSERT_EQ(write(disk, 3, 2, 7), Errno::kOk);
  EXPECT_EQ(read_byte(disk, 3), 7);
  EXPECT_EQ(read_byte(disk, 5), 0);
  EXPECT_EQ(byte_at(medium_, 3), 0);
  EXPECT_EQ(disk.pending(), SectorCount{2});
}

TEST_F(VolatileCacheTest, AFlushMakesAllDurable) {
  VolatileCache disk = cache();
  write(disk, 3, 2, 7);
  write(disk, 40, 1, 8);
  ASSERT_EQ(simple(disk, BioOp::kFlush), Errno::kOk);
  EXPECT_EQ(byte_at(medium_, 3), 7);
  EXPECT_EQ(byte_at(medium_, 4), 7);
  EXPECT_EQ(byte_at(medium_, 40), 8);
  EXPECT_EQ(disk.pending(), SectorCount{0});
}

TEST_F(VolatileCacheTest, PowerLossDropsWhatIsPending) {
  VolatileCache disk = cache();
  write(disk, 3, 1, 7);
  simple(disk, BioOp::kFlush);
  write(disk, 3, 1, 8);
  disk.lose_power();
  EXPECT_EQ(read_byte(disk, 3), 7);
  EXPECT_EQ(disk.pending(), SectorCount{0});
}

TEST_F(VolatileCacheTest, FuaDoesNotFlushOthers) {
  VolatileCache disk = cache();
  write(disk, 1, 1, 7);
  ASSERT_EQ(write(disk, 2, 1, 8, {.fua = true}), Errno::kOk);
  EXPECT_EQ(byte_at(medium_, 1), 0);
  EXPECT_EQ(byte_at(medium_, 2), 8);
  EXPECT_EQ(disk.pending(), SectorCount{1});
}

TEST_F(VolatileCacheTest, FuaDropsTheOlderVersionsOfItsSectors) {
  VolatileCache disk = cache();
  write(disk, 1, 3, 7);
  write(disk, 2, 1, 8, {.fua = true});
  EXPECT_EQ(disk.pending(), SectorCount{2});
  simple(disk, BioOp::kFlush);  // must not bring the old version back
  EXPECT_EQ(byte_at(medium_, 1), 7);
  EXPECT_EQ(byte_at(medium_, 2), 8);
  EXPECT_EQ(byte_at(medium_, 3), 7);
}

TEST_F(VolatileCacheTest, PreflushFlushesBeforeItsWriteAndNotTheWriteItself) {
  VolatileCache disk = cache();
  write(disk, 1, 1, 7);
  ASSERT_EQ(write(disk, 2, 1, 8, {.preflush = true}), Errno::kOk);
  EXPECT_EQ(byte_at(medium_, 1), 7);
  EXPECT_EQ(byte_at(medium_, 2), 0);
  EXPECT_EQ(disk.pending(), SectorCount{1});
}

TEST_F(VolatileCacheTest, ADiscardTakesWhatIsPendingThere) {
  VolatileCache disk = cache();
  write(disk, 1, 3, 7);
  ASSERT_EQ(simple(disk, BioOp::kDiscard, 2, 1), Errno::kOk);
  EXPECT_EQ(read_byte(disk, 1), 7);
  EXPECT_EQ(read_byte(disk, 2), 0);
  EXPECT_EQ(disk.pending(), SectorCount{2});
  ASSERT_EQ(simple(disk, BioOp::kDiscard, 0, 64), Errno::kOk);
  EXPECT_EQ(disk.pending(), SectorCount{0});
}

TEST_F(VolatileCacheTest, ALyingDeviceFlushesNothing) {
  VolatileCache disk = cache({.honour_flush = false});
  write(disk, 1, 1, 7);
  EXPECT_EQ(simple(disk, BioOp::kFlush), Errno::kOk);
  EXPECT_EQ(write(disk, 2, 1, 8, {.preflush = true}), Errno::kOk);
  EXPECT_EQ(disk.pending(), SectorCount{2});
  EXPECT_EQ(byte_at(medium_, 1), 0);
}

TEST_F(VolatileCacheTest, ADeviceThatIgnoresFuaKeepsTheWritePending) {
  VolatileCache disk = cache({.honour_fua = false});
  EXPECT_EQ(write(disk, 1, 1, 7, {.fua = true}), Errno::kOk);
  EXPECT_EQ(disk.pending(), SectorCount{1});
  EXPECT_EQ(read_byte(disk, 1), 7);
}

TEST_F(VolatileCacheTest, EvictionMakesBlocksDurableWithoutAFlush) {
  VolatileCache disk = cache({.evict_one_in = 2});
  for (uint64_t s = 0; s < 64; ++s) write(disk, s, 1, 9);
  uint64_t durable = 0;
  for (uint64_t s = 0; s < 64; ++s) durable += byte_at(medium_, s) == 9 ? 1 : 0;
  EXPECT_EQ(durable + disk.pending().value(), 64U);
  EXPECT_GT(durable, 16U);
  EXPECT_LT(durable, 48U);
}

TEST_F(VolatileCacheTest, EvictionRepeatsWithItsSeed) {
  const auto evicted = [](uint64_t seed) {
    MemDisk medium({.capacity = SectorCount{64}});
    VolatileCache disk(medium, {.evict_one_in = 3}, Prng(seed));
    for (uint64_t s = 0; s < 64; ++s) write(disk, s * 7 % 64, 1, 9);
    return medium.digest();
  };
  EXPECT_EQ(evicted(1), evicted(1));
  EXPECT_NE(evicted(1), evicted(2));
}

TEST_F(VolatileCacheTest, EvictionTakesWholeLogicalBlocks) {
  MemDisk medium({.capacity = SectorCount{64}, .logical_block = ByteCount{4096}});
  VolatileCache disk(medium, {.evict_one_in = 1}, Prng(1));
  ASSERT_EQ(write(disk, 8, 16, 7), Errno::kOk);
  EXPECT_EQ(disk.pending(), SectorCount{8});
  ASSERT_EQ(write(disk, 32, 8, 7), Errno::kOk);
  EXPECT_EQ(disk.pending(), SectorCount{8});
}

// A medium that refuses writes to one sector.
class BadSpot : public BlockDevice {
 public:
  BadSpot(BlockDevice& below, Sector bad) : below_(below), bad_(bad) {}
  [[nodiscard]] const DeviceInfo& info() const override { return below_.info(); }
  void submit(Bio& bio) override {
    if (bio.op == BioOp::kWrite && bio.sector <= bad_ && bad_ < bio.end()) {
      bio.complete(Errno::kIo);
    } else {
      below_.submit(bio);
    }
  }

 private:
  BlockDevice& below_;
  Sector bad_;
};

TEST_F(VolatileCacheTest, WhatTheMediumRefusesStaysPending) {
  BadSpot bad(medium_, Sector{5});
  VolatileCache disk(bad, {}, Prng(1));
  write(disk, 1, 1, 7);
  write(disk, 5, 1, 8);
  write(disk, 9, 1, 9);
  EXPECT_EQ(simple(disk, BioOp::kFlush), Errno::kIo);
  EXPECT_EQ(byte_at(medium_, 1), 7);
  EXPECT_EQ(disk.pending(), SectorCount{2});
  EXPECT_EQ(read_byte(disk, 5), 8);
  EXPECT_EQ(write(disk, 5, 1, 8, {.fua = true}), Errno::kIo);
  EXPECT_EQ(read_byte(disk, 5), 8);
}

TEST_F(VolatileCacheTest, RangesAreChecked) {
  VolatileCache disk = cache();
  EXPECT_EQ(write(disk, 63, 2, 7), Errno::kIo);
  EXPECT_EQ(disk.pending(), SectorCount{0});
}

TEST_F(VolatileCacheTest, SaysThatItsCacheIsVolatile) {
  EXPECT_FALSE(medium_.info().volatile_cache);
  EXPECT_TRUE(cache().info().volatile_cache);
}

// Against a plain map: reads always see the newest, the medium what was made durable.
TEST_F(VolatileCacheTest, BehavesLikeTwoMaps) {
  Prng prng(12);
  VolatileCache disk = cache();
  std::map<uint64_t, int> newest;
  std::map<uint64_t, int> durable;
  for (int i = 1; i <= 2000; ++i) {
    const uint64_t sector = prng.below(60);
    const uint64_t count = prng.between(1, 4);
    const int value = i % 250 + 1;
    switch (prng.below(8)) {
      case 0:
        simple(disk, BioOp::kFlush);
        durable = newest;
        break;
      case 1:
        write(disk, sector, count, value, {.fua = true});
        for (uint64_t s = sector; s < sector + count; ++s) newest[s] = durable[s] = value;
        break;
      case 2:
        write(disk, sector, count, value, {.preflush = true});
        durable = newest;
        for (uint64_t s = sector; s < sector + count; ++s) newest[s] = value;
        break;
      case 3:
        if (prng.chance(1, 4)) {
          disk.lose_power();
          newest = durable;
        }
        break;
      default:
        write(disk, sector, count, value);
        for (uint64_t s = sector; s < sector + count; ++s) newest[s] = value;
        break;
    }
    for (uint64_t s = 0; s < 64; ++s) {
      ASSERT_EQ(byte_at(medium_, s), durable[s]) << "step " << i;
      ASSERT_EQ(read_byte(disk, s), newest[s]) << "step " << i;
    }
  }
}

}  // namespace
}  // namespace zerotail::sim
