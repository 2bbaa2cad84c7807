// Shared mappings, growing and shrinking with folios of several pages: what a process can tell goes
// by the page.
#include <gtest/gtest.h>

#include "core/io/test_mount.h"

namespace zerotail::io {
namespace {

class LargeFolioTest : public ::testing::Test {
 protected:
  LargeFolioTest() {
    volume_.cache.folios = mm::FolioSizes::kLarge;
    volume_.remount();
    file_.emplace(volume_, "a");
  }
  uint64_t pages_at(uint64_t index) { return file_->node().cache().find(index)->pages(); }
  TestVolume volume_;
  std::optional<TestFile> file_;
};

TEST_F(LargeFolioTest, AStoreMovesTheValidSizeToTheEndOfItsPageOnly) {
  ASSERT_TRUE(file_->write(0, 65536, 1).ok());
  EXPECT_EQ(pages_at(0), 16U);
  ASSERT_TRUE(file_->truncate(20000).ok());
  ASSERT_TRUE(file_->truncate(60000).ok());
  EXPECT_EQ(file_->store(30000, 10, 2), "10");
  EXPECT_EQ(file_->inode().valid_size(), sim::FilePos{32768});
  EXPECT_EQ(file_->read(0, 60000), "1x20000 0x10000 2x10 0x29990 ");
}

TEST_F(LargeFolioTest, StoresIntoTheValidPartDoNotMoveTheValidSize) {
  ASSERT_TRUE(file_->write(0, 32768, 1).ok());
  ASSERT_TRUE(file_->truncate(60000).ok());
  EXPECT_EQ(file_->store(100, 10, 2), "10");
  EXPECT_EQ(file_->inode().valid_size(), sim::FilePos{32768});
  EXPECT_EQ(file_->store(5000, 10, 2), "10");
  EXPECT_EQ(file_->inode().valid_size(), sim::FilePos{32768});
}

TEST_F(LargeFolioTest, PastTheLastPageIsABusError) {
  ASSERT_TRUE(file_->write(0, 65536, 1).ok());
  {
    const mm::FolioRef used = file_->node().cache().find(0);  // so that it is not split
    ASSERT_TRUE(file_->truncate(5000).ok());
    EXPECT_EQ(used->pages(), 16U);
    EXPECT_EQ(file_->store(8190, 10, 2), "2 SIGBUS");
    EXPECT_EQ(file_->load(4990, 5000), "1x10 0x3190 2x2 SIGBUS");
  }
}

TEST_F(LargeFolioTest, StoresPastTheSizeNeverBecomeContent) {
  ASSERT_TRUE(file_->write(0, 65536, 1).ok());
  ASSERT_TRUE(file_->truncate(8).ok());
  EXPECT_EQ(file_->store(32, 4, 9), "4");
  ASSERT_TRUE(file_->write(30000, 8, 2).ok());
  EXPECT_EQ(file_->read(0, 40000), "1x8 0x29992 2x8 ");
  unmap_all(file_->node());
  file_->make_cold();
  EXPECT_EQ(file_->read(0, 40000), "1x8 0x29992 2x8 ");
}

TEST_F(LargeFolioTest, ShrinkingAndGrowingShowsZeros) {
  ASSERT_TRUE(file_->write(0, 65536, 1).ok());
  ASSERT_TRUE(file_->truncate(10000).ok());
  ASSERT_TRUE(file_->truncate(65536).ok());
  EXPECT_EQ(file_->read(0, 65536), "1x10000 0x55536 ");
  file_->make_cold();
  EXPECT_EQ(file_->read(0, 65536), "1x10000 0x55536 ");
}

TEST_F(LargeFolioTest, DirectWritesDropTheFolioTheyTouch) {
  ASSERT_TRUE(file_->write(0, 65536, 1).ok());
  ASSERT_TRUE(file_->direct_write(8192, 4096, 2).ok());
  EXPECT_EQ(file_->read(0, 65536), "1x8192 2x4096 1x53248 ");
}

TEST_F(LargeFolioTest, AStoreAfterWritebackFaultsAgain) {
  ASSERT_TRUE(file_->write(0, 65536, 1).ok());
  EXPECT_EQ(file_->store(20000, 4, 2), "4");
  ASSERT_TRUE(file_->fsync(true).ok());
  EXPECT_EQ(file_->store(20000, 4, 3), "4");
  EXPECT_TRUE(file_->node().cache().any_dirty());
  unmap_all(file_->node());
  file_->make_cold();
  EXPECT_EQ(file_->read(19999, 6), "1x1 3x4 1x1 ");
}

}  // namespace
}  // namespace zerotail::io
