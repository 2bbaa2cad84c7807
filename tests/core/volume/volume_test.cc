#include "core/volume/test_volume.h"

namespace zerotail::volume {
namespace {

using sim::Errno;

TEST_F(VolumeTest, MountRefusesWhatIsNoExfat) {
  sim::World world(1);
  sim::MemDisk disk({.capacity = sim::sectors(sim::mib(1))});
  const auto mounted = Volume::mount(world, disk, {});
  ASSERT_FALSE(mounted.ok());
  EXPECT_EQ(mounted.code(), Errno::kInval);
  EXPECT_FALSE(mounted.error().where().empty());
}

TEST_F(VolumeTest, MountRefusesOddPageSizes) {
  sim::World world(1);
  for (const uint64_t size : {0U, 512U, 5000U, 131072U}) {
    const auto mounted = Volume::mount(world, disk_, {.page_size = sim::ByteCount{size}});
    EXPECT_EQ(mounted.code(), Errno::kInval) << size;
  }
}

TEST_F(VolumeTest, LargePagesHoldTheSameBytes) {
  ASSERT_TRUE(volume_->unmount().ok());
  mount({.page_size = sim::kib(64)});
  put("a", "text");
  ASSERT_TRUE(volume_->truncate("a", 200000).ok());
  remount();
  EXPECT_EQ(get("a").substr(0, 5), std::string("text\0", 5));
}

// The flusher writes what has aged, and nothing any more once the volume is unmounted.
TEST_F(VolumeTest, TheFlusherStopsWithTheUnmount) {
  put("a", "hello");
  log_.clear();
  world_.scheduler.sleep(sim::millis(40'000));
  EXPECT_FALSE(log_.records().empty());
  put("a", "world");
  ASSERT_TRUE(volume_->unmount().ok());
  log_.clear();
  world_.scheduler.sleep(sim::millis(80'000));
  EXPECT_TRUE(log_.records().empty());
}

TEST_F(VolumeTest, TheFlusherCanBeSetByMountAndLater) {
  ASSERT_TRUE(volume_->unmount().ok());
  volume_.reset();
  MountOptions options;
  options.writeback.expire = sim::millis(1'000);
  options.writeback.interval = sim::millis(500);
  mount(options);
  put("a", "hello");
  log_.clear();
  world_.scheduler.sleep(sim::millis(1'600));
  EXPECT_FALSE(log_.records().empty());
  options.writeback.interval = sim::Nanos{0};
  volume_->set_writeback(options.writeback);
  put("a", "world");
  log_.clear();
  world_.scheduler.sleep(sim::millis(40'000));
  EXPECT_TRUE(log_.records().empty());
}

TEST_F(VolumeTest, ADestroyedVolumeWroteNothing) {
  put("a", "lost");
  volume_.reset();
  mount();
  EXPECT_EQ(get("a"), "ENOENT");
}

TEST_F(VolumeTest, ReadOnlyRemountNeedsNobodyWriting) {
  put("a", "text");
  const Fd fd = open("a", {.write = true});
  MountOptions options;
  options.read_only = true;
  EXPECT_EQ(volume_->remount(options).code(), Errno::kBusy);
  ASSERT_TRUE(volume_->close(fd).ok());
  ASSERT_TRUE(volume_->remount(options).ok());
  EXPECT_EQ(open_error("a", {.write = true}), Errno::kRofs);
  EXPECT_EQ(open_error("b", {.write = true, .create = true}), Errno::kRofs);
  EXPECT_EQ(volume_->mkdir("d").code(), Errno::kRofs);
  EXPECT_EQ(volume_->unlink("a").code(), Errno::kRofs);
  EXPECT_EQ(get("a"), "text");
}

TEST_F(VolumeTest, AReadOnlyMountWritesNothing) {
  put("a", "text");
  ASSERT_TRUE(volume_->unmount().ok());
  mount({.read_only = true});
  log_.clear();
  EXPECT_EQ(get("a"), "text");
  EXPECT_EQ(names("/"), "a ");
  ASSERT_TRUE(volume_->sync().ok());
  ASSERT_TRUE(volume_->unmount().ok());
  EXPECT_TRUE(log_.records().empty());
}

TEST_F(VolumeTest, DroppingCachesLosesNothing) {
  put("a", "text");
  volume_->drop_caches();
  EXPECT_EQ(get("a"), "text");
  ASSERT_TRUE(volume_->sync().ok());
  volume_->drop_caches();
  const uint64_t reads = log_.reads();
  EXPECT_EQ(get("a"), "text");
  EXPECT_GT(log_.reads(), reads);
}

TEST_F(VolumeTest, StatfsCountsClusters) {
  const StatFs before = *volume_->statfs();
  EXPECT_EQ(before.block_size, 4096U);
  EXPECT_EQ(before.name_length, 1530U);
  put("a", "x");
  EXPECT_EQ(volume_->statfs()->blocks_free + 1, before.blocks_free);
  EXPECT_EQ(volume_->stat("a")->blocks, 8U);
}

TEST_F(VolumeTest, ADirtyBitFoundAtMountStaysAndIsNotWritten) {
  ASSERT_TRUE(volume_->unmount().ok());
  volume_.reset();
  constexpr uint64_t kVolumeFlags = 106;
  const std::byte dirty{0x02};
  disk_.write(sim::DevPos{kVolumeFlags}, {&dirty, 1});
  mount();
  log_.clear();
  put("a", "text");
  ASSERT_TRUE(volume_->unmount().ok());
  for (const sim::IoRecord& record : log_.records()) EXPECT_NE(record.sector, sim::Sector{0});
  EXPECT_EQ(disk_.sector(sim::Sector{0})[kVolumeFlags], dirty);
}

TEST_F(VolumeTest, ReadingTwiceWritesTheAccessTimeOnce) {
  put("a", "text");
  ASSERT_TRUE(volume_->sync().ok());
  world_.loop.run_until(sim::seconds(1));
  EXPECT_EQ(get("a"), "text");
  log_.clear();
  ASSERT_TRUE(volume_->sync().ok());
  EXPECT_EQ(log_.records().size(), 1U);
  world_.loop.run_until(world_.loop.now() + sim::millis(100));
  EXPECT_EQ(get("a"), "text");
  log_.clear();
  ASSERT_TRUE(volume_->sync().ok());
  EXPECT_TRUE(log_.records().empty());
}

}  // namespace
}  // namespace zerotail::volume
