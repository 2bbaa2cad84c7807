// The allocator with the FAT and the bitmap under it, on a freshly made volume: clusters 2
// (bitmap), 3 and 4 (upcase table) and 5 (root) are in use.
#include "zerotail/exfat/allocator.h"

#include <gtest/gtest.h>

#include "core/exfat/volume_fixture.h"

namespace zerotail::exfat {
namespace {

using sim::Cluster;
using sim::ClusterCount;
using sim::Errno;

class AllocatorTest : public ::testing::Test, public VolumeFixture {
 protected:
  void SetUp() override {
    cache.emplace(device, world.scheduler, buffer::BufferCache::Options{});
    auto read = BootRegion::read(*cache);
    ASSERT_TRUE(read.ok()) << read.error().message();
    geometry.emplace(read->geometry());
    fat.emplace(*cache, *geometry);
    load_bitmap();
  }
  void load_bitmap() {
    auto loaded = AllocationBitmap::load(
        *cache, *geometry, {{.file_cluster = {}, .first = Cluster{2}, .count = ClusterCount{1}}},
        layout.bitmap_length);
    ASSERT_TRUE(loaded.ok()) << loaded.error().message();
    bitmap.emplace(std::move(*loaded));
    allocator.emplace(world.scheduler, *cache, *geometry, *fat, *bitmap);
  }
  void take(uint64_t first, uint64_t count) {
    ASSERT_TRUE(bitmap->set_run(Cluster{first}, ClusterCount{count}, false).ok());
  }
  std::string allocate(AllocationRequest request) {
    const auto got = allocator->allocate(request);
    if (!got.ok()) return sim::errno_name(got.code());
    std::string text = got->chained ? "chain" : "run";
    for (const ClusterRun& run : got->runs) {
      text += ' ' + std::to_string(run.first.value()) + '+' + std::to_string(run.count.value());
    }
    return text;
  }
  std::string allocate(uint64_t count) {
    return allocate({.count = ClusterCount{count}, .after = {}});
  }
  std::string allocate_after(uint64_t last, uint64_t count, bool chained = false) {
    return allocate({.count = ClusterCount{count}, .after = Cluster{last}, .chained = chained});
  }
  std::string chain_from(uint64_t first) {
    std::string text = std::to_string(first);
    for (Cluster at{first};;) {
      const auto entry = fat->get(at);
      if (!entry.ok()) return text + " EIO";
      if (entry->kind == FatEntry::Kind::kEnd) return text + " end";
      if (entry->kind != FatEntry::Kind::kNext) return text + " broken";
      at = entry->next;
      text += ' ' + std::to_string(at.value());
    }
  }

