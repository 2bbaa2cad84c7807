#include "zerotail/iomap/buffered_read.h"

#include <gtest/gtest.h>

#include "core/iomap/test_file.h"

namespace zerotail::iomap {
namespace {

using sim::FilePos;

class BufferedReadTest : public ::testing::Test {
 protected:
  std::string read(uint64_t pos, uint64_t length) {
    std::vector<std::byte> out(length);
    auto count = buffered_read(bench_.file, readahead_, FilePos{pos}, out);
    if (!count.ok()) return sim::errno_name(count.code());
    out.resize(*count);
    return runs(out);
  }
  TestBench bench_;
  ReadaheadState readahead_;
};

TEST_F(BufferedReadTest, StopsAtTheSize) {
  bench_.put_on_disk(0, 4096, std::byte{7});
  bench_.file.set(1000, 1000);
  EXPECT_EQ(read(900, 500), "7x100 ");
  EXPECT_EQ(read(1000, 10), "");
}

TEST_F(BufferedReadTest, TheStraddleBlockIsReadAndZeroedPastTheValidSize) {
  bench_.put_on_disk(0, 4096, std::byte{7});
  bench_.file.set(4096, 700);
  EXPECT_EQ(read(0, 4096), "7x700 0x3396 ");
  EXPECT_EQ(bench_.device.reads, 1U);
}

TEST_F(BufferedReadTest, NothingValidNeedsNoIo) {
  bench_.file.set(100000, 0);
  EXPECT_EQ(read(0, 100000), "0x100000 ");
  EXPECT_EQ(bench_.device.reads, 0U);
}

TEST_F(BufferedReadTest, AReadThatCrossesTheValidSizeByManyFoliosIsRight) {
  bench_.put_on_disk(0, 65536, std::byte{7});
  bench_.file.set(65536, 30000);
  EXPECT_EQ(read(0, 65536), "7x30000 0x35536 ");
}

TEST_F(BufferedReadTest, NeighboursAreReadWithOneBio) {
  bench_.put_on_disk(0, 65536, std::byte{7});
  bench_.file.set(65536, 65536);
  EXPECT_EQ(read(0, 65536), "7x65536 ");
  EXPECT_EQ(bench_.device.reads, 1U);
}

TEST_F(BufferedReadTest, FragmentsSmallerThanAFolioAreFoundOneByOne) {
  TestBench bench(sim::ByteCount{512}, sim::ByteCount{512});
  bench.file.set_contiguous(false);
  bench.file.set(4096, 4096);
  for (uint64_t i = 0; i < 8; ++i) {
    bench.put_on_disk(i * 512, 512, std::byte{static_cast<uint8_t>(i + 1)});
  }
  std::vector<std::byte> out(4096);
  ASSERT_TRUE(buffered_read(bench.file, readahead_, FilePos{0}, out).ok());
  EXPECT_EQ(runs(out), "1x512 2x512 3x512 4x512 5x512 6x512 7x512 8x512 ");
}

TEST_F(BufferedReadTest, SequentialReadsReadAhead) {
  bench_.file.set(1 << 20, 1 << 20);
  EXPECT_EQ(read(0, 4096), "219x4096 ");
  EXPECT_GT(bench_.file.cache().folio_count(), 1U);
}

TEST_F(BufferedReadTest, ReadaheadStaysBelowTheValidSize) {
  bench_.file.set(1 << 20, 5000);
  EXPECT_EQ(read(0, 100), "219x100 ");
  EXPECT_EQ(bench_.file.cache().folio_count(), 1U);
}

TEST_F(BufferedReadTest, AFailedReadIsAnErrorAndTriedAgain) {
  bench_.file.set(4096, 4096);
  bench_.device.fail_reads = true;
  EXPECT_EQ(read(0, 100), "EIO");
  bench_.device.fail_reads = false;
  EXPECT_EQ(read(0, 100), "219x100 ");
}

TEST_F(BufferedReadTest, FillDirtyWritesZerosAndKeepsWhatIsCached) {
  bench_.file.set(8192, 0);
  EXPECT_EQ(read(0, 1), "0x1 ");
  bench_.file.cache().find(0)->data()[3] = std::byte{9};
  ASSERT_TRUE(fill_dirty(bench_.file, FilePos{0}, sim::ByteCount{8192}).ok());
  const mm::FolioRef folio = bench_.file.cache().find(0);
  EXPECT_EQ(folio->data()[3], std::byte{9});
  EXPECT_EQ(folio->next_dirty(0, 8), 0U);
  EXPECT_EQ(folio->dirty_run_end(0, 8), 8U);
  EXPECT_TRUE(bench_.file.cache().find(1)->dirty());
}

TEST_F(BufferedReadTest, ReadersShareOneReadOfAFolio) {
  bench_.file.set(4096, 4096);
  std::string first;
  std::string second;
  bench_.world.scheduler.spawn("a", [&] { first = read(0, 4096); });
  bench_.world.scheduler.spawn("b", [&] { second = read(0, 4096); });
  bench_.world.scheduler.run();
  EXPECT_EQ(first, "219x4096 ");
  EXPECT_EQ(second, first);
  EXPECT_EQ(bench_.device.reads, 1U);
}

}  // namespace
}  // namespace zerotail::iomap
