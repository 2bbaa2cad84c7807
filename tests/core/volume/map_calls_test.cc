// Shared mappings as a process has them, and what the kernel's rules for them say.
#include <limits>

#include "core/volume/test_volume.h"

namespace zerotail::volume {
namespace {

using sim::Errno;

class MapCallsTest : public VolumeTest {
 protected:
  MapCallsTest() : fd_(open("a")) {}
  void write(int64_t pos, uint64_t length, char value) {
    const std::vector<std::byte> data(length, std::byte{static_cast<uint8_t>(value)});
    ASSERT_EQ(*volume_->write(fd_, pos, {.bytes = data}), length);
  }
  MapAccess store(int64_t pos, uint64_t length, char value) {
    const std::vector<std::byte> data(length, std::byte{static_cast<uint8_t>(value)});
    return *volume_->store(map_, pos, data);
  }
  std::string load(int64_t pos, uint64_t length) {
    std::vector<std::byte> out(length);
    const MapAccess access = *volume_->load(map_, pos, out);
    std::string text(reinterpret_cast<const char*>(out.data()), access.count);
    return text + (access.sigbus ? "|" : "");
  }
  void map() { map_ = *volume_->mmap(fd_); }
  std::string state() {
    const FileState state = *volume_->inspect("a");
    return std::to_string(state.valid_size) + " " + std::to_string(state.zeroed_size) + " " +
           std::to_string(state.size);
  }
  uint64_t flushes() {
    uint64_t count = 0;
    for (const sim::IoRecord& record : log_.records()) {
      if (record.op == sim::BioOp::kFlush) ++count;
    }
    return count;
  }

