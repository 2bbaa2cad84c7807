// In which order metadata reaches the disk under the linux policy, as recorded from the real
// driver. "PFboot" is the boot sector with PREFLUSH and FUA; the rest is named by its region.
#include <gtest/gtest.h>

#include "core/exfat/volume_fixture.h"

namespace zerotail::exfat {
namespace {

using sim::ClusterCount;

class Order : public ::testing::Test, public VolumeFixture {
 protected:
  Inode& root() { return *fs->root(); }
  void start(const Options& options) {
    mount(options);
    log.clear();
  }
  // With a clean volume and nothing in the log.
  void again(const Options& options) {
    unmount();
    start(options);
  }
  void fragment_a_and_b(uint64_t rounds) {
    const InodeRef a = create("a");
    const InodeRef b = create("b");
    for (uint64_t i = 1; i <= rounds; ++i) {
      grow(*a, 2 * i);
      grow(*b, 2 * i);
    }
  }
  InodeRef get(const std::string& name) { return *fs->lookup(root(), name); }
};

constexpr Options kSync{.sync = true};
constexpr Options kDirsync{.dirsync = true};

TEST_F(Order, MountingWritesNothing) {
  start({});
  EXPECT_EQ(writes(), "");
  unmount();
  EXPECT_EQ(writes(), "");
}

TEST_F(Order, VolumeDirtyComesOnceAndBeforeAnythingElse) {
  start({});
  create("a");
  create("b");
  EXPECT_EQ(writes(), "PFboot");
  EXPECT_EQ(volume_flags(), kVolumeDirty);
  ASSERT_TRUE(fs->write_buffers().ok());
  EXPECT_EQ(writes(), "directory");
  unmount();
  EXPECT_EQ(writes(), "PFboot");
  EXPECT_EQ(volume_flags(), 0);
}

TEST_F(Order, ADirtyVolumeStaysDirtyAndIsNeverMarkedAgain) {
  put(sim::DevPos{offsetof(BootSector, volume_flags)}, Le16(kVolumeDirty | kMediaFailure));
  start({});
  EXPECT_TRUE(fs->boot_region().dirty_at_mount());
  EXPECT_TRUE(fs->boot_region().media_failure_at_mount());
  create("a");
  unmount();
  EXPECT_EQ(writes(), "directory");
  EXPECT_EQ(volume_flags(), kVolumeDirty | kMediaFailure);
}

TEST_F(Order, MediaFailureIsKeptWhileVolumeDirtyComesAndGoes) {
  put(sim::DevPos{offsetof(BootSector, volume_flags)}, Le16(kMediaFailure));
  start({});
  create("a");
  EXPECT_EQ(volume_flags(), kVolumeDirty | kMediaFailure);
  unmount();
  EXPECT_EQ(volume_flags(), kMediaFailure);
}

TEST_F(Order, AFailedVolumeDirtyStopsTheOperation) {
  start({});
  device.fail(sim::BioOp::kWrite, sim::DevPos{0}, layout.sector_size);
  EXPECT_EQ(fs->create(root(), "a").code(), sim::Errno::kIo);
  device.heal();
  EXPECT_EQ(lookup_error("a"), sim::Errno::kNoEnt);
  create("a");
  EXPECT_EQ(writes(), "PFboot");
}

TEST_F(Order, OnlyVolumeFlagsOfTheMainBootSectorAreEverWritten) {
  std::vector<std::byte> before(size_t{24} * 512);
  disk.read(sim::DevPos{0}, before);
  start({});
  grow(*create("a"), 1000);
  unmount();
  std::vector<std::byte> after(before.size());
  disk.read(sim::DevPos{0}, after);
  EXPECT_EQ(before, after);
}

// ---- default mount

TEST_F(Order, MapThatAllocatesMarksTheVolumeExtendDoesNot) {
  start({});
  create("a");
  again({});
  ASSERT_TRUE(fs->extend(*get("a"), ClusterCount{5}).ok());
  EXPECT_EQ(writes(), "");
  const auto mapped = fs->map_clusters(
      *get("a"), {.first = FileCluster{5}, .count = ClusterCount{1}, .may_allocate = true});
  ASSERT_TRUE(mapped.ok());
  EXPECT_EQ(writes(), "PFboot");
}

TEST_F(Order, AWaitedForInodeWriteIsItsSetAlone) {
  start({});
  const InodeRef a = create("a");
  create("b");
  grow(*a, 3);
  writes();
  ASSERT_TRUE(fs->write_inode(*a, true).ok());
  EXPECT_EQ(writes(), "directory");
  ASSERT_TRUE(fs->write_buffers().ok());
  EXPECT_EQ(writes(), "bitmap");
}

TEST_F(Order, RenameIntoAnotherDirectoryWritesNothingAtTheCall) {
  start({});
  const InodeRef d = mkdir("d");
  create("a");
  writes();
  ASSERT_TRUE(fs->rename(root(), "a", *d, "a", RenameMode::kReplace).ok());
  EXPECT_EQ(writes(), "");
}

// ---- sync mount

TEST_F(Order, SyncCreate) {
  start(kSync);
  create("a");
  EXPECT_EQ(writes(), "PFboot directory");
  create("b");
  EXPECT_EQ(writes(), "directory");
}

TEST_F(Order, SyncCreateInASubdirectoryWritesItsTimesToo) {
  start(kSync);
  const InodeRef d = mkdir("d");
  writes();
  create(*d, "x");
  ASSERT_EQ(log.records().size(), 2U);
  EXPECT_EQ(log.records()[0].sector, sim::sector_at(cluster_pos(6)));
  EXPECT_EQ(log.records()[1].sector, sim::sector_at(cluster_pos(5)));
}

TEST_F(Order, SyncMkdir) {
  start(kSync);
  mkdir("d");
  ASSERT_EQ(log.records().size(), 4U);
  EXPECT_EQ(log.records()[2].sector, sim::sector_at(cluster_pos(6)));
  EXPECT_EQ(log.records()[2].count, sim::SectorCount{8});
  EXPECT_EQ(writes(), "PFboot bitmap directory directory");
}

TEST_F(Order, SyncDirectoryGrowth) {
  start(kSync);
  const InodeRef d = mkdir("d");
  for (int i = 0; i < 42; ++i) create(*d, "f" + std::to_string(i));
  writes();
  // Bitmap; zeros; the new set over two sectors, each by itself; the directory's own set.
  create(*d, "g");
  const auto sectors = [this](size_t record) { return log.records()[record].count.value(); };
  ASSERT_EQ(log.records().size(), 5U);
  EXPECT_EQ(sectors(1), 8U);
  EXPECT_EQ(sectors(2) + sectors(3), 2U);
  EXPECT_EQ(log.records()[4].sector, sim::sector_at(cluster_pos(5)));
  EXPECT_EQ(writes(), "bitmap directory directory directory directory");
}

TEST_F(Order, SyncAllocationWritesTheBitmapOncePerCluster) {
  start(kSync);
  create("a");
  again(kSync);
  const auto mapped = fs->map_clusters(
      *get("a"), {.first = FileCluster{0}, .count = ClusterCount{3}, .may_allocate = true});
  ASSERT_TRUE(mapped.ok());
  EXPECT_EQ(writes(), "PFboot bitmap bitmap bitmap");
}

TEST_F(Order, SyncTruncateUpWritesTheBitmapBeforeVolumeDirty) {
  start(kSync);
  create("a");
  again(kSync);
  const InodeRef a = get("a");
  grow(*a, 2);
  ASSERT_TRUE(fs->write_inode(*a, true).ok());
  EXPECT_EQ(writes(), "bitmap bitmap PFboot directory");
}

TEST_F(Order, SyncAppendThatBreaksContiguity) {
  start(kSync);
  fragment_a_and_b(1);
  writes();
  const auto mapped = fs->map_clusters(
      *get("a"), {.first = FileCluster{2}, .count = ClusterCount{2}, .may_allocate = true});
  ASSERT_TRUE(mapped.ok());
  // Bit and end mark of 10; bit and end mark of 11, link 10 to 11; the old run; link 7 to 10.
  EXPECT_EQ(writes(), "bitmap fat bitmap fat fat fat fat");
}

TEST_F(Order, SyncTruncateDownOfAChain) {
  start({});
  fragment_a_and_b(3);
  again(kSync);
  ASSERT_TRUE(shrink(*get("a"), 6000).ok());
  EXPECT_EQ(writes(), "PFboot directory fat bitmap");
}

TEST_F(Order, SyncTruncateToZero) {
  start({});
  grow(*create("a"), 13);
  again(kSync);
  ASSERT_TRUE(shrink(*get("a"), 0).ok());
  EXPECT_EQ(writes(), "PFboot directory bitmap");
}

TEST_F(Order, SyncUnlink) {
  start({});
  fragment_a_and_b(3);
  again(kSync);
  ASSERT_TRUE(fs->unlink(root(), "a").ok());
  EXPECT_EQ(writes(), "PFboot directory bitmap");
}

TEST_F(Order, SyncRmdir) {
  start({});
  mkdir("d");
  again(kSync);
  ASSERT_TRUE(fs->rmdir(root(), "d").ok());
  EXPECT_EQ(writes(), "PFboot directory bitmap");
}

TEST_F(Order, SyncRenameInPlaceWritesTheSetTwice) {
  start({});
  create("aa");
  again(kSync);
  ASSERT_TRUE(fs->rename(root(), "aa", root(), "bb", RenameMode::kReplace).ok());
  EXPECT_EQ(writes(), "PFboot directory directory");
}

TEST_F(Order, SyncRenameOverAFile) {
  start({});
  create("a");
  grow(*create("b"), 5);
  again(kSync);
  ASSERT_TRUE(fs->rename(root(), "a", root(), "b", RenameMode::kReplace).ok());
  EXPECT_EQ(writes(), "PFboot directory directory directory bitmap");
}

TEST_F(Order, SyncRenameToAnotherDirectory) {
  start({});
  mkdir("d");
  create("a");
  again(kSync);
  ASSERT_TRUE(fs->rename(root(), "a", *get("d"), "a", RenameMode::kReplace).ok());
  ASSERT_EQ(log.records().size(), 4U);
  EXPECT_EQ(log.records()[1].sector, sim::sector_at(cluster_pos(6)));  // new
  EXPECT_EQ(log.records()[2].sector, sim::sector_at(cluster_pos(5)));  // old deleted
  EXPECT_EQ(log.records()[3].sector, sim::sector_at(cluster_pos(6)));  // new again
  writes();
  unmount();  // d's times were left behind
  EXPECT_EQ(writes(), "directory PFboot");
}

// ---- dirsync mount

TEST_F(Order, DirsyncTruncateDownWritesTheBitmapFirst) {
  start({});
  fragment_a_and_b(3);
  again(kDirsync);
  ASSERT_TRUE(shrink(*get("a"), 6000).ok());
  EXPECT_EQ(writes(), "PFboot bitmap");
  ASSERT_TRUE(fs->write_buffers().ok());
  EXPECT_EQ(writes(), "fat directory");
}

TEST_F(Order, DirsyncAllocationForAFileIsNotWritten) {
  start(kDirsync);
  const InodeRef a = create("a");
  EXPECT_EQ(writes(), "PFboot directory");
  grow(*a, 3);
  EXPECT_EQ(writes(), "");
}

TEST_F(Order, DirsyncMkdirUnlinkAndRenameAreAsSync) {
  start(kDirsync);
  mkdir("d");
  EXPECT_EQ(writes(), "PFboot bitmap directory directory");
  create("a");
  writes();
  ASSERT_TRUE(
      fs->rename(root(), "a", root(), "a name of more than fifteen", RenameMode::kReplace).ok());
  EXPECT_EQ(writes(), "directory directory directory");
  ASSERT_TRUE(fs->unlink(root(), "a name of more than fifteen").ok());
  EXPECT_EQ(writes(), "directory");
  ASSERT_TRUE(fs->rmdir(root(), "d").ok());
  EXPECT_EQ(writes(), "directory bitmap");
}

TEST_F(Order, DirsyncRootGrowthLeavesTheFatForLater) {
  start(kDirsync);
  for (int i = 0; i < 41; ++i) create("f" + std::to_string(i));
  writes();
  create("g");
  EXPECT_EQ(writes(), "bitmap directory directory directory");
  ASSERT_TRUE(fs->write_buffers().ok());
  EXPECT_EQ(writes(), "fat");
}

// ---- discard

TEST_F(Order, DiscardComesBeforeTheDeletionIsOnDisk) {
  start({});
  fragment_a_and_b(3);
  again({.discard = true});
  ASSERT_TRUE(fs->unlink(root(), "a").ok());
  EXPECT_EQ(writes(), "PFboot discard discard discard");
  ASSERT_TRUE(fs->write_buffers().ok());
  EXPECT_EQ(writes(), "bitmap directory");
}

}  // namespace
}  // namespace zerotail::exfat
