// How buffered writes move V, Z and S, and what the disk holds afterwards.
#include <gtest/gtest.h>

#include "core/io/test_mount.h"

namespace zerotail::io {
namespace {

class WriteTest : public ::testing::Test {
 protected:
  TestVolume volume_;
  TestFile file_{volume_, "a"};
};

TEST_F(WriteTest, AFirstWriteMovesAllThree) {
  EXPECT_EQ(*file_.write(0, 700, 1), 700U);
  EXPECT_EQ(file_.state(), "700 700 700");
}

TEST_F(WriteTest, AnOverwriteInExistingClustersZeroesToTheEndOfItsBlock) {
  ASSERT_TRUE(file_.truncate(4096).ok());
  EXPECT_EQ(*file_.write(0, 700, 1), 700U);
  EXPECT_EQ(file_.state(), "700 1024 4096");
}

TEST_F(WriteTest, AGapReadsAsZerosAlsoFromACold) {
  EXPECT_EQ(*file_.write(0, 700, 1), 700U);
  EXPECT_EQ(*file_.write(20000, 10, 2), 10U);
  EXPECT_EQ(file_.state(), "20010 20480 20010");
  file_.make_cold();
  EXPECT_EQ(file_.read(0, 30000), "1x700 0x19300 2x10 ");
}

TEST_F(WriteTest, AGapInsideTheFileReadsAsZerosFromACold) {
  ASSERT_TRUE(file_.truncate(65536).ok());
  EXPECT_EQ(*file_.write(40000, 10, 2), 10U);
  file_.make_cold();
  EXPECT_EQ(file_.read(0, 65536), "0x40000 2x10 0x25526 ");
}

TEST_F(WriteTest, CleanZerosInTheGapAreWritten) {
  ASSERT_TRUE(file_.truncate(65536).ok());
  EXPECT_EQ(file_.read(0, 65536), "0x65536 ");
  EXPECT_EQ(*file_.write(40960, 512, 2), 512U);
  file_.make_cold();
  EXPECT_EQ(file_.read(0, 65536), "0x40960 2x512 0x24064 ");
}

TEST_F(WriteTest, AnAppendIsJudgedAtTheSize) {
  ASSERT_TRUE(file_.truncate(8192).ok());
  EXPECT_EQ(*file_.write(0, 10, 2, {.append = true}), 10U);
  EXPECT_EQ(file_.state(), "8202 8202 8202");
  file_.make_cold();
  EXPECT_EQ(file_.read(0, 9000), "0x8192 2x10 ");
}

TEST_F(WriteTest, AnOverwriteBelowTheValidSizeHidesWhatTheDiskHolds) {
  EXPECT_EQ(*file_.write(0, 1024, 7), 1024U);
  file_.make_cold();
  ASSERT_TRUE(file_.truncate(700).ok());
  ASSERT_TRUE(file_.truncate(2048).ok());
  file_.make_cold();
  EXPECT_EQ(*file_.write(520, 10, 1), 10U);
  EXPECT_EQ(file_.read(0, 2048), "7x520 1x10 7x170 0x1348 ");
}

TEST_F(WriteTest, NothingWrittenChangesNothing) {
  ASSERT_TRUE(file_.truncate(4096).ok());
  EXPECT_EQ(*file_.write(100000, 0, 1), 0U);
  EXPECT_EQ(file_.write(0, 100, 1, {}, 0).code(), sim::Errno::kFault);
  EXPECT_EQ(file_.state(), "0 0 4096");
}

TEST_F(WriteTest, AFaultMidwayFreesTheClustersBehindTheSize) {
  const auto free_before = volume_.mount->fs().space().free;
  EXPECT_EQ(*file_.write(0, 16384, 1, {}, 2048), 2048U);
  EXPECT_EQ(file_.state(), "2048 2048 2048");
  EXPECT_EQ(file_.clusters(), 1U);
  EXPECT_EQ(volume_.mount->fs().space().free + sim::ClusterCount{1}, free_before);
}

TEST_F(WriteTest, TooLongForTheSpaceIsShort) {
  const uint64_t free = volume_.mount->fs().space().free.value();
  EXPECT_EQ(*file_.write(0, (free + 5) * 4096, 1), free * 4096);
  EXPECT_EQ(file_.inode().size(), sim::FilePos{free * 4096});
  EXPECT_EQ(file_.write(free * 4096, 10, 1).code(), sim::Errno::kNoSpc);
}

TEST_F(WriteTest, AGapThatDoesNotFitChangesNothing) {
  EXPECT_EQ(*file_.write(0, 10, 1), 10U);
  const auto free_before = volume_.mount->fs().space().free;
  EXPECT_EQ(file_.write(sim::mib(64).value(), 10, 1).code(), sim::Errno::kNoSpc);
  EXPECT_EQ(file_.state(), "10 10 10");
  EXPECT_EQ(volume_.mount->fs().space().free, free_before);
}

TEST_F(WriteTest, PastTheLargestSizeIsTooBig) {
  const uint64_t limit = volume_.mount->fs().geometry().max_file_size().value();
  EXPECT_EQ(file_.write(limit, 1, 1).code(), sim::Errno::kFBig);
  EXPECT_EQ(file_.truncate(limit + 1).code(), sim::Errno::kFBig);
}

TEST_F(WriteTest, SmallClustersInterleavedKeepToTheirFiles) {
  TestVolume volume({.cluster = sim::ByteCount{512}});
  TestFile a(volume, "a");
  TestFile b(volume, "b");
  for (uint64_t i = 0; i < 16; ++i) {
    ASSERT_TRUE(a.write(i * 512, 512, 1).ok());
    ASSERT_TRUE(b.write(i * 512, 512, 2).ok());
  }
  ASSERT_TRUE(a.write(0, 8192, 3).ok());
  a.make_cold();
  b.make_cold();
  EXPECT_EQ(a.read(0, 9000), "3x8192 ");
  EXPECT_EQ(b.read(0, 9000), "2x8192 ");
}

TEST_F(WriteTest, TwoAppendersDoNotOverlap) {
  volume_.world.scheduler.spawn(
      "a", [&] { EXPECT_EQ(*file_.write(0, 5000, 1, {.append = true}), 5000U); });
  volume_.world.scheduler.spawn(
      "b", [&] { EXPECT_EQ(*file_.write(0, 5000, 2, {.append = true}), 5000U); });
  volume_.world.scheduler.run();
  EXPECT_EQ(file_.read(0, 20000), "1x5000 2x5000 ");
}

}  // namespace
}  // namespace zerotail::io
