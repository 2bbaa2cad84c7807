// The buffer-head path: how V moves there, and what its writes, stores and truncates leave.
#include <gtest/gtest.h>

#include "core/io/test_mount.h"
#include "zerotail/io/seek.h"

namespace zerotail::io {
namespace {

// Mounted with buffer heads.
struct BufferHeadVolume : TestVolume {
  explicit BufferHeadVolume(const Shape& shape = {}) : TestVolume(shape) {
    cache.path = IoPath::kBufferHead;
    remount();
  }
};

class BufferHeadTest : public ::testing::Test {
 protected:
  // Data writes that reached the device since the last call, in sectors.
  uint64_t written_sectors() {
    uint64_t count = 0;
    const auto& records = volume_.log.records();
    for (; seen_ < records.size(); ++seen_) {
      const sim::IoRecord& record = records[seen_];
      if (record.op == sim::BioOp::kWrite && record.tag.kind == 6) count += record.count.value();
    }
    return count;
  }
  std::string valid_end() { return std::to_string(file_.node().valid_end().value()); }

  BufferHeadVolume volume_;
  TestFile file_{volume_, "a"};
  size_t seen_ = 0;
};

TEST_F(BufferHeadTest, AWriteMakesWholeBlocksValidAndTheSetHasNoMoreThanTheSize) {
  EXPECT_EQ(*file_.write(0, 700, 1), 700U);
  EXPECT_EQ(valid_end(), "1024");
  EXPECT_EQ(file_.state(), "700 700 700");
}

TEST_F(BufferHeadTest, BytesBetweenTheSizeAndTheEndOfItsBlockBecomeZeros) {
  EXPECT_EQ(*file_.write(0, 700, 1), 700U);
  ASSERT_TRUE(file_.truncate(5000).ok());
  EXPECT_EQ(file_.inode().valid_size(), sim::FilePos{1024});
  file_.make_cold();
  EXPECT_EQ(file_.read(0, 5000), "1x700 0x4300 ");
}

TEST_F(BufferHeadTest, AGapIsWrittenFromTheValidSizeOnAndNoFurther) {
  EXPECT_EQ(*file_.write(0, 512, 1), 512U);
  ASSERT_TRUE(file_.truncate(20000).ok());
  file_.make_cold();
  static_cast<void>(written_sectors());
  EXPECT_EQ(*file_.write(8192, 512, 2), 512U);
  file_.make_cold();
  EXPECT_EQ(written_sectors(), (8192U + 512U - 512U) / 512U);
  EXPECT_EQ(file_.read(0, 20000), "1x512 0x7680 2x512 0x11296 ");
}

TEST_F(BufferHeadTest, AGapThatDoesNotFitLeavesTheFileAsFarAsItCame) {
  const uint64_t free = volume_.mount->fs().space().free.value();
  EXPECT_EQ(*file_.write(0, (free - 2) * 4096, 1), (free - 2) * 4096);
  TestFile second(volume_, "b");
  EXPECT_EQ(second.write(65536, 10, 2).code(), sim::Errno::kNoSpc);
  EXPECT_EQ(second.inode().size(), sim::FilePos{8192});
  EXPECT_EQ(second.read(0, 100000), "0x8192 ");
  EXPECT_EQ(volume_.mount->fs().space().free.value(), 0U);
}

TEST_F(BufferHeadTest, AWriteThatCannotBePreparedLeavesNothingValid) {
  BufferHeadVolume small({.cluster = sim::ByteCount{512}});
  TestFile file(small, "a");
  const uint64_t free = small.mount->fs().space().free.value();
  EXPECT_EQ(*file.write(0, (free - 3) * 512, 1), (free - 3) * 512);
  const sim::FilePos size = file.inode().size();
  TestFile second(small, "b");
  EXPECT_EQ(second.write(0, 4096, 2).code(), sim::Errno::kNoSpc);
  EXPECT_EQ(second.node().valid_end(), sim::FilePos{0});
  EXPECT_EQ(small.mount->fs().space().free.value(), 3U);
  EXPECT_EQ(file.inode().size(), size);
  // What was mapped for the write that failed is not taken for written.
  EXPECT_EQ(*second.write(10, 100, 3), 100U);
  EXPECT_EQ(second.read(0, 200), "0x10 3x100 ");
}

TEST_F(BufferHeadTest, AStoreMakesTheWholeFileValid) {
  ASSERT_TRUE(file_.truncate(20000).ok());
  EXPECT_EQ(file_.store(100, 1, 5), "1");
  EXPECT_EQ(file_.inode().valid_size(), sim::FilePos{20000});
  file_.make_cold();
  EXPECT_EQ(file_.read(0, 20000), "0x100 5x1 0x19899 ");
}

TEST_F(BufferHeadTest, ATruncateInsideABlockWritesItsTail) {
  EXPECT_EQ(*file_.write(0, 8192, 1), 8192U);
  file_.make_cold();
  static_cast<void>(written_sectors());
  ASSERT_TRUE(file_.truncate(700).ok());
  ASSERT_TRUE(file_.fsync().ok());
  EXPECT_EQ(written_sectors(), 1U);
  ASSERT_TRUE(file_.truncate(1024).ok());
  file_.make_cold();
  EXPECT_EQ(file_.read(0, 2000), "1x700 0x324 ");
}

TEST_F(BufferHeadTest, ATruncateAtABlocksEndWritesNothing) {
  EXPECT_EQ(*file_.write(0, 8192, 1), 8192U);
  file_.make_cold();
  static_cast<void>(written_sectors());
  ASSERT_TRUE(file_.truncate(1024).ok());
  ASSERT_TRUE(file_.fsync().ok());
  EXPECT_EQ(written_sectors(), 0U);
}

TEST_F(BufferHeadTest, AMisalignedDirectWriteChangesNothing) {
  EXPECT_EQ(file_.direct_write(4096, 700, 1).code(), sim::Errno::kInval);
  EXPECT_EQ(file_.direct_write(4097, 512, 1).code(), sim::Errno::kInval);
  EXPECT_EQ(file_.state(), "0 0 0");
}

TEST_F(BufferHeadTest, ADirectWriteIntoAHoleGoesThroughTheCacheAndIsOnTheDevice) {
  ASSERT_TRUE(file_.truncate(20000).ok());
  static_cast<void>(written_sectors());
  EXPECT_EQ(*file_.direct_write(0, 4096, 1), 4096U);
  EXPECT_EQ(written_sectors(), 8U);
  EXPECT_EQ(file_.inode().valid_size(), sim::FilePos{4096});
  EXPECT_EQ(file_.direct_read(0, 8192), "1x4096 0x4096 ");
}

TEST_F(BufferHeadTest, ADirectWriteThatFailsLeavesTheValidSize) {
  EXPECT_EQ(*file_.write(0, 700, 1), 700U);
  ASSERT_TRUE(file_.fsync().ok());
  volume_.device.fail_data_writes = true;
  EXPECT_EQ(file_.direct_write(4096, 4096, 2).code(), sim::Errno::kIo);
  volume_.device.fail_data_writes = false;
  ASSERT_TRUE(file_.truncate(20000).ok());
  file_.make_cold();
  EXPECT_EQ(file_.read(0, 700), "1x700 ");
  EXPECT_EQ(file_.read(4096, 4096), "0x4096 ");
}

TEST_F(BufferHeadTest, ADirectReadIsAlignedToTheDevicesBlock) {
  EXPECT_EQ(*file_.write(0, 700, 1), 700U);
  EXPECT_EQ(file_.direct_read(0, 700), "EINVAL");
  EXPECT_EQ(file_.direct_read(0, 1024), "1x700 ");
  EXPECT_EQ(file_.direct_read(1000, 7), "");  // past the size
}

TEST_F(BufferHeadTest, SeekKnowsNoHoles) {
  ASSERT_TRUE(file_.truncate(20000).ok());
  EXPECT_EQ(*seek_hole(file_.node(), sim::FilePos{0}), sim::FilePos{20000});
  EXPECT_EQ(*seek_data(file_.node(), sim::FilePos{7}), sim::FilePos{7});
  EXPECT_EQ(seek_data(file_.node(), sim::FilePos{20000}).code(), sim::Errno::kNxio);
}

TEST_F(BufferHeadTest, FallocateIsNotThere) {
  EXPECT_EQ(fallocate(file_.node(), sim::FilePos{0}, sim::ByteCount{100}).code(),
            sim::Errno::kOpNotSupp);
}

TEST_F(BufferHeadTest, AFileIsAtMostAsLargeAsTheHeap) {
  const exfat::Geometry& geometry = volume_.mount->fs().geometry();
  const uint64_t heap = geometry.bytes(geometry.cluster_count()).value();
  EXPECT_EQ(file_.truncate(heap).code(), sim::Errno::kNoSpc);
  EXPECT_EQ(file_.truncate(heap + 1).code(), sim::Errno::kFBig);
  EXPECT_EQ(file_.write(heap, 1, 1).code(), sim::Errno::kFBig);
}

// Two writers that take turns get every other cluster: the path asks for one at a time.
TEST_F(BufferHeadTest, ClustersAreAllocatedOneByOne) {
  TestFile other(volume_, "b");
  for (uint64_t i = 0; i < 4; ++i) {
    EXPECT_EQ(*file_.write(i * 4096, 4096, 1), 4096U);
    EXPECT_EQ(*other.write(i * 4096, 4096, 2), 4096U);
  }
  EXPECT_EQ(volume_.mount->fs().runs(file_.inode())->size(), 4U);
  file_.make_cold();
  EXPECT_EQ(file_.read(0, 20000), "1x16384 ");
  EXPECT_EQ(other.read(0, 20000), "2x16384 ");
}

TEST_F(BufferHeadTest, WritebackMergesNeighboursOnTheDevice) {
  EXPECT_EQ(*file_.write(0, 64 * 4096, 1), 64U * 4096U);
  const size_t before = volume_.log.records().size();
  ASSERT_TRUE(file_.fsync().ok());
  size_t data_bios = 0;
  for (size_t i = before; i < volume_.log.records().size(); ++i) {
    const sim::IoRecord& record = volume_.log.records()[i];
    if (record.op == sim::BioOp::kWrite && record.tag.kind == 6) ++data_bios;
  }
  EXPECT_EQ(data_bios, 1U);
}

}  // namespace
}  // namespace zerotail::io
