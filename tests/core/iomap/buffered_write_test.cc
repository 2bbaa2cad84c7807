#include "zerotail/iomap/buffered_write.h"

#include <gtest/gtest.h>

#include "core/iomap/test_file.h"
#include "zerotail/iomap/buffered_read.h"
#include "zerotail/iomap/writeback.h"

namespace zerotail::iomap {
namespace {

using sim::FilePos;

class BufferedWriteTest : public ::testing::Test {
 protected:
  WriteResult write(uint64_t pos, uint64_t length, int value,
                    std::optional<uint64_t> fault_at = std::nullopt) {
    data_.assign(length, std::byte{static_cast<uint8_t>(value)});
    return buffered_write(bench_.file, FilePos{pos}, {.bytes = data_, .fault_at = fault_at});
  }
  std::string read(uint64_t pos, uint64_t length) {
    std::vector<std::byte> out(length);
    ReadaheadState readahead;
    auto count = buffered_read(bench_.file, readahead, FilePos{pos}, out);
    EXPECT_TRUE(count.ok());
    out.resize(count.ok() ? *count : 0);
    return runs(out);
  }
  void write_back_and_drop() {
    ASSERT_TRUE(writeback(bench_.file, FilePos{0}, kNoLimit).ok());
    ASSERT_TRUE(bench_.file.cache().invalidate(FilePos{0}, kNoLimit, true));
  }
  TestBench bench_;
  std::vector<std::byte> data_;
};

TEST_F(BufferedWriteTest, ANewBlockIsZeroAroundTheWrite) {
  EXPECT_EQ(write(100, 10, 1).written, 10U);
  EXPECT_EQ(read(0, 4096), "0x100 1x10 ");
  write_back_and_drop();
  EXPECT_EQ(runs(bench_.on_disk(0, 1024)), "0x100 1x10 0x402 219x512 ");
  EXPECT_EQ(bench_.device.reads, 0U);
}

TEST_F(BufferedWriteTest, OnlyTouchedBlocksBecomeUptodateAndDirty) {
  static_cast<void>(write(1000, 100, 1));
  const mm::FolioRef folio = bench_.file.cache().find(0);
  EXPECT_FALSE(folio->block_uptodate(0));
  EXPECT_TRUE(folio->block_uptodate(1));
  EXPECT_TRUE(folio->block_uptodate(2));
  EXPECT_FALSE(folio->block_uptodate(3));
  EXPECT_EQ(folio->next_dirty(0, 8), 1U);
  EXPECT_EQ(folio->dirty_run_end(1, 8), 3U);
}

TEST_F(BufferedWriteTest, AnOverwriteKeepsTheRestOfTheBlock) {
  bench_.put_on_disk(0, 4096, std::byte{7});
  bench_.file.set(4096, 4096);
  EXPECT_EQ(write(100, 10, 1).written, 10U);
  EXPECT_EQ(bench_.device.reads, 1U);
  EXPECT_EQ(read(0, 512), "7x100 1x10 7x402 ");
}

TEST_F(BufferedWriteTest, ABlockWhollyOverwrittenIsNotRead) {
  bench_.file.set(4096, 4096);
  EXPECT_EQ(write(512, 1024, 1).written, 1024U);
  EXPECT_EQ(bench_.device.reads, 0U);
}

TEST_F(BufferedWriteTest, TheTailPastTheWriteIsZeroedAtTheValidSize) {
  bench_.put_on_disk(0, 4096, std::byte{7});
  bench_.file.set(4096, 300);
  EXPECT_EQ(write(300, 10, 1).written, 10U);
  EXPECT_EQ(read(0, 4096), "7x300 1x10 0x3786 ");
  write_back_and_drop();
  EXPECT_EQ(runs(bench_.on_disk(0, 512)), "7x300 1x10 0x202 ");
}

TEST_F(BufferedWriteTest, AnOverwriteBelowTheValidSizeZeroesTheTailPastIt) {
  bench_.put_on_disk(0, 4096, std::byte{7});
  bench_.file.set(2048, 700);
  EXPECT_EQ(write(520, 10, 1).written, 10U);
  EXPECT_EQ(read(0, 2048), "7x520 1x10 7x170 0x1348 ");
  write_back_and_drop();
  EXPECT_EQ(runs(bench_.on_disk(512, 512)), "7x8 1x10 7x170 0x324 ");
}

TEST_F(BufferedWriteTest, UptodateBytesPastTheWriteAreKept) {
  bench_.file.set(4096, 4096);
  bench_.put_on_disk(0, 4096, std::byte{7});
  EXPECT_EQ(read(0, 10), "7x10 ");
  bench_.file.set(4096, 10);
  EXPECT_EQ(write(5, 5, 1).written, 5U);
  EXPECT_EQ(read(0, 4096), "7x5 1x5 7x4086 ");
}

TEST_F(BufferedWriteTest, AFaultMidwayWritesWhatCouldBeCopied) {
  const WriteResult result = write(0, 10000, 1, 5000);
  EXPECT_EQ(result.written, 5000U);
  EXPECT_EQ(result.status.code(), sim::Errno::kFault);
  EXPECT_EQ(bench_.file.size(), FilePos{5000});
  EXPECT_EQ(read(0, 6000), "1x5000 ");
}

TEST_F(BufferedWriteTest, AFaultAtOnceChangesNothing) {
  bench_.file.set(4096, 0);
  const WriteResult result = write(0, 100, 1, 0);
  EXPECT_EQ(result.written, 0U);
  EXPECT_EQ(result.status.code(), sim::Errno::kFault);
  EXPECT_EQ(bench_.file.valid(), FilePos{0});
  EXPECT_EQ(read(0, 100), "0x100 ");
}

TEST_F(BufferedWriteTest, BytesThatWereNotCopiedNeverShow) {
  // The copy faults inside a new block: the block is zero behind what was copied.
  EXPECT_EQ(write(0, 1000, 1, 700).written, 700U);
  bench_.file.set(2048, 2048);
  EXPECT_EQ(read(0, 1024), "1x700 0x324 ");
}

TEST_F(BufferedWriteTest, AFullDeviceGivesAShortCount) {
  bench_.file.set_limit(8192);
  const WriteResult result = write(4096, 10000, 1);
  EXPECT_EQ(result.written, 4096U);
  EXPECT_EQ(result.status.code(), sim::Errno::kNoSpc);
}

TEST_F(BufferedWriteTest, AFailedReadOfThePartialBlockWritesNothing) {
  bench_.file.set(4096, 4096);
  bench_.device.fail_reads = true;
  const WriteResult result = write(100, 10, 1);
  EXPECT_EQ(result.written, 0U);
  EXPECT_EQ(result.status.code(), sim::Errno::kIo);
  EXPECT_FALSE(bench_.file.cache().any_dirty());
}

}  // namespace
}  // namespace zerotail::iomap
