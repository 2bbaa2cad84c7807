#include <gtest/gtest.h>

#include "core/io/test_mount.h"
#include "zerotail/io/layout.h"

namespace zerotail::io {
namespace {

class DirectTest : public ::testing::Test {
 protected:
  TestVolume volume_;
  TestFile file_{volume_, "a"};
};

TEST_F(DirectTest, WhatIsWrittenIsReadByBothPaths) {
  EXPECT_EQ(*file_.direct_write(0, 4096, 1), 4096U);
  EXPECT_EQ(file_.state(), "4096 4096 4096");
  EXPECT_EQ(file_.read(0, 5000), "1x4096 ");
  EXPECT_EQ(file_.direct_read(0, 4096), "1x4096 ");
}

TEST_F(DirectTest, DropsWhatTheCacheHeld) {
  ASSERT_TRUE(file_.write(0, 8192, 1).ok());
  EXPECT_EQ(*file_.direct_write(4096, 512, 2), 512U);
  EXPECT_EQ(file_.read(0, 8192), "1x4096 2x512 1x3584 ");
}

TEST_F(DirectTest, AReadSeesDirtyData) {
  ASSERT_TRUE(file_.write(0, 4096, 1).ok());
  EXPECT_EQ(file_.direct_read(0, 4096), "1x4096 ");
}

TEST_F(DirectTest, AReadIsZeroPastTheValidSize) {
  ASSERT_TRUE(file_.write(0, 1024, 7).ok());
  file_.make_cold();
  ASSERT_TRUE(file_.truncate(700).ok());
  ASSERT_TRUE(file_.truncate(8192).ok());
  EXPECT_EQ(file_.direct_read(0, 2048), "7x700 0x1348 ");
}

TEST_F(DirectTest, MisalignedIsRefused) {
  ASSERT_TRUE(file_.write(0, 4096, 1).ok());
  EXPECT_EQ(file_.direct_write(100, 512, 1).code(), sim::Errno::kInval);
  EXPECT_EQ(file_.direct_write(0, 100, 1).code(), sim::Errno::kInval);
  EXPECT_EQ(file_.direct_write(0, 512, 1, {.memory_aligned = false}).code(), sim::Errno::kInval);
  EXPECT_EQ(file_.direct_read(100, 512), "EINVAL");
}

TEST_F(DirectTest, TheDevicesBlockIsTheUnitNotTheSector) {
  TestVolume volume({.size = sim::mib(32), .sector = sim::kib(4), .logical = sim::ByteCount{512}});
  TestFile file(volume, "a");
  EXPECT_EQ(*file.direct_write(512, 512, 1), 512U);
  EXPECT_EQ(file.read(0, 2000), "0x512 1x512 ");
  ASSERT_TRUE(file.truncate(4096).ok());
  EXPECT_EQ(file.direct_read(512, 512), "1x512 ");
  file.make_cold();
  EXPECT_EQ(file.read(0, 4096), "0x512 1x512 0x3072 ");
}

// In a block that was never written, what lies around the write becomes zeros on the device.
TEST_F(DirectTest, ANewBlockIsZeroedAroundTheWriteOnTheDevice) {
  TestVolume volume({.size = sim::mib(32), .sector = sim::kib(4), .logical = sim::ByteCount{512}});
  TestFile file(volume, "a");
  EXPECT_EQ(*file.direct_write(0, 512, 1), 512U);
  const auto addr = io::bmap(file.node(), sim::FilePos{0});
  ASSERT_TRUE(addr.has_value());
  std::vector<std::byte> block(4096);
  volume.disk.read(*addr, block);
  EXPECT_EQ(TestFile::runs(block), "1x512 0x3584 ");
}

// The same behind a write that ends the file, in clusters that it had.
TEST_F(DirectTest, TheTailOfTheLastBlockIsZeroedOnTheDevice) {
  TestVolume volume({.size = sim::mib(32),
                     .sector = sim::kib(4),
                     .cluster = sim::kib(16),
                     .logical = sim::ByteCount{512}});
  TestFile file(volume, "a");
  ASSERT_TRUE(file.write(0, 4096, 1).ok());
  ASSERT_TRUE(file.fsync().ok());
  EXPECT_EQ(*file.direct_write(4096, 512, 2), 512U);
  const auto addr = io::bmap(file.node(), sim::FilePos{4096});
  ASSERT_TRUE(addr.has_value());
  std::vector<std::byte> block(4096);
  volume.disk.read(*addr, block);
  EXPECT_EQ(TestFile::runs(block), "2x512 0x3584 ");
}

TEST_F(DirectTest, NothingToWriteChangesNothing) {
  ASSERT_TRUE(file_.write(0, 512, 1).ok());
  const std::string before = file_.state();
  EXPECT_EQ(*file_.direct_write(65536, 0, 1), 0U);
  EXPECT_EQ(*file_.write(65536, 0, 1), 0U);
  EXPECT_EQ(file_.state(), before);
}

TEST_F(DirectTest, AMisalignedWriteLeavesNoClusters) {
  EXPECT_EQ(file_.direct_write(0, 1000, 1).code(), sim::Errno::kInval);
  EXPECT_EQ(file_.clusters(), 0U);
  EXPECT_EQ(file_.state(), "0 0 0");
}

TEST_F(DirectTest, AFailedWriteLeavesTheValidSize) {
  ASSERT_TRUE(file_.truncate(8192).ok());
  volume_.device.fail_data_writes = true;
  EXPECT_EQ(file_.direct_write(0, 4096, 1).code(), sim::Errno::kIo);
  EXPECT_EQ(file_.inode().valid_size(), sim::FilePos{0});
  volume_.device.fail_data_writes = false;
  EXPECT_EQ(file_.read(0, 8192), "0x8192 ");
}

TEST_F(DirectTest, AWriteThatDoesNotFitChangesNothing) {
  const auto free_before = volume_.mount->fs().space().free;
  EXPECT_EQ(file_.direct_write(0, sim::mib(9).value(), 1).code(), sim::Errno::kNoSpc);
  EXPECT_EQ(file_.state(), "0 0 0");
  EXPECT_EQ(volume_.mount->fs().space().free, free_before);
}

TEST_F(DirectTest, ACacheThatStaysIsWrittenThrough) {
  ASSERT_TRUE(file_.write(0, 4096, 1).ok());
  EXPECT_EQ(*file_.direct_write(1024, 512, 2, {.no_invalidate = true}), 512U);
  EXPECT_FALSE(file_.node().cache().any_dirty());
  EXPECT_EQ(file_.direct_read(0, 4096), "1x1024 2x512 1x2560 ");
}

TEST_F(DirectTest, TheGapBeforeAWriteIsZero) {
  EXPECT_EQ(*file_.direct_write(8192, 512, 1), 512U);
  file_.make_cold();
  EXPECT_EQ(file_.read(0, 10000), "0x8192 1x512 ");
}

}  // namespace
}  // namespace zerotail::io
