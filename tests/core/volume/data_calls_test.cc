#include <limits>

#include "core/volume/test_volume.h"

namespace zerotail::volume {
namespace {

using sim::Errno;

class DataCallsTest : public VolumeTest {
 protected:
  sim::Errno write_error(int64_t pos, uint64_t length) {
    const std::vector<std::byte> data(length);
    return volume_->write(fd_, pos, {.bytes = data}).code();
  }
  Fd fd_ = open("a");
};

TEST_F(DataCallsTest, PositionsAreChecked) {
  EXPECT_EQ(write_error(-1, 1), Errno::kInval);
  EXPECT_EQ(write_error(std::numeric_limits<int64_t>::max(), 1), Errno::kInval);
  EXPECT_EQ(write_error(std::numeric_limits<int64_t>::max() - 1, 1), Errno::kFBig);
  std::vector<std::byte> out(1);
  EXPECT_EQ(volume_->read(fd_, -1, out).code(), Errno::kInval);
  EXPECT_EQ(*volume_->read(fd_, 1 << 30, out), 0U);
  EXPECT_EQ(volume_->truncate(fd_, -1).code(), Errno::kInval);
}

TEST_F(DataCallsTest, FallocateTakesModeZeroOnly) {
  EXPECT_EQ(volume_->fallocate(fd_, 0, -1, 10).code(), Errno::kInval);
  EXPECT_EQ(volume_->fallocate(fd_, 0, 0, 0).code(), Errno::kInval);
  EXPECT_EQ(volume_->fallocate(fd_, 1, 0, 10).code(), Errno::kOpNotSupp);
  EXPECT_TRUE(volume_->fallocate(fd_, 0, 0, 10).ok());
  EXPECT_EQ(volume_->stat("a")->size, 10U);
}

TEST_F(DataCallsTest, SeekFindsTheValidSize) {
  ASSERT_TRUE(volume_->truncate(fd_, 8192).ok());
  const std::vector<std::byte> data(519);
  ASSERT_TRUE(volume_->write(fd_, 0, {.bytes = data}).ok());
  EXPECT_EQ(*volume_->seek(fd_, 0, Whence::kHole), 519U);
  EXPECT_EQ(*volume_->seek(fd_, 100, Whence::kData), 100U);
  EXPECT_EQ(volume_->seek(fd_, 519, Whence::kData).code(), Errno::kNxio);
  EXPECT_EQ(volume_->seek(fd_, 8192, Whence::kHole).code(), Errno::kNxio);
  EXPECT_EQ(volume_->seek(fd_, -1, Whence::kHole).code(), Errno::kNxio);
  EXPECT_EQ(*volume_->seek(fd_, -92, Whence::kEnd), 8100U);
  EXPECT_EQ(volume_->seek(fd_, -8193, Whence::kEnd).code(), Errno::kInval);
}

TEST_F(DataCallsTest, SizeAndValidSizeSurviveARemountToTheByte) {
  ASSERT_TRUE(volume_->truncate(fd_, 8000).ok());
  const std::vector<std::byte> data(519);
  ASSERT_TRUE(volume_->write(fd_, 0, {.bytes = data}).ok());
  remount();
  const FileState state = *volume_->inspect("a");
  EXPECT_EQ(state.size, 8000U);
  EXPECT_EQ(state.valid_size, 519U);
  EXPECT_TRUE(state.no_fat_chain);
  ASSERT_EQ(state.runs.size(), 1U);
  EXPECT_EQ(state.runs[0].count, sim::ClusterCount{2});
}

TEST_F(DataCallsTest, AMappingOutlivesItsDescriptor) {
  ASSERT_TRUE(volume_->truncate(fd_, 100).ok());
  const MapId map = *volume_->mmap(fd_);
  ASSERT_TRUE(volume_->close(fd_).ok());
  const std::vector<std::byte> data(5, std::byte{'x'});
  EXPECT_EQ(volume_->store(map, 10, data)->count, 5U);
  ASSERT_TRUE(volume_->msync(map).ok());
  ASSERT_TRUE(volume_->munmap(map).ok());
  EXPECT_EQ(volume_->munmap(map).code(), Errno::kInval);
  EXPECT_EQ(get("a").substr(9, 7), std::string("\0xxxxx\0", 7));
}

TEST_F(DataCallsTest, AReadOnlyMappingTakesNoStores) {
  const Fd reader = open("a", {});
  const MapId map = *volume_->mmap(reader);
  const std::vector<std::byte> data(1);
  EXPECT_EQ(volume_->store(map, 0, data).code(), Errno::kAcces);
}

}  // namespace
}  // namespace zerotail::volume
