// Where the real driver is known to be wrong the core is right. One suite, so that nobody "repairs"
// the core into the driver's behaviour; README.md has the list.
#include <gtest/gtest.h>

#include "core/io/test_mount.h"

namespace zerotail::io {
namespace {

TestVolume::Shape small_logical_block() {
  return {.sector = sim::kib(4), .cluster = sim::kib(16), .logical = sim::ByteCount{512}};
}

// 7.2 and 7.3.4 show the disk's bytes behind valid_size in its sector.
TEST(BeyondDriver, ADirectReadIsZeroBehindTheValidSize) {
  TestVolume volume;
  TestFile file(volume, "a");
  ASSERT_TRUE(file.write(0, 1024, 65).ok());
  ASSERT_TRUE(file.fsync().ok());
  ASSERT_TRUE(file.truncate(700).ok());
  ASSERT_TRUE(file.truncate(8192).ok());
  EXPECT_EQ(file.direct_read(0, 1024), "65x700 0x324 ");
}

// The driver moves valid_size when the write is submitted, and leaves it there.
TEST(BeyondDriver, AFailedDirectWriteGivesTheValidSizeBack) {
  TestVolume volume;
  TestFile file(volume, "a");
  ASSERT_TRUE(file.write(0, 512, 1).ok());
  ASSERT_TRUE(file.truncate(16384).ok());
  ASSERT_TRUE(file.fsync().ok());
  volume.device.fail_data_writes = true;
  EXPECT_EQ(file.direct_write(512, 4096, 2).code(), sim::Errno::kIo);
  volume.device.fail_data_writes = false;
  EXPECT_EQ(file.inode().valid_size(), sim::FilePos{512});
  EXPECT_EQ(file.read(0, 16384), "1x512 0x15872 ");
  file.make_cold();
  EXPECT_EQ(file.read(0, 16384), "1x512 0x15872 ");
}

TEST(BeyondDriver, AFailedExtendingDirectWriteChangesNothing) {
  TestVolume volume;
  TestFile file(volume, "a");
  ASSERT_TRUE(file.write(0, 512, 1).ok());
  ASSERT_TRUE(file.fsync().ok());
  const std::string before = file.state();
  volume.device.fail_data_writes = true;
  EXPECT_EQ(file.direct_write(512, 65536, 2).code(), sim::Errno::kIo);
  volume.device.fail_data_writes = false;
  EXPECT_EQ(file.state(), before);
  EXPECT_EQ(file.clusters(), 1U);
}

// A direct write of less than a block, in clusters the file had, zeroes nothing behind it: the rest
// of the block is still to be zeroed when valid_size moves over it.
TEST(BeyondDriver, DirectIoThatZeroedNothingLeavesTheZeroedSize) {
  TestVolume volume(small_logical_block());
  TestFile file(volume, "a");
  ASSERT_TRUE(file.truncate(16384).ok());
  ASSERT_EQ(*file.direct_write(0, 512, 1), 512U);
  EXPECT_EQ(file.state(), "512 512 16384");
  ASSERT_EQ(*file.write(2000, 48, 2), 48U);
  file.make_cold();
  EXPECT_EQ(file.read(0, 4096), "1x512 0x1488 2x48 0x2048 ");
}

// What a refused direct write put behind S, on clusters the file had, is not zeros.
TEST(BeyondDriver, BytesOfARefusedDirectWriteNeverShow) {
  TestVolume volume;
  TestFile file(volume, "a");
  ASSERT_TRUE(file.write(0, 512, 1).ok());
  // Misaligned at its end: the part on the first cluster is written before that is noticed.
  EXPECT_EQ(file.direct_write(0, 8192 + 100, 2).code(), sim::Errno::kInval);
  EXPECT_EQ(file.read(0, 512), "2x512 ");
  ASSERT_TRUE(file.truncate(4096).ok());
  ASSERT_EQ(*file.write(4000, 10, 3), 10U);
  file.make_cold();
  EXPECT_EQ(file.read(0, 4096), "2x512 0x3488 3x10 0x86 ");
}

// The driver cuts the file to its old valid_size when the gap cannot be filled.
TEST(BeyondDriver, AFailedExtensionKeepsTheSize) {
  TestVolume volume;
  TestFile file(volume, "a");
  ASSERT_TRUE(file.write(0, 1000, 1).ok());
  ASSERT_TRUE(file.truncate(6000).ok());
  file.make_cold();
  const std::string before = file.state();
  volume.device.fail_data_reads = true;
  EXPECT_EQ(file.write(20000, 10, 2).code(), sim::Errno::kIo);
  EXPECT_EQ(file.write(5000, 10, 2).code(), sim::Errno::kIo);
  volume.device.fail_data_reads = false;
  EXPECT_EQ(file.state(), before);
  EXPECT_EQ(file.clusters(), 2U);
  EXPECT_EQ(file.read(0, 6000), "1x1000 0x5000 ");
  ASSERT_EQ(*file.write(20000, 10, 2), 10U);
  file.make_cold();
  EXPECT_EQ(file.read(0, 20010), "1x1000 0x19000 2x10 ");
}

TEST(BeyondDriver, AFailedExtensionOnASyncMountKeepsTheSize) {
  TestVolume volume({}, {.sync = true});
  TestFile file(volume, "a");
  ASSERT_TRUE(file.write(0, 1000, 1).ok());
  volume.device.fail_metadata_writes = true;
  EXPECT_EQ(file.write(20000, 10, 2).code(), sim::Errno::kIo);
  volume.device.fail_metadata_writes = false;
  EXPECT_EQ(file.inode().size(), sim::FilePos{1000});
  EXPECT_EQ(file.read(0, 4096), "1x1000 ");
}

// The driver's truncate returns 0 whatever became of the dentry set, the FAT and the bitmap.
TEST(BeyondDriver, ShrinkErrorsAreReturned) {
  TestVolume volume({}, {.sync = true});
  TestFile file(volume, "a");
  ASSERT_TRUE(file.write(0, 65536, 1).ok());
  volume.device.fail_metadata_writes = true;
  EXPECT_EQ(file.truncate(100).code(), sim::Errno::kIo);
  volume.device.fail_metadata_writes = false;
}

}  // namespace
}  // namespace zerotail::io
