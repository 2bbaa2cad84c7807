#include "zerotail/buffer/buffer_cache.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "zerotail/sim/io_log.h"
#include "zerotail/sim/mem_disk.h"
#include "zerotail/sim/world.h"

namespace zerotail::buffer {
namespace {

using sim::BioOp;
using sim::Errno;

constexpr sim::IoTag kDir = tag(IoKind::kDirectory, 5);

// Answers bios after a delay, so that others run meanwhile; fails what it is told to fail.
class SlowDevice : public sim::BlockDevice {
 public:
  SlowDevice(sim::BlockDevice& below, sim::EventLoop& loop) : below_(below), loop_(loop) {}
  [[nodiscard]] const sim::DeviceInfo& info() const override { return below_.info(); }
  void submit(sim::Bio& bio) override {
    loop_.schedule_after(sim::micros(10), [this, &bio] {
      if (fail && bio.op == *fail && (!fail_at || bio.sector == *fail_at)) {
        bio.complete(Errno::kIo);
      } else {
        below_.submit(bio);
      }
    });
  }
  std::optional<BioOp> fail;
  std::optional<sim::Sector> fail_at;  // only a bio that starts here

 private:
  sim::BlockDevice& below_;
  sim::EventLoop& loop_;
};

class BufferCacheTest : public ::testing::Test {
 protected:
  BufferRef get(uint64_t block) {
    auto got = cache.get(Block{block}, kDir);
    EXPECT_TRUE(got.ok());
    return std::move(got).value();
  }
  void change(uint64_t block, int value) {
    const BufferRef buffer = get(block);
    buffer->data()[0] = static_cast<std::byte>(value);
    cache.mark_dirty(*buffer);
  }
  int on_disk(uint64_t block) { return static_cast<int>(disk.sector(sim::Sector{block})[0]); }
  // "first+count" of every write bio in the log, in order.
  std::string written() {
    std::string text;
    for (const sim::IoRecord& record : log.records()) {
      if (record.op != BioOp::kWrite) continue;
      if (!text.empty()) text += ' ';
      text += std::to_string(record.sector.value()) + '+' + std::to_string(record.count.value());
    }
    log.clear();
    return text;
  }

