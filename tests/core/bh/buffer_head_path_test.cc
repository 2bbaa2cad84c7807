// What the buffer-head path asks of a file system, and what it sends to the device.
#include <gtest/gtest.h>

#include "core/bh/test_file.h"
#include "zerotail/bh/buffered_read.h"
#include "zerotail/bh/buffered_write.h"
#include "zerotail/bh/direct_io.h"
#include "zerotail/bh/truncate.h"
#include "zerotail/bh/writeback.h"

namespace zerotail::bh {
namespace {

class BufferHeadPath : public ::testing::Test {
 protected:
  mm::WriteResult write(uint64_t pos, uint64_t length, int value) {
    const std::vector<std::byte> data(length, std::byte{static_cast<uint8_t>(value)});
    return buffered_write(bench_.file, sim::FilePos{pos}, {.bytes = data, .fault_at = {}});
  }
  std::string read(uint64_t pos, uint64_t length) {
    std::vector<std::byte> out(length);
    mm::ReadaheadState readahead;
    const auto count = buffered_read(bench_.file, readahead, sim::FilePos{pos}, out);
    if (!count.ok()) return sim::errno_name(count.code());
    out.resize(*count);
    return TestBench::runs(out);
  }
  void sync() { ASSERT_TRUE(writeback(bench_.file, sim::FilePos{0}, sim::FilePos{1U << 30}).ok()); }
  void make_cold() {
    sync();
    ASSERT_TRUE(bench_.file.cache().invalidate(sim::FilePos{0}, sim::FilePos{1U << 30}, true));
  }
  TestBench bench_;
};

TEST_F(BufferHeadPath, EveryBlockOfAWriteIsAskedForOnce) {
  EXPECT_EQ(write(0, 4096, 1).written, 4096U);
  EXPECT_EQ(bench_.file.asked, 8U);
  EXPECT_EQ(write(512, 1024, 2).written, 1024U);  // mapped already
  EXPECT_EQ(bench_.file.asked, 8U);
  sync();
  EXPECT_EQ(bench_.file.asked, 8U);
}

TEST_F(BufferHeadPath, WritebackMergesAcrossPagesAndClusters) {
  EXPECT_EQ(write(0, 16384, 1).written, 16384U);
  sync();
  EXPECT_EQ(bench_.device.writes, "2+32 ");
}

TEST_F(BufferHeadPath, WritebackSendsARequestForEachPieceOfTheDevice) {
  bench_.file.scattered = true;
  EXPECT_EQ(write(0, 4096, 1).written, 4096U);
  sync();
  EXPECT_EQ(bench_.device.writes, "2+2 6+2 10+2 14+2 ");
}

TEST_F(BufferHeadPath, OnlyDirtyBlocksAreWritten) {
  EXPECT_EQ(write(0, 4096, 1).written, 4096U);
  sync();
  EXPECT_EQ(write(1030, 10, 2).written, 10U);
  sync();
  EXPECT_EQ(bench_.device.writes, "2+8 4+1 ");
}

TEST_F(BufferHeadPath, AFreshBlockIsZeroedAroundTheWriteAndNotRead) {
  EXPECT_EQ(write(0, 100, 1).written, 100U);
  sync();
  EXPECT_EQ(bench_.device.reads, "");
  EXPECT_EQ(bench_.on_disk(0, 1024), "1x100 0x412 219x512 ");
}

TEST_F(BufferHeadPath, ABlockThatIsWrittenInPartIsReadAloneAndHidesWhatIsNotValid) {
  bench_.file.set(4096, 700);
  bench_.put_on_disk(0, 1024, std::byte{7});
  EXPECT_EQ(write(600, 10, 1).written, 10U);
  EXPECT_EQ(bench_.device.reads, "3+1 ");
  sync();
  EXPECT_EQ(bench_.on_disk(512, 512), "7x88 1x10 7x90 0x324 ");
}

TEST_F(BufferHeadPath, AHoleReadsAsZerosWithoutAnyRequest) {
  bench_.file.set(4096, 0);
  EXPECT_EQ(read(0, 5000), "0x4096 ");
  EXPECT_EQ(bench_.device.reads, "");
}

TEST_F(BufferHeadPath, AReadStopsAtTheValidEnd) {
  bench_.file.set(4096, 1100);
  bench_.put_on_disk(0, 1024, std::byte{7});
  bench_.put_on_disk(1024, 1024, std::byte{7});
  EXPECT_EQ(read(0, 4096), "7x1100 0x2996 ");
  EXPECT_EQ(bench_.device.reads, "2+3 ");
}

TEST_F(BufferHeadPath, APageThatDoesNotFitIsNotWrittenAtAll) {
  bench_.file.limit = sim::FilePos{6144};
  const mm::WriteResult result = write(0, 8192, 1);
  EXPECT_EQ(result.written, 4096U);
  EXPECT_EQ(result.status.code(), sim::Errno::kNoSpc);
  EXPECT_EQ(bench_.file.valid_end(), sim::FilePos{4096});
  // Blocks of the page that were mapped count for nothing: they are fresh again.
  EXPECT_EQ(write(4096, 100, 2).written, 100U);
  EXPECT_EQ(read(4096, 100), "2x100 ");
  EXPECT_EQ(bench_.device.reads, "");
}

TEST_F(BufferHeadPath, ABufferThatFaultsIsCopiedAsFarAsItGoes) {
  const std::vector<std::byte> data(6000, std::byte{1});
  const mm::WriteResult result =
      buffered_write(bench_.file, sim::FilePos{0}, {.bytes = data, .fault_at = 5000});
  EXPECT_EQ(result.written, 5000U);
  EXPECT_EQ(result.status.code(), sim::Errno::kFault);
  EXPECT_EQ(bench_.file.size(), sim::FilePos{5000});
}

TEST_F(BufferHeadPath, ADirectWriteStopsAtAHoleInsideTheFile) {
  bench_.file.set(8192, 2048);
  const std::vector<std::byte> data(4096, std::byte{1});
  const mm::WriteResult result =
      direct_write(bench_.file, sim::FilePos{1024}, {.bytes = data, .fault_at = {}});
  EXPECT_TRUE(result.status.ok());
  EXPECT_EQ(result.written, 1024U);
  EXPECT_EQ(bench_.file.valid_end(), sim::FilePos{2048});
}

TEST_F(BufferHeadPath, ADirectWriteBehindTheLastBlockCreates) {
  bench_.file.set(1000, 1024);
  const std::vector<std::byte> data(4096, std::byte{1});
  const mm::WriteResult result =
      direct_write(bench_.file, sim::FilePos{512}, {.bytes = data, .fault_at = {}});
  EXPECT_EQ(result.written, 4096U);
  EXPECT_EQ(bench_.device.writes, "3+8 ");
  EXPECT_EQ(bench_.file.size(), sim::FilePos{1000});  // the caller's to move
}

TEST_F(BufferHeadPath, ADirectReadZeroesPastTheValidEnd) {
  bench_.file.set(4096, 700);
  bench_.put_on_disk(0, 1024, std::byte{7});
  std::vector<std::byte> out(2048);
  EXPECT_EQ(*direct_read(bench_.file, sim::FilePos{0}, out), 2048U);
  EXPECT_EQ(TestBench::runs(out), "7x700 0x1348 ");
}

TEST_F(BufferHeadPath, CuttingTheCacheForgetsBlocksBehindTheSize) {
  EXPECT_EQ(write(0, 4096, 1).written, 4096U);
  ASSERT_TRUE(zero_block_tail(bench_.file, sim::FilePos{1000}).ok());
  bench_.file.set(1000, 1000);
  truncate_cache(bench_.file, sim::FilePos{1000});
  bench_.file.set(4096, 1024);
  sync();
  EXPECT_EQ(bench_.device.writes, "2+2 ");
  EXPECT_EQ(bench_.file.valid_end(), sim::FilePos{1024});
}

}  // namespace
}  // namespace zerotail::bh
