#include "zerotail/sim/io_log.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "sim/test_disk.h"
#include "zerotail/sim/mem_disk.h"

namespace zerotail::sim {
namespace {

// Completes bios from the event loop, a fixed time after their submission.
class SlowDevice : public BlockDevice {
 public:
  SlowDevice(BlockDevice& below, EventLoop& loop, Nanos delay)
      : below_(below), loop_(loop), delay_(delay) {}
  [[nodiscard]] const DeviceInfo& info() const override { return below_.info(); }
  void submit(Bio& bio) override {
    loop_.schedule_after(delay_, [this, &bio] { below_.submit(bio); });
  }

 private:
  BlockDevice& below_;
  EventLoop& loop_;
  Nanos delay_;
};

class IoLogTest : public testing::Test {
 protected:
  IoLogTest() : disk_({.capacity = SectorCount{64}}), log_(disk_, loop_) {}
  EventLoop loop_;
  MemDisk disk_;
  IoLog log_;
};

TEST_F(IoLogTest, KeepsWritesFlushesAndDiscardsInOrder) {
  write(log_, 3, 2, 7, {.preflush = true, .fua = true});
  simple(log_, BioOp::kFlush);
  simple(log_, BioOp::kDiscard, 8, 4);
  const std::vector<IoRecord>& records = log_.records();
  ASSERT_EQ(records.size(), 3U);
  EXPECT_EQ(records[0].op, BioOp::kWrite);
  EXPECT_EQ(records[0].sector, Sector{3});
  EXPECT_EQ(records[0].count, SectorCount{2});
  EXPECT_TRUE(records[0].preflush && records[0].fua);
  EXPECT_EQ(*records[0].data, filled(2, 7));
  EXPECT_EQ(records[1].op, BioOp::kFlush);
  EXPECT_EQ(records[1].data, nullptr);
  EXPECT_EQ(records[2].op, BioOp::kDiscard);
  EXPECT_EQ(records[2].count, SectorCount{4});
}

TEST_F(IoLogTest, SubmissionsCompletionsAndMarksShareOneCounter) {
  write(log_, 0, 1, 1);
  log_.mark(5, 77);
  write(log_, 1, 1, 2);
  EXPECT_EQ(log_.records()[0].submit_event, 1U);
  EXPECT_EQ(log_.records()[0].complete_event, 2U);
  ASSERT_EQ(log_.marks().size(), 1U);
  EXPECT_EQ(log_.marks()[0].event, 3U);
  EXPECT_EQ(log_.marks()[0].kind, 5U);
  EXPECT_EQ(log_.marks()[0].id, 77U);
  EXPECT_EQ(log_.records()[1].submit_event, 4U);
  EXPECT_EQ(log_.last_event(), 5U);
}

TEST_F(IoLogTest, DataIsWhatItWasAtSubmission) {
  SlowDevice slow(disk_, loop_, micros(10));
  IoLog log(slow, loop_);
  std::vector<std::byte> data = filled(1, 1);
  Bio bio;
  bio.op = BioOp::kWrite;
  bio.count = SectorCount{1};
  bio.segments = {data};
  log.submit(bio);
  std::fill(data.begin(), data.end(), std::byte{2});
  EXPECT_EQ(*log.records()[0].data, filled(1, 1));
  EXPECT_FALSE(log.records()[0].complete());
  loop_.run();
  EXPECT_TRUE(log.records()[0].complete());
  EXPECT_EQ(log.records()[0].submit_time, Nanos{0});
  EXPECT_EQ(log.records()[0].complete_time, micros(10));
}

TEST_F(IoLogTest, SegmentsAreJoined) {
  std::vector<std::byte> a(100, std::byte{1});
  std::vector<std::byte> b(412, std::byte{2});
  Bio bio;
  bio.op = BioOp::kWrite;
  bio.count = SectorCount{1};
  bio.segments = {a, b};
  log_.submit(bio);
  a.insert(a.end(), b.begin(), b.end());
  EXPECT_EQ(*log_.records()[0].data, a);
}

TEST_F(IoLogTest, WhatAnEndIoSubmitsComesAfterTheCompletion) {
  std::vector<std::byte> data = filled(1, 1);
  Bio second;
  second.op = BioOp::kWrite;
  second.sector = Sector{1};
  second.count = SectorCount{1};
  second.segments = {data};
  Bio first;
  first.op = BioOp::kWrite;
  first.count = SectorCount{1};
  first.segments = {data};
  first.end_io = [&](Bio&) { log_.submit(second); };
  log_.submit(first);
  const std::vector<IoRecord>& records = log_.records();
  ASSERT_EQ(records.size(), 2U);
  EXPECT_EQ(records[0].submit_event, 1U);
  EXPECT_EQ(records[0].complete_event, 2U);
  EXPECT_EQ(records[1].submit_event, 3U);
  EXPECT_EQ(records[1].complete_event, 4U);
}

TEST_F(IoLogTest, ReadsAreCountedAndNotKept) {
  write(log_, 0, 1, 9);
  EXPECT_EQ(read_byte(log_, 0), 9);
  EXPECT_EQ(log_.reads(), 1U);
  EXPECT_EQ(log_.records().size(), 1U);
  EXPECT_EQ(log_.last_event(), 2U);
}

TEST_F(IoLogTest, ABioThatNoDeviceTakesIsNotKept) {
  EXPECT_EQ(write(log_, 63, 2, 1), Errno::kIo);
  EXPECT_TRUE(log_.records().empty());
}

TEST_F(IoLogTest, KeepsTheTagAndTheStatus) {
  class Broken : public BlockDevice {
   public:
    [[nodiscard]] const DeviceInfo& info() const override { return info_; }
    void submit(Bio& bio) override { bio.complete(Errno::kIo); }

   private:
    DeviceInfo info_{.capacity = SectorCount{64}};
  } broken;
  IoLog log(broken, loop_);
  Bio bio;
  bio.op = BioOp::kFlush;
  bio.tag = {.kind = 3, .id = 9};
  log.submit(bio);
  EXPECT_EQ(log.records()[0].status, Errno::kIo);
  EXPECT_EQ(log.records()[0].tag, (IoTag{.kind = 3, .id = 9}));
}

TEST_F(IoLogTest, RecordsNothingWhileItIsOff) {
  log_.set_recording(false);
  EXPECT_EQ(write(log_, 0, 1, 9), Errno::kOk);
  log_.mark(0, 0);
  EXPECT_TRUE(log_.records().empty());
  EXPECT_TRUE(log_.marks().empty());
  EXPECT_EQ(byte_at(disk_, 0), 9);
  log_.set_recording(true);
  write(log_, 0, 1, 8);
  EXPECT_EQ(log_.records().size(), 1U);
}

TEST_F(IoLogTest, ClearForgetsAlsoWhatIsUnderWay) {
  SlowDevice slow(disk_, loop_, micros(10));
  IoLog log(slow, loop_);
  std::vector<std::byte> data = filled(1, 1);
  Bio bio;
  bool ended = false;
  bio.op = BioOp::kWrite;
  bio.count = SectorCount{1};
  bio.segments = {data};
  bio.end_io = [&](Bio&) { ended = true; };
  log.submit(bio);
  log.clear();
  loop_.run();
  EXPECT_TRUE(ended);
  EXPECT_TRUE(log.records().empty());
  EXPECT_EQ(log.last_event(), 0U);
}

}  // namespace
}  // namespace zerotail::sim
