#include "zerotail/iomap/writeback.h"

#include <gtest/gtest.h>

#include "core/iomap/test_file.h"
#include "zerotail/iomap/buffered_write.h"

namespace zerotail::iomap {
namespace {

using sim::FilePos;

using Writes = std::vector<PickyDevice::Extent>;

class WritebackTest : public ::testing::Test {
 protected:
  void write(uint64_t pos, uint64_t length, int value) {
    const std::vector<std::byte> data(length, std::byte{static_cast<uint8_t>(value)});
    const WriteResult result =
        buffered_write(bench_.file, FilePos{pos}, {.bytes = data, .fault_at = {}});
    ASSERT_EQ(result.written, length);
  }
  sim::Status write_back() { return writeback(bench_.file, FilePos{0}, kNoLimit); }
  TestBench bench_;
};

TEST_F(WritebackTest, NeighbouringFoliosBecomeOneBio) {
  write(0, 20000, 1);
  ASSERT_TRUE(write_back().ok());
  EXPECT_EQ(bench_.device.writes, (Writes{{0, 40}}));
  EXPECT_FALSE(bench_.file.cache().any_dirty());
}

TEST_F(WritebackTest, OnlyDirtyBlocksAreWritten) {
  write(0, 4096, 1);
  ASSERT_TRUE(write_back().ok());
  bench_.device.writes.clear();
  write(600, 10, 2);
  write(3000, 10, 2);
  ASSERT_TRUE(write_back().ok());
  EXPECT_EQ(bench_.device.writes, (Writes{{1, 1}, {5, 1}}));
}

TEST_F(WritebackTest, FragmentsBecomeTheirOwnBios) {
  bench_.file.set_contiguous(false);
  write(0, 8192, 1);
  ASSERT_TRUE(write_back().ok());
  EXPECT_EQ(bench_.device.writes, (Writes{{0, 8}, {16, 8}}));
}

TEST_F(WritebackTest, StoresPastTheSizeAreZeroedEveryTime) {
  write(0, 100, 1);
  const mm::FolioRef folio = bench_.file.cache().find(0);
  for (int round = 0; round < 2; ++round) {
    folio->data()[105] = std::byte{9};
    bench_.file.cache().lock(*folio);
    bench_.file.cache().mark_dirty(*folio, 0, 100);
    bench_.file.cache().unlock(*folio);
    ASSERT_TRUE(write_back().ok());
    EXPECT_EQ(runs(bench_.on_disk(0, 512)), "1x100 0x412 ");
    EXPECT_EQ(folio->data()[105], std::byte{0});
  }
}

TEST_F(WritebackTest, BlocksWhollyPastTheSizeAreLeftOut) {
  write(0, 2048, 1);
  bench_.file.set(600, 600);
  ASSERT_TRUE(write_back().ok());
  EXPECT_EQ(bench_.device.writes, (Writes{{0, 2}}));
  EXPECT_FALSE(bench_.file.cache().any_dirty());
}

TEST_F(WritebackTest, AFailureClearsEveryDirtyBitAndIsRemembered) {
  mm::ErrSeq::Sample sample = bench_.file.cache().errors().sample();
  write(0, 512, 1);
  write(2560, 512, 1);
  bench_.device.fail_writes = true;
  EXPECT_EQ(write_back().code(), sim::Errno::kIo);
  bench_.device.fail_writes = false;
  EXPECT_EQ(bench_.file.cache().errors().check_and_advance(sample), sim::Errno::kIo);
  write(0, 512, 2);
  ASSERT_TRUE(write_back().ok());
  EXPECT_EQ(bench_.device.writes, (Writes{{0, 1}}));
}

TEST_F(WritebackTest, ARangeLeavesOtherFoliosDirty) {
  write(0, 12288, 1);
  ASSERT_TRUE(writeback(bench_.file, FilePos{4096}, FilePos{4096}).ok());
  EXPECT_EQ(bench_.device.writes, (Writes{{8, 8}}));
  EXPECT_TRUE(bench_.file.cache().any_dirty());
}

TEST_F(WritebackTest, ABlockOfTheFolioSizeIsWrittenWhole) {
  TestBench bench(sim::kib(4), sim::kib(4));
  const std::vector<std::byte> data(10, std::byte{1});
  ASSERT_EQ(buffered_write(bench.file, FilePos{5}, {.bytes = data, .fault_at = {}}).written, 10U);
  ASSERT_TRUE(writeback(bench.file, FilePos{0}, kNoLimit).ok());
  EXPECT_EQ(runs(bench.on_disk(0, 4096)), "0x5 1x10 0x4081 ");
}

}  // namespace
}  // namespace zerotail::iomap
