// Failed requests: who is told, how often, and what the file is afterwards.
#include <gtest/gtest.h>

#include "core/io/test_mount.h"

namespace zerotail::io {
namespace {

class ErrorsTest : public ::testing::Test {
 protected:
  TestVolume volume_;
  TestFile file_{volume_, "a"};
  // A descriptor of its own.
  ErrorSample open() { return file_.node().cache().errors().sample(); }
  sim::Errno fsync(ErrorSample& errors) {
    return io::fsync(file_.node(), sim::FilePos{0}, iomap::kNoLimit, false, errors).code();
  }
};

TEST_F(ErrorsTest, EveryDescriptorHearsOfAFailedWritebackOnce) {
  ErrorSample first = open();
  ErrorSample second = open();
  ASSERT_TRUE(file_.write(0, 4096, 1).ok());
  volume_.device.fail_data_writes = true;
  EXPECT_EQ(volume_.mount->sync().code(), sim::Errno::kIo);
  volume_.device.fail_data_writes = false;
  EXPECT_EQ(fsync(first), sim::Errno::kIo);
  EXPECT_EQ(fsync(first), sim::Errno::kOk);
  EXPECT_EQ(fsync(second), sim::Errno::kIo);
  EXPECT_EQ(fsync(second), sim::Errno::kOk);
}

TEST_F(ErrorsTest, AnOSyncWriteHearsOfAnEarlierFailure) {
  ASSERT_TRUE(file_.write(0, 4096, 1).ok());
  volume_.device.fail_data_writes = true;
  EXPECT_FALSE(volume_.mount->background_writeback().ok());
  volume_.device.fail_data_writes = false;
  EXPECT_EQ(file_.write(8192, 100, 2, {.sync = true}).code(), sim::Errno::kIo);
  EXPECT_TRUE(file_.write(8192, 100, 2, {.sync = true}).ok());
}

TEST_F(ErrorsTest, AFailedReadIsToldAndTriedAgain) {
  ASSERT_TRUE(file_.write(0, 4096, 1).ok());
  file_.make_cold();
  volume_.device.fail_data_reads = true;
  EXPECT_EQ(file_.read(0, 4096), "EIO");
  volume_.device.fail_data_reads = false;
  EXPECT_EQ(file_.read(0, 4096), "1x4096 ");
}

TEST_F(ErrorsTest, AReadThatFailsMidwayIsShort) {
  ASSERT_TRUE(file_.write(0, 8192, 1).ok());
  file_.make_cold();
  ASSERT_EQ(file_.read(0, 100), "1x100 ");  // and what is read ahead with it
  ASSERT_TRUE(file_.node().cache().invalidate(sim::FilePos{4096}, iomap::kNoLimit, true));
  volume_.device.fail_data_reads = true;
  EXPECT_EQ(file_.read(0, 8192), "1x4096 ");
  EXPECT_EQ(file_.read(4096, 4096), "EIO");
}

// Pages that were only read ahead fail in silence; who wants them reads them again.
TEST_F(ErrorsTest, AFailedReadaheadIsNobodys) {
  ASSERT_TRUE(file_.write(0, 65536, 1).ok());
  file_.make_cold();
  iomap::ReadaheadState readahead;
  std::vector<std::byte> out(100);
  volume_.device.fail_data_reads = true;
  ASSERT_FALSE(io::read(file_.node(), readahead, sim::FilePos{0}, out).ok());
  ASSERT_GT(file_.node().cache().folio_count(), 1U);
  volume_.device.fail_data_reads = false;
  EXPECT_EQ(file_.read(8192, 4096), "1x4096 ");
  ErrorSample errors = open();
  EXPECT_EQ(fsync(errors), sim::Errno::kOk);
}

TEST_F(ErrorsTest, AFaultThatCannotBeReadIsABusErrorAndLaterNone) {
  ASSERT_TRUE(file_.write(0, 4096, 1).ok());
  file_.make_cold();
  volume_.device.fail_data_reads = true;
  EXPECT_EQ(file_.load(0, 10), "SIGBUS");
  EXPECT_EQ(file_.store(0, 10, 2), "0 SIGBUS");
  volume_.device.fail_data_reads = false;
  EXPECT_EQ(file_.store(0, 10, 2), "10");
  unmap_all(file_.node());
}

TEST_F(ErrorsTest, AStoreWhoseGapCannotBeReadIsABusErrorAndMovesNothing) {
  ASSERT_TRUE(file_.write(0, 1000, 1).ok());
  ASSERT_TRUE(file_.truncate(16384).ok());
  file_.make_cold();
  const std::string before = file_.state();
  volume_.device.fail_data_reads = true;
  EXPECT_EQ(file_.store(8192, 10, 2), "0 SIGBUS");
  volume_.device.fail_data_reads = false;
  EXPECT_EQ(file_.state(), before);
}

TEST_F(ErrorsTest, AWriteIntoABlockThatCannotBeReadWritesNothing) {
  ASSERT_TRUE(file_.write(0, 4096, 1).ok());
  file_.make_cold();
  const std::string before = file_.state();
  volume_.device.fail_data_reads = true;
  EXPECT_EQ(file_.write(100, 10, 2).code(), sim::Errno::kIo);
  volume_.device.fail_data_reads = false;
  EXPECT_EQ(file_.state(), before);
  EXPECT_EQ(file_.read(0, 4096), "1x4096 ");
}

TEST_F(ErrorsTest, AFailedDirectReadIsTold) {
  ASSERT_TRUE(file_.write(0, 4096, 1).ok());
  file_.make_cold();
  volume_.device.fail_data_reads = true;
  EXPECT_EQ(file_.direct_read(0, 4096), "EIO");
}

// What must be on the device before a direct read cannot be put there.
TEST_F(ErrorsTest, ADirectReadOfDirtyDataThatCannotBeWrittenIsTold) {
  ASSERT_TRUE(file_.write(0, 4096, 1).ok());
  volume_.device.fail_data_writes = true;
  EXPECT_EQ(file_.direct_read(0, 4096), "EIO");
}

TEST_F(ErrorsTest, AFailedOverwriteByDirectIoKeepsSizeAndValidSize) {
  ASSERT_TRUE(file_.write(0, 8192, 1).ok());
  ASSERT_TRUE(file_.fsync().ok());
  const std::string before = file_.state();
  volume_.device.fail_data_writes = true;
  EXPECT_EQ(file_.direct_write(0, 4096, 2).code(), sim::Errno::kIo);
  volume_.device.fail_data_writes = false;
  EXPECT_EQ(file_.state(), before);
  EXPECT_EQ(file_.read(4096, 4096), "1x4096 ");
}

TEST_F(ErrorsTest, FailedMetadataOfTheFlusherIsToldByTheNextSync) {
  ASSERT_TRUE(file_.write(0, 4096, 1).ok());
  volume_.device.fail_metadata_writes = true;
  volume_.world.scheduler.sleep(sim::millis(40'000));
  volume_.device.fail_metadata_writes = false;
  EXPECT_EQ(volume_.mount->sync().code(), sim::Errno::kIo);
  EXPECT_TRUE(volume_.mount->sync().ok());
}

}  // namespace
}  // namespace zerotail::io
