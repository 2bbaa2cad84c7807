// In which order things reach the device.
#include <gtest/gtest.h>

#include "core/io/test_mount.h"
#include "zerotail/buffer/io_kind.h"

namespace zerotail::io {
namespace {

class SyncTest : public ::testing::Test {
 protected:
  // What was written since the last call: "boot! data directory fat flush"; ! is PREFLUSH and FUA.
  static std::string written(TestVolume& volume) {
    std::string text;
    for (const sim::IoRecord& record : volume.log.records()) {
      if (record.op == sim::BioOp::kFlush) {
        text += "flush ";
      } else if (record.op == sim::BioOp::kWrite) {
        text += buffer::io_kind_name(record.tag.kind);
        text += record.preflush && record.fua ? "! " : " ";
      }
    }
    volume.log.clear();
    return text;
  }
  TestVolume volume_;
};

TEST_F(SyncTest, FsyncWritesDataThenTheSetThenTheRestThenFlushes) {
  TestFile file(volume_, "a");
  EXPECT_EQ(written(volume_), "boot! ");
  ASSERT_TRUE(file.write(0, 100, 1).ok());
  EXPECT_EQ(written(volume_), "");
  ASSERT_TRUE(file.fsync().ok());
  EXPECT_EQ(written(volume_), "data directory bitmap flush ");
}

TEST_F(SyncTest, FsyncOfNothingDirtyStillFlushes) {
  TestFile file(volume_, "a");
  ASSERT_TRUE(file.fsync().ok());
  written(volume_);
  ASSERT_TRUE(file.fsync().ok());
  EXPECT_EQ(written(volume_), "flush ");
}

TEST_F(SyncTest, FdatasyncLeavesTimesAlone) {
  TestFile file(volume_, "a");
  ASSERT_TRUE(file.write(0, 4096, 1).ok());
  ASSERT_TRUE(file.fsync().ok());
  written(volume_);
  volume_.world.loop.run_until(sim::seconds(1));
  ASSERT_TRUE(file.write(0, 10, 2).ok());
  ASSERT_TRUE(file.fsync(true).ok());
  EXPECT_EQ(written(volume_), "data flush ");
  ASSERT_TRUE(file.fsync().ok());
  EXPECT_EQ(written(volume_), "directory flush ");
}

TEST_F(SyncTest, SyncDoesNotFlush) {
  TestFile file(volume_, "a");
  ASSERT_TRUE(file.write(0, 100, 1).ok());
  written(volume_);
  ASSERT_TRUE(volume_.mount->sync().ok());
  EXPECT_EQ(written(volume_).find("flush"), std::string::npos);
}

TEST_F(SyncTest, QuiesceClearsVolumeDirtyLast) {
  TestFile file(volume_, "a");
  ASSERT_TRUE(file.write(0, 100, 1).ok());
  written(volume_);
  ASSERT_TRUE(volume_.mount->quiesce().ok());
  const std::string order = written(volume_);
  EXPECT_TRUE(order.ends_with("boot! ")) << order;
  EXPECT_EQ(order.find("boot!"), order.rfind("boot!")) << order;
}

TEST_F(SyncTest, AnOverwriteSetsVolumeDirtyOnlyWithTheSet) {
  TestFile file(volume_, "a");
  ASSERT_TRUE(file.write(0, 4096, 1).ok());
  ASSERT_TRUE(volume_.mount->quiesce().ok());
  written(volume_);
  volume_.world.loop.run_until(sim::seconds(1));
  ASSERT_TRUE(file.write(0, 10, 2).ok());
  ASSERT_TRUE(file.fsync().ok());
  EXPECT_EQ(written(volume_), "data boot! directory flush ");
}

TEST_F(SyncTest, ASyncMountWritesBeforeItReturns) {
  exfat::Options options;
  options.sync = true;
  TestVolume volume(TestVolume::Shape{}, options);
  TestFile file(volume, "a");
  EXPECT_EQ(written(volume), "boot! directory ");
  ASSERT_TRUE(file.write(0, 100, 1).ok());
  EXPECT_EQ(written(volume), "bitmap data directory flush ");
}

TEST_F(SyncTest, FsyncReportsAFailedWritebackOnceADescriptor) {
  TestFile file(volume_, "a");
  ASSERT_TRUE(file.write(0, 100, 1).ok());
  TestFile other(volume_, "a");
  volume_.device.fail_data_writes = true;
  EXPECT_EQ(volume_.mount->sync().code(), sim::Errno::kIo);
  volume_.device.fail_data_writes = false;
  EXPECT_EQ(file.fsync().code(), sim::Errno::kIo);
  EXPECT_TRUE(file.fsync().ok());
  EXPECT_EQ(other.fsync().code(), sim::Errno::kIo);
}

TEST_F(SyncTest, OSyncWritesBeforeTheCallReturns) {
  TestFile file(volume_, "a");
  written(volume_);
  ASSERT_TRUE(file.write(0, 100, 1, {.sync = true}).ok());
  EXPECT_EQ(written(volume_), "data directory bitmap flush ");
}

}  // namespace
}  // namespace zerotail::io
