// The flusher and the dirty limits, on the virtual clock.
#include "zerotail/io/flusher.h"

#include <gtest/gtest.h>

#include "core/io/test_mount.h"
#include "zerotail/buffer/io_kind.h"

namespace zerotail::io {
namespace {

class FlusherTest : public ::testing::Test {
 protected:
  void sleep(uint64_t millis) { volume_.world.scheduler.sleep(sim::millis(millis)); }
  // The writes since the last call: "data" and "meta", in order, one word a run.
  std::string written() {
    std::string text;
    for (; seen_ < volume_.log.records().size(); ++seen_) {
      const sim::IoRecord& record = volume_.log.records()[seen_];
      if (record.op == sim::BioOp::kFlush) {
        text += "flush ";
      } else if (record.op == sim::BioOp::kWrite) {
        const auto kind = static_cast<buffer::IoKind>(record.tag.kind);
        text += kind == buffer::IoKind::kData ? "data " : "meta ";
      }
    }
    return text;
  }
  void limit(uint64_t background, uint64_t limit) {
    WritebackTuning tuning = volume_.mount->flusher().tuning();
    tuning.background = sim::ByteCount{background};
    tuning.limit = sim::ByteCount{limit};
    volume_.mount->flusher().set_tuning(tuning);
  }
  uint64_t unwritten() { return volume_.mount->folios().unwritten().value(); }