  std::optional<buffer::BufferCache> cache;
  std::optional<Geometry> geometry;
  std::optional<Fat> fat;
  std::optional<AllocationBitmap> bitmap;
  std::optional<Allocator> allocator;
};

TEST_F(AllocatorTest, CountsWhatMkfsUsed) {
  EXPECT_EQ(bitmap->used(), layout.used);
  EXPECT_TRUE(bitmap->is_used(Cluster{5}));
  EXPECT_FALSE(bitmap->is_used(Cluster{6}));
}

TEST_F(AllocatorTest, AFirstClusterComesFromWhereTheLastSearchEnded) {
  EXPECT_EQ(allocate(2), "run 6+2");
  EXPECT_EQ(allocate(1), "run 8+1");
  const std::array<ClusterRun, 1> freed{
      ClusterRun{.file_cluster = {}, .first = Cluster{6}, .count = ClusterCount{1}}};
  ASSERT_TRUE(allocator->free(freed, {}).ok());
  EXPECT_EQ(allocate(1), "run 9+1");  // not 6, which lies behind the search
}

TEST_F(AllocatorTest, AFileGoesOnBehindItsLastCluster) {
  take(6, 1);
  EXPECT_EQ(allocate_after(6, 3), "run 7+3");
}

TEST_F(AllocatorTest, ANeighbourTurnsTheRunIntoAChain) {
  take(6, 2);
  EXPECT_EQ(allocate_after(6, 2), "chain 8+2");
  EXPECT_EQ(chain_from(8), "8 9 end");
}

TEST_F(AllocatorTest, AGapInTheMiddleChainsWhatCameBefore) {
  take(9, 2);
  EXPECT_EQ(allocate(5), "chain 6+3 11+2");
  EXPECT_EQ(chain_from(6), "6 7 8 11 12 end");
}

TEST_F(AllocatorTest, AFileThatIsAChainStaysOne) {
  EXPECT_EQ(allocate_after(5, 2, true), "chain 6+2");
  EXPECT_EQ(chain_from(6), "6 7 end");
}

TEST_F(AllocatorTest, WrapsAroundOnceAndThenHasAChain) {
  const uint64_t last = geometry->cluster_limit().value() - 1;
  take(last - 2, 1);
  EXPECT_EQ(allocate_after(last - 2, 4), "chain " + std::to_string(last - 1) + "+2 6+2");
  EXPECT_EQ(allocate_after(last, 1), "chain 8+1");
}

TEST_F(AllocatorTest, GivesTheLastClusterAndThenEnospc) {
  const uint64_t free = bitmap->available().value();
  EXPECT_EQ(allocate(free + 1), "ENOSPC");
  EXPECT_EQ(bitmap->available().value(), free);
  EXPECT_EQ(allocate(free), "run 6+" + std::to_string(free));
  EXPECT_EQ(allocate(1), "ENOSPC");
}

TEST_F(AllocatorTest, SyncWritesBitByBit) {
  log.clear();
  EXPECT_EQ(allocate({.count = ClusterCount{2}, .after = {}, .sync = true}), "run 6+2");
  EXPECT_EQ(writes(), "bitmap bitmap");
}

TEST_F(AllocatorTest, SyncChainsEntryByEntry) {
  fat->set_sync(true, false);
  take(6, 1);
  ASSERT_TRUE(cache->write_all().ok());
  log.clear();
  // Bit of 7 and its end mark; bit of 8, its end mark, and the link from 7.
  EXPECT_EQ(allocate({.count = ClusterCount{2}, .after = Cluster{5}, .sync = true}), "chain 7+2");
  EXPECT_EQ(writes(), "bitmap fat bitmap fat fat");
}

TEST_F(AllocatorTest, AFailureMidwayGivesEverythingBack) {
  for (const unsigned survivors : {0U, 1U, 2U, 3U}) {
    fat->set_sync(true, false);
    const ClusterCount before = bitmap->used();
    const Cluster hint = allocator->search_hint();
    device.fail(sim::BioOp::kWrite, layout.fat, layout.fat_length, survivors);
    EXPECT_EQ(
        allocate({.count = ClusterCount{3}, .after = Cluster{5}, .chained = true, .sync = true}),
        "EIO");
    device.heal();
    EXPECT_EQ(bitmap->used(), before);
    EXPECT_EQ(allocator->search_hint(), hint);
    ASSERT_FALSE(cache->write_all().ok());  // the failed write is remembered once
    load_bitmap();
    EXPECT_EQ(bitmap->used(), before) << "on disk";
  }
}

TEST_F(AllocatorTest, AFailedBitmapWriteTakesNothing) {
  const ClusterCount before = bitmap->used();
  device.fail(sim::BioOp::kWrite, cluster_pos(2), layout.cluster_size, 1);
  EXPECT_EQ(allocate({.count = ClusterCount{3}, .after = {}, .sync = true}), "EIO");
  device.heal();
  EXPECT_EQ(bitmap->used(), before);
  EXPECT_FALSE(bitmap->is_used(Cluster{6}));
}

TEST_F(AllocatorTest, FreeingTwiceCountsOnce) {
  const ClusterCount before = bitmap->used();
  EXPECT_EQ(allocate(3), "run 6+3");
  const std::array<ClusterRun, 2> runs{
      ClusterRun{.file_cluster = {}, .first = Cluster{6}, .count = ClusterCount{3}},
      ClusterRun{.file_cluster = {}, .first = Cluster{7}, .count = ClusterCount{1}}};
  ASSERT_TRUE(allocator->free(runs, {}).ok());
  EXPECT_EQ(bitmap->used(), before);
}

TEST_F(AllocatorTest, DiscardsEachRunBeforeTheBitmapIsWritten) {
  EXPECT_EQ(allocate(6), "run 6+6");
  ASSERT_TRUE(cache->write_all().ok());
  log.clear();
  const std::array<ClusterRun, 2> runs{
      ClusterRun{.file_cluster = {}, .first = Cluster{6}, .count = ClusterCount{2}},
      ClusterRun{.file_cluster = {}, .first = Cluster{10}, .count = ClusterCount{2}}};
  ASSERT_TRUE(allocator->free(runs, {.sync = true, .discard = true}).ok());
  ASSERT_EQ(log.records().size(), 3U);
  EXPECT_EQ(log.records()[0].sector, sim::sector_at(cluster_pos(6)));
  EXPECT_EQ(log.records()[0].count, sim::SectorCount{16});
  EXPECT_EQ(writes(), "discard discard bitmap");
}

// ---- bitmap

TEST_F(AllocatorTest, SearchesAcrossWords) {
  take(6, 200);
  EXPECT_EQ(bitmap->find_free(Cluster{6}), Cluster{206});
  EXPECT_EQ(bitmap->free_run(Cluster{206}, ClusterCount{1000}), ClusterCount{1000});
  take(300, 1);
  EXPECT_EQ(bitmap->free_run(Cluster{206}, ClusterCount{1000}), ClusterCount{94});
  EXPECT_EQ(bitmap->free_run(Cluster{300}, ClusterCount{1000}), ClusterCount{0});
}

TEST_F(AllocatorTest, BitsPastTheHeapAreNeverFree) {
  const Cluster last{geometry->cluster_limit().value() - 1};
  take(6, bitmap->available().value());
  EXPECT_EQ(bitmap->find_free(last), std::nullopt);
  EXPECT_EQ(bitmap->available(), ClusterCount{0});
}

TEST_F(AllocatorTest, RefusesABitmapThatIsTooShort) {
  const auto loaded = AllocationBitmap::load(
      *cache, *geometry, {{.file_cluster = {}, .first = Cluster{2}, .count = ClusterCount{1}}},
      layout.bitmap_length - sim::ByteCount{1});
  EXPECT_EQ(loaded.code(), Errno::kInval);
}

// ---- FAT

TEST_F(AllocatorTest, AnEntryOutsideTheHeapIsEioNamingTheCluster) {
  for (const uint32_t value : {1U, 3586U, 0xFFFFFFF6U}) {
    put_fat_entry(77, value);
    cache->forget(fat->block_of(Cluster{77}), buffer::BlockCount{1});
    fat.emplace(*cache, *geometry);
    const auto entry = fat->get(Cluster{77});
    ASSERT_EQ(entry.code(), Errno::kIo) << value;
    EXPECT_EQ(entry.error().where(), "fat: entry of cluster 77: points to cluster " +
                                         std::to_string(value) + ", outside the heap");
  }
}

TEST_F(AllocatorTest, TellsFreeBadAndEndApart) {
  const auto kind = [this](uint32_t value) {
    put_fat_entry(77, value);
    fat.emplace(*cache, *geometry);
    cache->forget(fat->block_of(Cluster{77}), buffer::BlockCount{1});
    return fat->get(Cluster{77})->kind;
  };
  EXPECT_EQ(kind(0), FatEntry::Kind::kFree);
  EXPECT_EQ(kind(0xFFFFFFF7), FatEntry::Kind::kBad);
  EXPECT_EQ(kind(0xFFFFFFF8), FatEntry::Kind::kEnd);  // as the driver takes it
  EXPECT_EQ(kind(0xFFFFFFFF), FatEntry::Kind::kEnd);
  EXPECT_EQ(kind(78), FatEntry::Kind::kNext);
  EXPECT_EQ(fat->next(Cluster{77})->value(), 78U);
  EXPECT_EQ(kind(0), FatEntry::Kind::kFree);
  EXPECT_EQ(fat->next(Cluster{77}).code(), Errno::kIo);
}

TEST_F(AllocatorTest, ChainsARunOverSectorsOfTheFatWithOneWriteEach) {
  fat->set_sync(true, false);
  log.clear();
  ASSERT_TRUE(fat->chain_run(Cluster{100}, ClusterCount{100}).ok());
  EXPECT_EQ(writes(), "fat fat");
  EXPECT_EQ(fat_entry(127), 128U);
  EXPECT_EQ(fat_entry(199), kFatEndOfChain);
}

}  // namespace
}  // namespace zerotail::exfat
