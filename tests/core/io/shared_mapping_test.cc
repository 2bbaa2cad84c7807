#include "zerotail/io/shared_mapping.h"

#include <gtest/gtest.h>

#include "core/io/test_mount.h"

namespace zerotail::io {
namespace {

class SharedMappingTest : public ::testing::Test {
 protected:
  TestVolume volume_;
  TestFile file_{volume_, "a"};
};

TEST_F(SharedMappingTest, AStoreMovesTheValidSizeToTheEndOfItsPage) {
  ASSERT_TRUE(file_.truncate(20000).ok());
  EXPECT_EQ(file_.store(5000, 10, 1), "10");
  EXPECT_EQ(file_.state(), "8192 8192 20000");
  EXPECT_EQ(file_.store(19000, 10, 1), "10");
  EXPECT_EQ(file_.inode().valid_size(), sim::FilePos{20000});
}

TEST_F(SharedMappingTest, StoresAndTheGapBeforeThemReachTheDisk) {
  ASSERT_TRUE(file_.truncate(20000).ok());
  EXPECT_EQ(file_.store(9000, 10, 1), "10");
  unmap_all(file_.node());
  file_.make_cold();
  EXPECT_EQ(file_.read(0, 20000), "0x9000 1x10 0x10990 ");
}

TEST_F(SharedMappingTest, PastTheLastPageIsABusError) {
  ASSERT_TRUE(file_.write(0, 5000, 1).ok());
  EXPECT_EQ(file_.store(8190, 10, 2), "2 SIGBUS");
  EXPECT_EQ(file_.load(4990, 5000), "1x10 0x3190 2x2 SIGBUS");
}

TEST_F(SharedMappingTest, StoresPastTheSizeNeverBecomeContent) {
  ASSERT_TRUE(file_.write(0, 8, 1).ok());
  EXPECT_EQ(file_.store(32, 4, 9), "4");
  ASSERT_TRUE(file_.write(512, 8, 2).ok());
  EXPECT_EQ(file_.read(0, 1000), "1x8 0x504 2x8 ");
  EXPECT_EQ(file_.store(600, 4, 9), "4");
  ASSERT_TRUE(file_.truncate(4000).ok());
  EXPECT_EQ(file_.read(0, 4000), "1x8 0x504 2x8 0x3480 ");
}

TEST_F(SharedMappingTest, StoresPastTheSizeDoNotReachTheDisk) {
  ASSERT_TRUE(file_.write(0, 8, 1).ok());
  EXPECT_EQ(file_.store(20, 4, 9), "4");
  unmap_all(file_.node());
  file_.make_cold();
  ASSERT_TRUE(file_.write(100, 8, 2).ok());
  EXPECT_EQ(file_.read(0, 200), "1x8 0x92 2x8 ");
}

TEST_F(SharedMappingTest, AStoreAfterGrowingFaultsAgain) {
  ASSERT_TRUE(file_.write(0, 100, 1).ok());
  EXPECT_EQ(file_.store(50, 4, 9), "4");
  ASSERT_TRUE(file_.truncate(300).ok());
  EXPECT_EQ(file_.inode().valid_size(), sim::FilePos{100});
  EXPECT_EQ(file_.store(200, 4, 9), "4");
  EXPECT_EQ(file_.inode().valid_size(), sim::FilePos{300});
}

TEST_F(SharedMappingTest, AStoreAfterWritebackDirtiesTheFolioAgain) {
  ASSERT_TRUE(file_.write(0, 4096, 1).ok());
  EXPECT_EQ(file_.store(0, 4, 9), "4");
  ASSERT_TRUE(file_.fsync(true).ok());
  EXPECT_FALSE(file_.node().cache().any_dirty());
  EXPECT_EQ(file_.store(0, 4, 8), "4");
  EXPECT_TRUE(file_.node().cache().any_dirty());
}

TEST_F(SharedMappingTest, AStoreInTheGapSurvivesAWriteBehindIt) {
  ASSERT_TRUE(file_.truncate(65536).ok());
  EXPECT_EQ(file_.store(8192, 4, 9), "4");
  ASSERT_TRUE(file_.write(40000, 4, 2).ok());
  EXPECT_EQ(file_.read(0, 65536), "0x8192 9x4 0x31804 2x4 0x25532 ");
}

}  // namespace
}  // namespace zerotail::io