  TestVolume volume_;
  size_t seen_ = 0;
};

TEST_F(FlusherTest, NothingIsWrittenBeforeItExpires) {
  TestFile file(volume_, "a");
  ASSERT_TRUE(file.write(0, 10000, 1).ok());
  static_cast<void>(written());
  sleep(29'999);
  EXPECT_EQ(written(), "");
  sleep(1);
  EXPECT_NE(written(), "");
  EXPECT_EQ(unwritten(), 0U);
}

// One age for all metadata: create made it dirty before the file had data. Writing the set makes it
// dirty again, and that waits for its own expiry.
TEST_F(FlusherTest, TheOldestGoesFirstAndWhatItDirtiesWaits) {
  TestFile file(volume_, "a");
  ASSERT_TRUE(file.write(0, 10000, 1).ok());
  static_cast<void>(written());
  sleep(32'000);
  EXPECT_EQ(written(), "meta meta data ");  // bitmap and root, then the file
  sleep(25'000);
  EXPECT_EQ(written(), "");
  sleep(10'000);
  EXPECT_EQ(written(), "meta ");  // root
  sleep(100'000);
  EXPECT_EQ(written(), "");
}

TEST_F(FlusherTest, NothingIsFlushed) {
  TestFile file(volume_, "a");
  ASSERT_TRUE(file.write(0, 10000, 1).ok());
  static_cast<void>(written());
  sleep(120'000);
  EXPECT_EQ(written().find("flush"), std::string::npos);
}

TEST_F(FlusherTest, WhatIsYoungerStays) {
  TestFile old_file(volume_, "old");
  TestFile young(volume_, "young");
  ASSERT_TRUE(volume_.mount->sync().ok());
  ASSERT_TRUE(old_file.write(0, 4096, 1).ok());
  sleep(20'000);
  ASSERT_TRUE(young.write(0, 4096, 2).ok());
  sleep(12'000);
  EXPECT_FALSE(old_file.node().cache().any_dirty());
  EXPECT_TRUE(young.node().cache().any_dirty());
  sleep(20'000);
  EXPECT_FALSE(young.node().cache().any_dirty());
}

TEST_F(FlusherTest, AnIntervalOfZeroTurnsItOffAndOnAgain) {
  WritebackTuning tuning;
  tuning.interval = sim::Nanos{0};
  volume_.mount->flusher().set_tuning(tuning);
  TestFile file(volume_, "a");
  ASSERT_TRUE(file.write(0, 4096, 1).ok());
  sleep(100'000);
  EXPECT_TRUE(file.node().cache().any_dirty());
  tuning.interval = sim::millis(5'000);
  volume_.mount->flusher().set_tuning(tuning);
  sleep(5'000);
  EXPECT_FALSE(file.node().cache().any_dirty());
}

TEST_F(FlusherTest, NothingIsWrittenAfterQuiesce) {
  {
    TestFile file(volume_, "a");
    ASSERT_TRUE(file.write(0, 4096, 1).ok());
  }
  ASSERT_TRUE(volume_.mount->quiesce().ok());
  static_cast<void>(written());
  sleep(120'000);
  EXPECT_EQ(written(), "");
}

TEST_F(FlusherTest, NothingIsWrittenAfterAPowerFailure) {
  {
    TestFile file(volume_, "a");
    ASSERT_TRUE(file.write(0, 4096, 1).ok());
  }
  volume_.mount.reset();
  static_cast<void>(written());
  sleep(120'000);
  EXPECT_EQ(written(), "");
}

TEST_F(FlusherTest, AReadOnlyMountIsLeftAlone) {
  { const TestFile file(volume_, "a"); }
  volume_.remount({.read_only = true});
  static_cast<void>(written());
  {
    TestFile file(volume_, "a");
    EXPECT_EQ(file.read(0, 100), "");
    sleep(120'000);
  }
  EXPECT_EQ(written(), "");
}

TEST_F(FlusherTest, TheSameSeedWritesTheSame) {
  const auto run = [] {
    TestVolume volume;
    TestFile file(volume, "a");
    TestFile other(volume, "b");
    EXPECT_TRUE(file.write(0, 30000, 1).ok());
    volume.world.scheduler.sleep(sim::millis(7'000));
    EXPECT_TRUE(other.write(5000, 3000, 2).ok());
    volume.world.scheduler.sleep(sim::millis(90'000));
    std::string text;
    for (const sim::IoRecord& record : volume.log.records()) {
      text += std::to_string(record.sector.value()) + "+" + std::to_string(record.count.value()) +
              "@" + std::to_string(record.complete_time.value()) + " ";
    }
    return text;
  };
  const std::string first = run();
  EXPECT_GT(first.size(), 20U);
  EXPECT_EQ(run(), first);
}

// A failed background write is told to whoever syncs the file next.
TEST_F(FlusherTest, AnErrorIsKeptForFsync) {
  TestFile file(volume_, "a");
  ASSERT_TRUE(file.write(0, 4096, 1).ok());
  volume_.device.fail_data_writes = true;
  sleep(40'000);
  volume_.device.fail_data_writes = false;
  EXPECT_FALSE(file.node().cache().any_dirty());
  EXPECT_EQ(file.fsync().code(), sim::Errno::kIo);
  EXPECT_TRUE(file.fsync().ok());
}

TEST_F(FlusherTest, AWriterIsHeldAtTheLimit) {
  limit(64 << 10, 128 << 10);
  TestFile file(volume_, "a");
  for (uint64_t pos = 0; pos < (2U << 20); pos += 32768) {
    ASSERT_EQ(*file.write(pos, 32768, 1), 32768U);
    ASSERT_LE(unwritten(), (128U << 10) + 4096);
  }
  EXPECT_EQ(file.read((1U << 20), 4096), "1x4096 ");
}

// One write, one mapping: the inode's dirty mark would come only at its end.
TEST_F(FlusherTest, OneLargeWriteIsHeldToo) {
  limit(64 << 10, 128 << 10);
  TestFile file(volume_, "a");
  ASSERT_EQ(*file.write(0, 2 << 20, 1), 2U << 20);
  EXPECT_LE(unwritten(), (128U << 10) + 4096);
  EXPECT_EQ(file.state(), "2097152 2097152 2097152");
}

TEST_F(FlusherTest, AHugeGapDoesNotFillTheCacheWithDirtyPages) {
  limit(64 << 10, 128 << 10);
  TestFile file(volume_, "a");
  ASSERT_EQ(*file.write(4 << 20, 10, 1), 10U);
  EXPECT_LE(unwritten(), (128U << 10) + 4096);
  file.make_cold();
  EXPECT_EQ(file.read((4 << 20) - 100, 200), "0x100 1x10 ");
}

// The flusher cleans the file while its gap is being filled; what is dirtied after that pass still
// belongs to a dirty file.
TEST_F(FlusherTest, WhatIsDirtiedAfterAPassIsNotForgotten) {
  limit(16 << 10, 32 << 10);
  TestFile file(volume_, "a");
  for (uint64_t pages = 40; pages < 60; ++pages) {
    ASSERT_EQ(*file.direct_write(pages * 4096, 512, 1), 512U);
    file.make_cold();
    EXPECT_EQ(file.read(0, (pages + 1) * 4096), "0x" + std::to_string(pages * 4096) + " 1x512 ");
    ASSERT_TRUE(file.truncate(0).ok());
  }
}

TEST_F(FlusherTest, StoresThroughAMappingAreHeldToo) {
  limit(64 << 10, 128 << 10);
  TestFile file(volume_, "a");
  ASSERT_TRUE(file.truncate(2 << 20).ok());
  ASSERT_EQ(file.store(0, 2 << 20, 7), "2097152");
  EXPECT_LE(unwritten(), (128U << 10) + 4096);
  unmap_all(file.node());
  file.make_cold();
  EXPECT_EQ(file.read(0, 2 << 20), "7x2097152 ");
}

TEST_F(FlusherTest, AFailingDiskDoesNotHoldAWriterForEver) {
  limit(64 << 10, 128 << 10);
  TestFile file(volume_, "a");
  volume_.device.fail_data_writes = true;
  EXPECT_EQ(*file.write(0, 1 << 20, 1), 1U << 20);
  EXPECT_EQ(file.fsync().code(), sim::Errno::kIo);
}

TEST_F(FlusherTest, WithoutALimitNobodyIsHeld) {
  limit(0, 0);
  TestFile file(volume_, "a");
  ASSERT_TRUE(file.write(0, 1 << 20, 1).ok());
  EXPECT_EQ(unwritten(), 1U << 20);
}

}  // namespace
}  // namespace zerotail::io
