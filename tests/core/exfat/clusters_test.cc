// Mapping, growing and shrinking files.
#include <gtest/gtest.h>

#include "core/exfat/volume_fixture.h"

namespace zerotail::exfat {
namespace {

using sim::ClusterCount;
using sim::Errno;

class Clusters : public ::testing::Test, public VolumeFixture {
 protected:
  void SetUp() override { mount(); }
  Inode& root() { return *fs->root(); }
  std::string map(Inode& inode, uint64_t first, uint64_t count, bool allocate = false,
                  bool partial = false) {
    const auto mapping = fs->map_clusters(inode, {.first = FileCluster{first},
                                                  .count = ClusterCount{count},
                                                  .may_allocate = allocate,
                                                  .partial = partial});
    if (!mapping.ok()) return sim::errno_name(mapping.code());
    std::string text = mapping->hole() ? "hole" : std::to_string(mapping->cluster.value());
    text += '+' + std::to_string(mapping->count.value());
    return text + (mapping->allocated ? " new" : "");
  }
  // a: 6-7, b: 8-9, a: 10-11.
  InodeRef fragmented() {
    const InodeRef a = create("a");
    const InodeRef b = create("b");
    grow(*a, 2);
    grow(*b, 2);
    grow(*a, 4);
    return a;
  }
};

TEST_F(Clusters, WithoutAllocationAFileWithoutClustersIsAHole) {
  const InodeRef a = create("a");
  EXPECT_EQ(map(*a, 0, 4), "hole+4");
  EXPECT_EQ(map(*a, uint64_t{1} << 50, 4), "hole+4");
}

TEST_F(Clusters, OneCallAllocatesARun) {
  const InodeRef a = create("a");
  EXPECT_EQ(map(*a, 0, 100, true), "6+100 new");
  EXPECT_EQ(map(*a, 0, 4), "6+4");
  EXPECT_EQ(map(*a, 98, 4), "104+2");
  EXPECT_TRUE(a->no_fat_chain());
}

TEST_F(Clusters, AMappingThatStartsInExistingClustersStopsThere) {
  const InodeRef a = create("a");
  EXPECT_EQ(map(*a, 0, 2, true), "6+2 new");
  EXPECT_EQ(map(*a, 1, 4, true), "7+1");
  EXPECT_EQ(map(*a, 2, 3, true), "8+3 new");
}

TEST_F(Clusters, AllocatingBehindAGapAllocatesTheGap) {
  const InodeRef a = create("a");
  EXPECT_EQ(map(*a, 5, 2, true), "11+2 new");
  EXPECT_EQ(runs(*a), "6+7");
}

TEST_F(Clusters, BrokenContiguityMakesAFatChainWithTheOldRunInIt) {
  const InodeRef a = fragmented();
  EXPECT_FALSE(a->no_fat_chain());
  EXPECT_EQ(runs(*a), "6+2 10+2");
  EXPECT_EQ(map(*a, 1, 3), "7+1");
  EXPECT_EQ(map(*a, 2, 3), "10+2");
  ASSERT_TRUE(fs->write_buffers().ok());
  EXPECT_EQ(fat_entry(6), 7U);
  EXPECT_EQ(fat_entry(7), 10U);
  EXPECT_EQ(fat_entry(10), 11U);
  EXPECT_EQ(fat_entry(11), kFatEndOfChain);
  EXPECT_EQ(fat_entry(8), 0U);  // b is a run still
}

TEST_F(Clusters, ANewFragmentedRunIsReturnedPieceByPiece) {
  const InodeRef a = create("a");
  const InodeRef b = create("b");
  grow(*a, 1);                      // 6
  grow(*b, 1);                      // 7
  ASSERT_TRUE(shrink(*a, 0).ok());  // 6 is free, 7 is not
  fs->drop_inodes();
  const uint64_t free = fs->space().free.value();
  const InodeRef c = create("c");
  grow(*c, free - 2);  // leaves one at the end, and 6
  const uint64_t last = fs->geometry().cluster_limit().value() - 1;
  EXPECT_EQ(map(*a, 0, 2, true), std::to_string(last) + "+1 new");
  EXPECT_EQ(map(*a, 1, 1, true), "6+1");
  EXPECT_FALSE(a->no_fat_chain());
}

TEST_F(Clusters, ANearlyFullVolumeGivesWhatItHasWhenAskedTo) {
  const InodeRef a = create("a");
  const InodeRef b = create("b");
  const uint64_t free = fs->space().free.value();
  grow(*a, free - 3);
  EXPECT_EQ(map(*b, 0, 8, true), "ENOSPC");
  EXPECT_EQ(b->allocated(), ClusterCount{0});
  EXPECT_EQ(map(*b, 2, 8, true, true), std::to_string(6 + free - 1) + "+1 new");
  EXPECT_EQ(fs->space().free, ClusterCount{0});
  EXPECT_EQ(map(*b, 3, 1, true, true), "ENOSPC");
}

TEST_F(Clusters, PartialDoesNotFillAGapWithoutReachingTheRequest) {
  const InodeRef a = create("a");
  const InodeRef b = create("b");
  grow(*a, fs->space().free.value() - 3);
  EXPECT_EQ(map(*b, 3, 1, true, true), "ENOSPC");
  EXPECT_EQ(b->allocated(), ClusterCount{0});
}

TEST_F(Clusters, ExtendIsAllOrNothing) {
  const InodeRef a = create("a");
  const uint64_t free = fs->space().free.value();
  EXPECT_EQ(fs->extend(*a, ClusterCount{free + 1}).code(), Errno::kNoSpc);
  EXPECT_EQ(a->allocated(), ClusterCount{0});
  EXPECT_EQ(fs->space().free, ClusterCount{free});
  EXPECT_TRUE(fs->extend(*a, ClusterCount{3}).ok());
  EXPECT_TRUE(fs->extend(*a, ClusterCount{2}).ok());  // nothing to do
  EXPECT_EQ(a->allocated(), ClusterCount{3});
}

TEST_F(Clusters, ShrinkFreesWhatLiesPastTheSize) {
  const InodeRef a = create("a");
  grow(*a, 10);
  const ClusterCount used = fs->bitmap().used();
  ASSERT_TRUE(shrink(*a, 4097).ok());
  EXPECT_EQ(runs(*a), "6+2");
  EXPECT_EQ(fs->bitmap().used(), used - ClusterCount{8});
  EXPECT_TRUE(a->no_fat_chain());
  EXPECT_EQ(map(*a, 2, 1, true), "8+1 new");
}

TEST_F(Clusters, ShrinkCutsAChain) {
  const InodeRef a = fragmented();
  ASSERT_TRUE(shrink(*a, 6000).ok());
  EXPECT_EQ(runs(*a), "6+2");
  EXPECT_FALSE(a->no_fat_chain());
  ASSERT_TRUE(fs->write_buffers().ok());
  EXPECT_EQ(fat_entry(7), kFatEndOfChain);
}

TEST_F(Clusters, AnEmptiedFileHasNoFirstClusterAndForgetsItsChain) {
  const InodeRef a = fragmented();
  ASSERT_TRUE(shrink(*a, 0).ok());
  EXPECT_EQ(a->first_cluster(), sim::Cluster{0});
  EXPECT_TRUE(a->no_fat_chain());
  ASSERT_TRUE(fs->write_buffers().ok());
  DentrySet set;
  disk.read(cluster_pos(5) + sim::ByteCount{uint64_t{a->entry_index() + 1} * kDentrySize},
            set.storage()[1]);
  set.set_count(2);
  EXPECT_EQ(set.stream().first_cluster, 0U);
  EXPECT_EQ(set.stream().general_secondary_flags, kAllocationPossible);
  grow(*a, 2);
  EXPECT_EQ(runs(*a), "11+2");  // the last search had begun there
  EXPECT_TRUE(a->no_fat_chain());
}

TEST_F(Clusters, ShrinkFreesWhatAFailedWriteLeftPastTheSize) {
  const InodeRef a = create("a");
  EXPECT_EQ(map(*a, 0, 4, true), "6+4 new");
  a->set_size(sim::FilePos{2048});
  ASSERT_TRUE(fs->shrink(*a).ok());
  EXPECT_EQ(runs(*a), "6+1");
}

TEST_F(Clusters, ShrinkReportsAFailedSetAndFreesNothing) {
  unmount();
  mount({.sync = true});
  const InodeRef a = create("a");
  grow(*a, 4);
  ASSERT_TRUE(fs->write_inode(*a, true).ok());
  device.fail(sim::BioOp::kWrite, cluster_pos(5), layout.cluster_size);
  EXPECT_EQ(shrink(*a, 0).code(), Errno::kIo);
  device.heal();
  EXPECT_EQ(runs(*a), "6+4");
}

TEST_F(Clusters, ShrinkReportsAFailedEndMark) {
  const InodeRef a = fragmented();
  fs->set_options({.sync = true});
  device.fail(sim::BioOp::kWrite, layout.fat, layout.fat_length);
  EXPECT_EQ(shrink(*a, 5000).code(), Errno::kIo);
}

TEST_F(Clusters, AFailedLinkGivesTheNewClustersBack) {
  const InodeRef a = fragmented();
  const ClusterCount used = fs->bitmap().used();
  fs->set_options({.sync = true});
  // The new cluster follows the chain's last, so its end mark is the first FAT write: let it pass.
  device.fail(sim::BioOp::kWrite, layout.fat, layout.fat_length, 1);
  EXPECT_EQ(fs->extend(*a, ClusterCount{5}).code(), Errno::kIo);
  device.heal();
  EXPECT_EQ(runs(*a), "6+2 10+2");
  EXPECT_EQ(fs->bitmap().used(), used);
  EXPECT_EQ(map(*a, 4, 1, true), "12+1 new");
}

TEST_F(Clusters, MappingAlongChainFollowsTheFatOnce) {
  const InodeRef a = create("a");
  const InodeRef b = create("b");
  for (uint64_t i = 1; i <= 50; ++i) {
    grow(*a, i);
    grow(*b, i);
  }
  for (uint64_t i = 0; i < 50; ++i) {
    EXPECT_EQ(map(*a, i, 9), std::to_string(6 + 2 * i) + "+1");
  }
}

TEST_F(Clusters, DirectoryBlocksDoNotComeBackOverAFilesData) {
  {
    const InodeRef d = mkdir("d");
    create(*d, "x");
    ASSERT_TRUE(fs->unlink(*d, "x").ok());
  }
  ASSERT_TRUE(fs->rmdir(root(), "d").ok());
  unmount();
  mount();  // the search begins at the heap's start again
  ASSERT_EQ(runs(*mkdir("d")), "6+1");
  ASSERT_TRUE(fs->rmdir(root(), "d").ok());
  const InodeRef a = create("a");
  EXPECT_EQ(map(*a, 0, 1, true), "6+1 new");
  const std::vector<std::byte> data(4096, std::byte{0x77});
  disk.write(cluster_pos(6), data);
  ASSERT_TRUE(fs->write_buffers().ok());
  EXPECT_EQ(disk_value<Le32>(cluster_pos(6)), 0x77777777U);
}

}  // namespace
}  // namespace zerotail::exfat