  Fd fd_;
  MapId map_{};
};

TEST_F(MapCallsTest, MappingAndLoadingChangeNothing) {
  write(0, 1000, 'x');
  ASSERT_TRUE(volume_->truncate(fd_, 20000).ok());
  const std::string before = state();
  map();
  EXPECT_EQ(load(0, 3), "xxx");
  EXPECT_EQ(load(15000, 2), std::string("\0\0", 2));
  EXPECT_EQ(state(), before);
}

TEST_F(MapCallsTest, MsyncWritesAndFlushes) {
  write(0, 4096, 'x');
  map();
  ASSERT_TRUE(volume_->fsync(fd_, false).ok());
  ASSERT_EQ(store(10, 2, 'y').count, 2U);
  log_.clear();
  ASSERT_TRUE(volume_->msync(map_).ok());
  EXPECT_EQ(flushes(), 1U);
  EXPECT_EQ(log_.records().front().op, sim::BioOp::kWrite);
}

TEST_F(MapCallsTest, MunmapKeepsWhatWasStored) {
  write(0, 10, 'x');
  map();
  ASSERT_EQ(store(2, 3, 'y').count, 3U);
  ASSERT_TRUE(volume_->munmap(map_).ok());
  EXPECT_EQ(get(fd_), "xxyyyxxxxx");
  remount();
  EXPECT_EQ(get("a"), "xxyyyxxxxx");
}

TEST_F(MapCallsTest, AccessAfterMunmapIsRefused) {
  write(0, 10, 'x');
  map();
  ASSERT_TRUE(volume_->munmap(map_).ok());
  std::vector<std::byte> out(1);
  EXPECT_EQ(volume_->load(map_, 0, out).code(), Errno::kInval);
}

TEST_F(MapCallsTest, APageThatTruncateTookIsABusError) {
  write(0, 8192, 'x');
  map();
  EXPECT_EQ(load(5000, 1), "x");
  EXPECT_FALSE(store(5000, 1, 'y').sigbus);
  ASSERT_TRUE(volume_->truncate(fd_, 4096).ok());
  EXPECT_EQ(load(5000, 1), "|");
  EXPECT_TRUE(store(5000, 1, 'y').sigbus);
  ASSERT_TRUE(volume_->truncate(fd_, 8192).ok());
  EXPECT_EQ(load(5000, 1), std::string("\0", 1));
}

TEST_F(MapCallsTest, AnEmptyFileHasNoPageToLoad) {
  map();
  EXPECT_EQ(load(0, 1), "|");
}

TEST_F(MapCallsTest, StoresAreSeenByReadsAndWritesByLoads) {
  write(0, 10, 'x');
  map();
  ASSERT_EQ(store(0, 1, 'y').count, 1U);
  EXPECT_EQ(get(fd_), "yxxxxxxxxx");
  write(1, 1, 'z');
  EXPECT_EQ(load(0, 3), "yzx");
}

// Bytes that were stored behind the size, seen by loads as long as the page lives, are gone for
// whoever grows the file: by truncate, by fallocate, by a write.
TEST_F(MapCallsTest, StoresBehindTheSizeNeverBecomeContentHoweverTheFileGrows) {
  for (int how = 0; how < 3; ++how) {
    ASSERT_TRUE(volume_->truncate(fd_, 0).ok());
    write(0, 10, 'x');
    map();
    ASSERT_EQ(store(20, 5, 'y').count, 5U);
    EXPECT_EQ(load(20, 5), "yyyyy");
    switch (how) {
      case 0:
        ASSERT_TRUE(volume_->truncate(fd_, 30).ok());
        break;
      case 1:
        ASSERT_TRUE(volume_->fallocate(fd_, 0, 0, 30).ok());
        break;
      case 2:
        write(29, 1, '\0');
        break;
    }
    EXPECT_EQ(get(fd_), "xxxxxxxxxx" + std::string(20, '\0')) << how;
    ASSERT_TRUE(volume_->munmap(map_).ok());
  }
}

// ---- where files are

TEST_F(MapCallsTest, SubmittingNeedsDirectIo) {
  const std::vector<std::byte> data(512);
  EXPECT_EQ(volume_->submit_write(fd_, 0, {.bytes = data}).code(), Errno::kInval);
}

TEST_F(MapCallsTest, AWriteOutlivesItsDescriptor) {
  const Fd direct = open("a", {.write = true, .direct = true});
  const std::vector<std::byte> data(512, std::byte{'d'});
  const WriteId id = *volume_->submit_write(direct, 0, {.bytes = data});
  ASSERT_TRUE(volume_->close(direct).ok());
  EXPECT_EQ(*volume_->collect_write(id).count, 512U);
  EXPECT_EQ(get(fd_), std::string(512, 'd'));
}

TEST_F(MapCallsTest, BmapOfADirectoryIsRefused) {
  ASSERT_TRUE(volume_->mkdir("d").ok());
  EXPECT_EQ(volume_->bmap(open("d", {}), 0).code(), Errno::kInval);
  EXPECT_EQ(volume_->bmap(fd_, -1).code(), Errno::kInval);
}

TEST_F(MapCallsTest, BmapFindsTheBlockOnTheDevice) {
  write(0, 1024, 'q');
  const auto block = *volume_->bmap(fd_, 1);
  ASSERT_TRUE(block.has_value());
  std::vector<std::byte> sector(512);
  disk_.read(sim::DevPos{*block * 512}, sector);
  EXPECT_EQ(sector, std::vector<std::byte>(512, std::byte{'q'}));
  EXPECT_FALSE(volume_->bmap(fd_, 2)->has_value());
  EXPECT_FALSE(volume_->bmap(fd_, std::numeric_limits<int64_t>::max())->has_value());
}

TEST_F(MapCallsTest, ASwapFileIsOpenForWriting) {
  write(0, 8192, 'q');
  EXPECT_EQ(volume_->swap_map(open("a", {})).code(), Errno::kBadf);
  const auto extents = *volume_->swap_map(fd_);
  ASSERT_EQ(extents.size(), 1U);
  EXPECT_EQ(extents[0].pages, 2U);
  std::vector<std::byte> page(4096);
  disk_.read(extents[0].addr, page);
  EXPECT_EQ(page, std::vector<std::byte>(4096, std::byte{'q'}));
}

TEST_F(MapCallsTest, MappingsOfARangeAllocateNothing) {
  write(0, 100, 'q');
  const uint64_t free_before = free_clusters();
  const auto extents = *volume_->map_range(fd_, 0, int64_t{1} << 40);
  EXPECT_EQ(free_clusters(), free_before);
  ASSERT_EQ(extents.size(), 2U);
  EXPECT_EQ(extents[0].kind, FileExtent::Kind::kMapped);
  EXPECT_EQ(extents[0].length, 512U);
  EXPECT_EQ(extents[0].zero_from, 100U);
  EXPECT_EQ(extents[1].kind, FileExtent::Kind::kHole);
  EXPECT_FALSE(extents[1].addr.has_value());
}

}  // namespace
}  // namespace zerotail::volume
