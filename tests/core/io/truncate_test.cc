#include <gtest/gtest.h>

#include "core/io/test_mount.h"

namespace zerotail::io {
namespace {

class TruncateTest : public ::testing::Test {
 protected:
  TestVolume volume_;
  TestFile file_{volume_, "a"};
};

TEST_F(TruncateTest, GrowingAllocatesAndLeavesTheValidSize) {
  ASSERT_TRUE(file_.write(0, 100, 1).ok());
  ASSERT_TRUE(file_.truncate(20000).ok());
  EXPECT_EQ(file_.inode().valid_size(), sim::FilePos{100});
  EXPECT_EQ(file_.clusters(), 5U);
  EXPECT_EQ(file_.read(0, 30000), "1x100 0x19900 ");
}

TEST_F(TruncateTest, ShrinkingTakesTheValidSizeAlong) {
  ASSERT_TRUE(file_.write(0, 20000, 1).ok());
  ASSERT_TRUE(file_.truncate(5000).ok());
  EXPECT_EQ(file_.state(), "5000 5000 5000");
  EXPECT_EQ(file_.clusters(), 2U);
}

TEST_F(TruncateTest, ShrinkingAboveTheValidSizeKeepsIt) {
  ASSERT_TRUE(file_.write(0, 100, 1).ok());
  ASSERT_TRUE(file_.truncate(20000).ok());
  ASSERT_TRUE(file_.truncate(5000).ok());
  EXPECT_EQ(file_.inode().valid_size(), sim::FilePos{100});
}

TEST_F(TruncateTest, WhatWasCutOffDoesNotComeBack) {
  ASSERT_TRUE(file_.write(0, 8192, 7).ok());
  file_.make_cold();
  ASSERT_TRUE(file_.truncate(700).ok());
  ASSERT_TRUE(file_.truncate(8192).ok());
  EXPECT_EQ(file_.read(0, 8192), "7x700 0x7492 ");
  file_.make_cold();
  EXPECT_EQ(file_.read(0, 8192), "7x700 0x7492 ");
}

TEST_F(TruncateTest, ZerosThatOnlyTheCacheHadAreFilledAgain) {
  // The gap's zeros are dirty in the cache when they are cut off; Z must not remember them.
  ASSERT_TRUE(file_.truncate(40960).ok());
  ASSERT_TRUE(file_.write(30000, 10, 1).ok());
  ASSERT_TRUE(file_.truncate(100).ok());
  ASSERT_TRUE(file_.truncate(40960).ok());
  ASSERT_TRUE(file_.write(35000, 10, 2).ok());
  file_.make_cold();
  EXPECT_EQ(file_.read(0, 40960), "0x35000 2x10 0x5950 ");
}

TEST_F(TruncateTest, NoSpaceChangesNothing) {
  ASSERT_TRUE(file_.write(0, 100, 1).ok());
  EXPECT_EQ(file_.truncate(sim::mib(100).value()).code(), sim::Errno::kNoSpc);
  EXPECT_EQ(file_.state(), "100 100 100");
  EXPECT_EQ(file_.clusters(), 1U);
}

TEST_F(TruncateTest, FallocateInsideTheSizeChangesNothing) {
  ASSERT_TRUE(file_.write(0, 100, 1).ok());
  ASSERT_TRUE(fallocate(file_.node(), sim::FilePos{0}, sim::ByteCount{50}).ok());
  EXPECT_EQ(file_.state(), "100 100 100");
  ASSERT_TRUE(fallocate(file_.node(), sim::FilePos{50}, sim::ByteCount{5000}).ok());
  EXPECT_EQ(file_.inode().size(), sim::FilePos{5050});
}

TEST_F(TruncateTest, AnErrorOfShrinkingReachesTheCaller) {
  exfat::Options options;
  options.sync = true;
  TestVolume volume(TestVolume::Shape{}, options);
  TestFile file(volume, "a");
  ASSERT_TRUE(file.write(0, 20000, 1).ok());
  volume.device.fail_metadata_writes = true;
  EXPECT_EQ(file.truncate(100).code(), sim::Errno::kIo);
}

TEST_F(TruncateTest, TruncateWaitsForDirectIo) {
  std::string order;
  ASSERT_TRUE(file_.write(0, 8192, 1).ok());
  file_.node().begin_direct();
  volume_.world.scheduler.spawn("truncate", [&] {
    EXPECT_TRUE(file_.truncate(0).ok());
    order += "truncated";
  });
  volume_.world.scheduler.spawn("direct", [&] {
    volume_.world.scheduler.sleep(sim::micros(10));
    order += "direct ";
    file_.node().end_direct();
  });
  volume_.world.scheduler.run();
  EXPECT_EQ(order, "direct truncated");
}

}  // namespace
}  // namespace zerotail::io