  sim::World world{1};
  sim::MemDisk disk{{.capacity = sim::SectorCount{4096}}};
  sim::IoLog log{disk, world.loop};
  SlowDevice device{log, world.loop};
  BufferCache cache{device, world.scheduler, {.max_bio = sim::kib(2)}};
};

TEST_F(BufferCacheTest, ReadsABlockOnceAndKeepsIt) {
  disk.write(sim::DevPos{7 * 512}, std::array{std::byte{42}});
  EXPECT_EQ(static_cast<int>(get(7)->data()[0]), 42);
  EXPECT_EQ(static_cast<int>(get(7)->data()[0]), 42);
  EXPECT_EQ(cache.counters().reads, 1U);
}

TEST_F(BufferCacheTest, ABlockBeyondTheDeviceIsEio) {
  EXPECT_EQ(cache.get(Block{4096}, kDir).code(), Errno::kIo);
  EXPECT_EQ(cache.get(Block{UINT64_MAX}, kDir).code(), Errno::kIo);
  EXPECT_EQ(cache.read_run(Block{4090}, BlockCount{7}, kDir).code(), Errno::kIo);
  EXPECT_EQ(cache.get_zeroed(Block{5000}, kDir).code(), Errno::kIo);
}

TEST_F(BufferCacheTest, AFailedReadIsTriedAgain) {
  device.fail = BioOp::kRead;
  EXPECT_EQ(cache.get(Block{3}, kDir).code(), Errno::kIo);
  device.fail.reset();
  EXPECT_TRUE(cache.get(Block{3}, kDir).ok());
}

TEST_F(BufferCacheTest, AZeroedBlockIsNotReadAndIsDirty) {
  const auto zeroed = cache.get_zeroed(Block{9}, kDir);
  ASSERT_TRUE(zeroed.ok());
  EXPECT_TRUE((*zeroed)->dirty());
  EXPECT_EQ(cache.counters().reads, 0U);
  EXPECT_TRUE(std::all_of((*zeroed)->data().begin(), (*zeroed)->data().end(),
                          [](std::byte byte) { return byte == std::byte{0}; }));
}

TEST_F(BufferCacheTest, ReadRunReadsOnlyWhatIsMissing) {
  get(11);
  ASSERT_TRUE(cache.read_run(Block{10}, BlockCount{4}, kDir).ok());
  EXPECT_EQ(cache.counters().reads, 4U);
  EXPECT_EQ(cache.counters().bios, 3U);  // 11; 10; 12 and 13
}

TEST_F(BufferCacheTest, SyncWritesTheDirtyBufferOnly) {
  change(4, 1);
  change(5, 2);
  const BufferRef buffer = get(4);
  EXPECT_TRUE(cache.sync(*buffer).ok());
  EXPECT_TRUE(cache.sync(*buffer).ok());  // clean now
  EXPECT_EQ(written(), "4+1");
  EXPECT_EQ(on_disk(4), 1);
  EXPECT_EQ(on_disk(5), 0);
}

TEST_F(BufferCacheTest, WriteAllGoesUpAndMergesNeighboursUpToTheLimit) {
  for (const uint64_t block : {30U, 20U, 21U, 22U, 23U, 24U, 10U}) change(block, 1);
  ASSERT_TRUE(cache.write_all().ok());
  EXPECT_EQ(written(), "10+1 20+4 24+1 30+1");
  EXPECT_EQ(cache.dirty(), 0U);
}

TEST_F(BufferCacheTest, WriteAllDoesNotMergeWhatIsTaggedDifferently) {
  change(20, 1);
  const auto other = cache.get(Block{21}, tag(IoKind::kFat, 2));
  cache.mark_dirty(**other);
  ASSERT_TRUE(cache.write_all().ok());
  EXPECT_EQ(log.records().size(), 2U);
  EXPECT_EQ(log.records()[1].tag, tag(IoKind::kFat, 2));
}

TEST_F(BufferCacheTest, SyncAllOfMergesOnlyWhenAskedTo) {
  change(20, 1);
  change(21, 1);
  const BufferRef a = get(20);
  const BufferRef b = get(21);
  const std::array<Buffer*, 3> both{&*b, &*a, &*b};
  ASSERT_TRUE(cache.sync_all_of(both, Merge::kNo).ok());
  EXPECT_EQ(written(), "20+1 21+1");
  change(20, 2);
  change(21, 2);
  ASSERT_TRUE(cache.sync_all_of(both, Merge::kYes).ok());
  EXPECT_EQ(written(), "20+2");
}

TEST_F(BufferCacheTest, WriteSomeWritesTheLowestFirst) {
  for (const uint64_t block : {30U, 20U, 10U}) change(block, 1);
  EXPECT_EQ(cache.write_some(2), 2U);
  EXPECT_EQ(written(), "10+1 20+1");
  EXPECT_EQ(cache.dirty(), 1U);
}

TEST_F(BufferCacheTest, WriteThroughCarriesItsFlagsAndWritesCleanBuffersToo) {
  const BufferRef buffer = get(0);
  ASSERT_TRUE(cache.write_through(*buffer, {.preflush = true, .fua = true}).ok());
  ASSERT_EQ(log.records().size(), 1U);
  EXPECT_TRUE(log.records()[0].preflush && log.records()[0].fua);
}

TEST_F(BufferCacheTest, AFailedSyncIsReportedAtOnceAndOnceMoreByWriteAll) {
  change(4, 1);
  device.fail = BioOp::kWrite;
  const BufferRef buffer = get(4);
  const sim::Status failed = cache.sync(*buffer);
  EXPECT_EQ(failed.code(), Errno::kIo);
  EXPECT_EQ(failed.error().where(), "buffer: write of directory block 4");
  device.fail.reset();
  EXPECT_EQ(cache.write_all().code(), Errno::kIo);
  EXPECT_TRUE(cache.write_all().ok());
}

TEST_F(BufferCacheTest, AFailedBackgroundWriteIsReportedByTheNextWriteAll) {
  change(4, 1);
  device.fail = BioOp::kWrite;
  EXPECT_EQ(cache.write_some(10), 1U);
  device.fail.reset();
  EXPECT_EQ(cache.write_all().code(), Errno::kIo);
  EXPECT_TRUE(cache.write_all().ok());
}

TEST_F(BufferCacheTest, AFailedWriteLeavesTheBufferCleanWithItsContent) {
  change(4, 1);
  device.fail = BioOp::kWrite;
  EXPECT_FALSE(cache.write_all().ok());
  EXPECT_EQ(cache.dirty(), 0U);
  EXPECT_EQ(static_cast<int>(get(4)->data()[0]), 1);
}

TEST_F(BufferCacheTest, WriteAllGoesOnAfterAFailedBio) {
  change(4, 1);
  change(9, 1);
  device.fail = BioOp::kWrite;
  device.fail_at = sim::Sector{4};
  EXPECT_EQ(cache.write_all().code(), Errno::kIo);
  EXPECT_EQ(on_disk(4), 0);
  EXPECT_EQ(on_disk(9), 1);
}

TEST_F(BufferCacheTest, ForgetDropsDirtyBuffersUnwritten) {
  for (const uint64_t block : {10U, 11U, 12U, 13U}) change(block, 1);
  cache.forget(Block{11}, BlockCount{2});
  ASSERT_TRUE(cache.write_all().ok());
  EXPECT_EQ(written(), "10+1 13+1");
  EXPECT_EQ(static_cast<int>(get(11)->data()[0]), 0);
}

TEST_F(BufferCacheTest, ForgetOfAHugeRangeLooksAtTheCachedOnly) {
  for (const uint64_t block : {10U, 11U, 12U, 4000U}) change(block, 1);
  cache.forget(Block{11}, BlockCount{uint64_t{1} << 40});
  EXPECT_EQ(cache.cached(), 1U);
}

TEST_F(BufferCacheTest, AForgottenBufferThatIsHeldIsReadAgain) {
  const BufferRef held = get(10);
  held->data()[0] = std::byte{1};
  cache.mark_dirty(*held);
  cache.forget(Block{10}, BlockCount{1});
  EXPECT_EQ(static_cast<int>(get(10)->data()[0]), 0);
}

TEST_F(BufferCacheTest, DropCleanKeepsDirtyAndHeldBuffers) {
  change(1, 1);
  get(2);
  const BufferRef held = get(3);
  cache.drop_clean();
  EXPECT_EQ(cache.cached(), 2U);
  get(2);
  EXPECT_EQ(cache.counters().reads, 4U);
}

TEST_F(BufferCacheTest, KeepsApartManyBlocksThatComeAndGo) {
  // Drives the table through growth and through removals in the middle of probe sequences.
  for (uint64_t block = 0; block < 2000; block += 2) change(block, static_cast<int>(block % 251));
  for (uint64_t block = 0; block < 2000; block += 6) cache.forget(Block{block}, BlockCount{1});
  for (uint64_t block = 0; block < 2000; block += 2) {
    const int wanted = block % 6 == 0 ? 0 : static_cast<int>(block % 251);
    ASSERT_EQ(static_cast<int>(get(block)->data()[0]), wanted) << block;
  }
}

TEST_F(BufferCacheTest, TwoTasksThatWantABlockReadItOnce) {
  for (const char* name : {"a", "b"}) {
    world.scheduler.spawn(name, [this] { EXPECT_TRUE(cache.get(Block{3}, kDir).ok()); });
  }
  world.scheduler.run();
  EXPECT_EQ(cache.counters().reads, 1U);
}

TEST_F(BufferCacheTest, AChangeDuringAWriteIsWrittenAgain) {
  change(3, 1);
  world.scheduler.spawn("writer", [this] {
    const BufferRef buffer = get(3);
    EXPECT_TRUE(cache.sync(*buffer).ok());
  });
  world.scheduler.spawn("changer", [this] {
    change(3, 2);
    EXPECT_TRUE(cache.write_all().ok());
    EXPECT_EQ(on_disk(3), 2);
  });
  world.scheduler.run();
  EXPECT_EQ(cache.counters().writes, 2U);
}

TEST_F(BufferCacheTest, WriteAllWaitsForTheWritesOfOthers) {
  change(3, 1);
  world.scheduler.spawn("writer", [this] {
    const BufferRef buffer = get(3);
    EXPECT_TRUE(cache.sync(*buffer).ok());
  });
  world.scheduler.spawn("fsync", [this] {
    EXPECT_EQ(cache.dirty(), 0U);  // the write has been submitted
    EXPECT_TRUE(cache.write_all().ok());
    EXPECT_EQ(on_disk(3), 1);
  });
  world.scheduler.run();
}

TEST_F(BufferCacheTest, FlushAndDiscardReachTheDevice) {
  ASSERT_TRUE(cache.flush().ok());
  ASSERT_TRUE(cache.discard(Block{8}, BlockCount{2}).ok());
  ASSERT_EQ(log.records().size(), 2U);
  EXPECT_EQ(log.records()[0].op, BioOp::kFlush);
  EXPECT_EQ(log.records()[1].op, BioOp::kDiscard);
  EXPECT_EQ(log.records()[1].count, sim::SectorCount{2});
}

TEST(BufferCache, BlocksOf4096BytesAreEightSectors) {
  sim::World world{1};
  sim::MemDisk disk{{.capacity = sim::SectorCount{64}}};
  BufferCache cache(disk, world.scheduler, {.block_size = sim::ByteCount{4096}});
  EXPECT_EQ(cache.capacity(), BlockCount{8});
  const auto buffer = cache.get(Block{7}, kDir);
  ASSERT_TRUE(buffer.ok());
  (*buffer)->data()[4095] = std::byte{9};
  cache.mark_dirty(**buffer);
  ASSERT_TRUE(cache.write_all().ok());
  EXPECT_EQ(disk.sector(sim::Sector{63})[511], std::byte{9});
}

TEST(IoKindNames, AnUnknownNumberHasAName) {
  EXPECT_STREQ(io_kind_name(static_cast<uint32_t>(IoKind::kFat)), "fat");
  EXPECT_STREQ(io_kind_name(77), "?");
}

}  // namespace
}  // namespace zerotail::buffer
