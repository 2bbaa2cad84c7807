// The buffered paths with folios of several pages: what is read, zeroed and written is the same.
#include <gtest/gtest.h>

#include "core/iomap/test_file.h"
#include "zerotail/iomap/buffered_read.h"
#include "zerotail/iomap/buffered_write.h"
#include "zerotail/iomap/writeback.h"
#include "zerotail/iomap/zero_range.h"

namespace zerotail::iomap {
namespace {

using sim::FilePos;
using Writes = std::vector<PickyDevice::Extent>;

class LargeFolioTest : public ::testing::Test {
 protected:
  WriteResult write(uint64_t pos, uint64_t length, int value,
                    std::optional<uint64_t> fault_at = std::nullopt) {
    const std::vector<std::byte> data(length, std::byte{static_cast<uint8_t>(value)});
    return buffered_write(bench_.file, FilePos{pos}, {.bytes = data, .fault_at = fault_at});
  }
  std::string read(uint64_t pos, uint64_t length) {
    std::vector<std::byte> out(length);
    const auto count = buffered_read(bench_.file, readahead_, FilePos{pos}, out);
    if (!count.ok()) return sim::errno_name(count.code());
    out.resize(*count);
    return runs(out);
  }
  uint64_t folios() { return bench_.file.cache().folio_count(); }
  uint64_t pages_at(uint64_t index) { return bench_.file.cache().find(index)->pages(); }
  TestBench bench_{sim::ByteCount{512}, sim::kib(4), mm::FolioSizes::kLarge};
  ReadaheadState readahead_;
};

TEST_F(LargeFolioTest, AWriteOf64KiBIsOneFolio) {
  EXPECT_EQ(write(0, 65536, 1).written, 65536U);
  EXPECT_EQ(folios(), 1U);
  EXPECT_EQ(write(65536, 65536, 2).written, 65536U);
  EXPECT_EQ(folios(), 2U);
  EXPECT_EQ(read(65000, 1000), "1x536 2x464 ");
}

TEST_F(LargeFolioTest, AWriteInTheMiddleOfAFolioUsesIt) {
  EXPECT_EQ(write(0, 65536, 1).written, 65536U);
  EXPECT_EQ(write(10000, 20000, 2).written, 20000U);
  EXPECT_EQ(folios(), 1U);
  EXPECT_EQ(read(9999, 20002), "1x1 2x20000 1x1 ");
}

TEST_F(LargeFolioTest, OnlyDirtyBlocksOfALargeFolioAreWritten) {
  EXPECT_EQ(write(0, 65536, 1).written, 65536U);
  ASSERT_TRUE(writeback(bench_.file, FilePos{0}, kNoLimit).ok());
  EXPECT_EQ(bench_.device.writes, (Writes{{0, 128}}));
  bench_.device.writes.clear();
  EXPECT_EQ(write(20000, 10, 2).written, 10U);
  ASSERT_TRUE(writeback(bench_.file, FilePos{0}, kNoLimit).ok());
  EXPECT_EQ(bench_.device.writes, (Writes{{39, 1}}));
}

TEST_F(LargeFolioTest, AShortCopyCountsWhatCouldBeRead) {
  bench_.file.set(65536, 65536);
  const WriteResult result = write(0, 65536, 1, 10000);
  EXPECT_EQ(result.written, 10000U);
  EXPECT_EQ(result.status.code(), sim::Errno::kFault);
  EXPECT_EQ(read(9000, 2000), "1x1000 219x1000 ");
}

TEST_F(LargeFolioTest, BytesThatWereNeverCopiedDoNotShow) {
  const WriteResult result = write(0, 65536, 1, 10000);
  EXPECT_EQ(result.written, 10000U);
  EXPECT_EQ(bench_.file.size(), FilePos{10000});
  bench_.file.set(20000, 10000);
  EXPECT_EQ(read(9000, 2000), "1x1000 0x1000 ");
}

TEST_F(LargeFolioTest, SequentialReadsGrowTheirFolios) {
  bench_.file.set(1 << 20, 1 << 20);
  for (uint64_t pos = 0; pos < 1 << 20; pos += 4096) EXPECT_EQ(read(pos, 4096), "219x4096 ");
  EXPECT_EQ(pages_at(0), 1U);
  EXPECT_GE(pages_at(128), 16U);
  EXPECT_LT(folios(), 64U);
}

TEST_F(LargeFolioTest, RandomReadsKeepThemSmall) {
  bench_.file.set(1 << 20, 1 << 20);
  for (const uint64_t page : {200U, 40U, 136U}) {
    EXPECT_EQ(read(page * 4096, 100), "219x100 ");
    EXPECT_EQ(pages_at(page), 1U);
  }
}

TEST_F(LargeFolioTest, ReadsAcrossTheValidSizeAreZeroBehindIt) {
  bench_.put_on_disk(0, 1 << 20, std::byte{7});
  bench_.file.set(1 << 20, 700000);
  EXPECT_EQ(read(0, 650000), "7x650000 ");
  EXPECT_EQ(read(650000, 100000), "7x50000 0x50000 ");
}

TEST_F(LargeFolioTest, ZeroRangeGoesPageByPage) {
  EXPECT_EQ(write(0, 65536, 1).written, 65536U);
  ASSERT_TRUE(zero_range(bench_.file, FilePos{5000}, sim::ByteCount{30000}).ok());
  EXPECT_EQ(read(0, 65536), "1x5000 0x30000 1x30536 ");
}

TEST_F(LargeFolioTest, AFailedWriteLosesTheDirtyBitsOfTheWholeFolio) {
  EXPECT_EQ(write(0, 65536, 1).written, 65536U);
  bench_.device.fail_writes = true;
  EXPECT_EQ(writeback(bench_.file, FilePos{0}, kNoLimit).code(), sim::Errno::kIo);
  EXPECT_FALSE(bench_.file.cache().any_dirty());
}

}  // namespace
}  // namespace zerotail::iomap
