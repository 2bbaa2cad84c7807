#include "zerotail/mm/block_bits.h"

#include <gtest/gtest.h>

namespace zerotail::mm {
namespace {

TEST(BlockBits, RangesCrossWords) {
  BlockBits bits;
  bits.set(60, 72);
  EXPECT_FALSE(bits.test(59));
  EXPECT_TRUE(bits.test(60));
  EXPECT_TRUE(bits.test(131));
  EXPECT_FALSE(bits.test(132));
  EXPECT_TRUE(bits.all(60, 72));
  EXPECT_FALSE(bits.all(59, 72));
}

TEST(BlockBits, ClearLeavesNeighbours) {
  BlockBits bits;
  bits.set(0, 128);
  bits.clear(63, 2);
  EXPECT_TRUE(bits.test(62));
  EXPECT_FALSE(bits.test(63));
  EXPECT_FALSE(bits.test(64));
  EXPECT_TRUE(bits.test(65));
}

TEST(BlockBits, NextSetSkipsEmptyWords) {
  BlockBits bits;
  bits.set(200, 1);
  EXPECT_EQ(bits.next_set(0, 512), 200U);
  EXPECT_EQ(bits.next_set(201, 512), 512U);
  EXPECT_EQ(bits.next_set(0, 100), 100U);
}

TEST(BlockBits, NextClearStopsAtLimit) {
  BlockBits bits;
  bits.set(0, 8);
  EXPECT_EQ(bits.next_clear(0, 8), 8U);
  EXPECT_EQ(bits.next_clear(0, 16), 8U);
}

TEST(BlockBits, AnySeesOneBit) {
  BlockBits bits;
  bits.set(65, 1);
  EXPECT_TRUE(bits.any(0, 66));
  EXPECT_FALSE(bits.any(0, 65));
}

}  // namespace
}  // namespace zerotail::mm
