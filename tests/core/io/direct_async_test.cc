// Direct writes that their submitter does not wait for, on a disk that takes its time.
#include <gtest/gtest.h>

#include <cstring>
#include <memory>

#include "core/io/test_mount.h"
#include "zerotail/exfat/ondisk.h"

namespace zerotail::io {
namespace {

// Completes each bio a while later, the first ones later than those that follow when `shrinking`.
class SlowDevice : public sim::BlockDevice {
 public:
  SlowDevice(sim::BlockDevice& below, sim::EventLoop& loop) : below_(below), loop_(loop) {}
  [[nodiscard]] const sim::DeviceInfo& info() const override { return below_.info(); }
  void submit(sim::Bio& bio) override {
    loop_.schedule_after(delay, [this, &bio] { below_.submit(bio); });
    if (shrinking && delay > sim::micros(10)) delay = delay / 2;
  }
  sim::Nanos delay = sim::micros(1000);
  bool shrinking = false;

 private:
  sim::BlockDevice& below_;
  sim::EventLoop& loop_;
};

// One write under way, as a task.
class Flight {
 public:
  Flight(TestVolume& volume, TestFile& file, uint64_t pos, uint64_t length, int value,
         std::vector<int>* order = nullptr, const WriteMode& mode = {})
      : data_(length, std::byte{static_cast<uint8_t>(value)}),
        submitted_(volume.world.scheduler),
        done_(volume.world.scheduler) {
    volume.world.scheduler.spawn("direct write", [this, &file, pos, value, order, mode] {
      ErrorSample errors = file.node().cache().errors().sample();
      result_ = io::direct_write(file.node(), sim::FilePos{pos}, {.bytes = data_, .fault_at = {}},
                                 {}, mode, errors, [this] { submitted_.complete(); });
      if (order != nullptr) order->push_back(value);
      submitted_.complete();
      done_.complete();
    });
    submitted_.wait("submission");
  }
  ~Flight() { done_.wait("landing"); }
  Flight(const Flight&) = delete;
  Flight& operator=(const Flight&) = delete;
  [[nodiscard]] bool done() const { return done_.done(); }
  sim::Errno wait() {
    done_.wait("landing");
    return result_.code();
  }

 private:
  std::vector<std::byte> data_;
  sim::Completion submitted_;
  sim::Completion done_;
  sim::Result<uint64_t> result_{uint64_t{0}};
};

class DirectAsyncTest : public ::testing::Test {
 protected:
  DirectAsyncTest() {
    volume_.mount.reset();
    auto opened = Mount::open(volume_.world, slow_, {}, {});
    EXPECT_TRUE(opened.ok());
    volume_.mount = std::move(*opened);
  }
  // The stream extension in the directory that was written last.
  exfat::StreamDentry last_stream() {
    exfat::StreamDentry found{};
    for (const sim::IoRecord& record : volume_.log.records()) {
      if (record.data == nullptr) continue;
      for (size_t at = 0; at + sizeof(found) <= record.data->size(); at += sizeof(found)) {
        constexpr std::byte kStream{0xC0};
        if ((*record.data)[at] == kStream) {
          std::memcpy(&found, record.data->data() + at, sizeof(found));
        }
      }
    }
    return found;
  }

  TestVolume volume_;
  SlowDevice slow_{volume_.device, volume_.world.loop};
};

TEST_F(DirectAsyncTest, TheSubmitterGoesOnBeforeItHasLanded) {
  TestFile file(volume_, "a");
  Flight flight(volume_, file, 0, 4096, 1);
  EXPECT_FALSE(flight.done());
  EXPECT_EQ(flight.wait(), sim::Errno::kOk);
  EXPECT_EQ(file.read(0, 4096), "1x4096 ");
}

TEST_F(DirectAsyncTest, TheValidSizeMovesAtSubmissionAndTheSizeWhenItHasLanded) {
  TestFile file(volume_, "a");
  Flight flight(volume_, file, 0, 4096, 1);
  EXPECT_EQ(file.inode().valid_size(), sim::FilePos{4096});
  EXPECT_EQ(file.inode().size(), sim::FilePos{0});
  ASSERT_EQ(flight.wait(), sim::Errno::kOk);
  EXPECT_EQ(file.state(), "4096 4096 4096");
}

TEST_F(DirectAsyncTest, OverwritesFlyTogetherAndLandInTheDisksOrder) {
  TestFile file(volume_, "a");
  ASSERT_TRUE(file.write(0, 16384, 9).ok());
  ASSERT_TRUE(file.fsync().ok());
  std::vector<int> order;
  slow_.shrinking = true;
  {
    Flight first(volume_, file, 0, 4096, 1, &order);
    Flight second(volume_, file, 4096, 4096, 2, &order);
    Flight third(volume_, file, 8192, 4096, 3, &order);
  }
  EXPECT_EQ(order, (std::vector<int>{3, 2, 1}));
  EXPECT_EQ(file.read(0, 16384), "1x4096 2x4096 3x4096 9x4096 ");
}

TEST_F(DirectAsyncTest, WritesThatMoveTheValidSizeFollowEachOther) {
  TestFile file(volume_, "a");
  std::vector<int> order;
  slow_.shrinking = true;
  {
    Flight first(volume_, file, 0, 4096, 1, &order);
    Flight second(volume_, file, 4096, 4096, 2, &order);
    EXPECT_TRUE(first.done());
  }
  EXPECT_EQ(order, (std::vector<int>{1, 2}));
  EXPECT_EQ(file.read(0, 8192), "1x4096 2x4096 ");
}

// Never what the disk held before: the read waits for the write.
TEST_F(DirectAsyncTest, AReadBehindTheOldValidSizeSeesTheData) {
  TestFile file(volume_, "a");
  ASSERT_TRUE(file.truncate(8192).ok());
  Flight flight(volume_, file, 0, 4096, 1);
  EXPECT_EQ(file.read(0, 8192), "1x4096 0x4096 ");
}

TEST_F(DirectAsyncTest, ADirectReadBehindTheOldValidSizeSeesTheData) {
  TestFile file(volume_, "a");
  ASSERT_TRUE(file.truncate(8192).ok());
  Flight flight(volume_, file, 0, 4096, 1);
  EXPECT_EQ(file.direct_read(0, 8192), "1x4096 0x4096 ");
}

TEST_F(DirectAsyncTest, AReadBelowTheValidSizeDoesNotWait) {
  TestFile file(volume_, "a");
  ASSERT_TRUE(file.write(0, 8192, 9).ok());
  ASSERT_TRUE(file.fsync().ok());
  Flight flight(volume_, file, 0, 4096, 1);
  EXPECT_EQ(file.read(4096, 4096), "9x4096 ");
  EXPECT_FALSE(flight.done());
}

TEST_F(DirectAsyncTest, TruncateWaits) {
  TestFile file(volume_, "a");
  Flight flight(volume_, file, 0, 8192, 1);
  ASSERT_TRUE(file.truncate(100).ok());
  EXPECT_EQ(flight.wait(), sim::Errno::kOk);
  EXPECT_EQ(file.state(), "100 100 100");
  EXPECT_EQ(file.clusters(), 1U);
}

TEST_F(DirectAsyncTest, FallocateWaitsAndDoesNotShrink) {
  TestFile file(volume_, "a");
  Flight flight(volume_, file, 0, 8192, 1);
  ASSERT_TRUE(io::fallocate(file.node(), sim::FilePos{0}, sim::ByteCount{100}).ok());
  EXPECT_EQ(file.inode().size(), sim::FilePos{8192});
}

TEST_F(DirectAsyncTest, AnAppendGoesBehindIt) {
  TestFile file(volume_, "a");
  Flight flight(volume_, file, 0, 4096, 1);
  ASSERT_EQ(*file.write(0, 100, 2, {.append = true}), 100U);
  EXPECT_EQ(file.read(0, 8192), "1x4096 2x100 ");
}

TEST_F(DirectAsyncTest, AFailureIsReportedAndUndone) {
  TestFile file(volume_, "a");
  ASSERT_TRUE(file.write(0, 512, 9).ok());
  ASSERT_TRUE(file.fsync().ok());
  const std::string before = file.state();
  volume_.device.fail_data_writes = true;
  {
    Flight flight(volume_, file, 512, 65536, 1);
    EXPECT_EQ(flight.wait(), sim::Errno::kIo);
  }
  volume_.device.fail_data_writes = false;
  EXPECT_EQ(file.state(), before);
  EXPECT_EQ(file.clusters(), 1U);
}

// A set that is written meanwhile covers the clusters, but says nothing of bytes below S.
TEST_F(DirectAsyncTest, ASetThatIsWrittenMeanwhileHasTheLargerLengthAndTheSmallerValidLength) {
  TestFile file(volume_, "a");
  ASSERT_TRUE(file.write(0, 512, 9).ok());
  ASSERT_TRUE(file.fsync().ok());
  Flight flight(volume_, file, 512, 4096, 1);
  volume_.log.clear();
  ASSERT_FALSE(flight.done());
  ASSERT_TRUE(volume_.mount->fs().write_inode(file.inode(), true).ok());
  const exfat::StreamDentry stream = last_stream();
  EXPECT_EQ(stream.data_length, 4608U);
  EXPECT_EQ(stream.valid_data_length, 512U);
}

// The write lands while the set is on its way: what it changed is still to be written.
TEST_F(DirectAsyncTest, WhatLandsWhileTheSetIsWrittenIsNotForgotten) {
  TestFile file(volume_, "a");
  ASSERT_TRUE(file.write(0, 512, 9).ok());
  ASSERT_TRUE(file.fsync().ok());
  {
    Flight flight(volume_, file, 512, 4096, 1);
    ASSERT_TRUE(volume_.mount->fs().write_inode(file.inode(), true).ok());
    ASSERT_TRUE(flight.done());
  }
  EXPECT_TRUE(any(file.inode().dirty() & exfat::DirtyBits::kMetadata));
  volume_.log.clear();
  ASSERT_TRUE(file.fsync().ok());
  EXPECT_EQ(last_stream().data_length, 4608U);
  EXPECT_EQ(last_stream().valid_data_length, 4608U);
}

TEST_F(DirectAsyncTest, OSyncIsDoneWhenItHasLanded) {
  TestFile file(volume_, "a");
  volume_.log.clear();
  Flight flight(volume_, file, 0, 4096, 1, nullptr, {.sync = true});
  ASSERT_EQ(flight.wait(), sim::Errno::kOk);
  EXPECT_EQ(volume_.log.records().back().op, sim::BioOp::kFlush);
}

// A store into a page while a direct write to it is on its way leaves the cache and the disk apart:
// the page stays, and the next fsync says so.
TEST_F(DirectAsyncTest, AStoreMeanwhileIsToldByFsync) {
  TestFile file(volume_, "a");
  ASSERT_TRUE(file.write(0, 8192, 9).ok());
  ASSERT_TRUE(file.fsync().ok());
  Flight flight(volume_, file, 0, 4096, 1);
  EXPECT_EQ(file.store(0, 10, 5), "10");
  ASSERT_EQ(flight.wait(), sim::Errno::kOk);
  EXPECT_EQ(file.fsync().code(), sim::Errno::kIo);
  EXPECT_TRUE(file.fsync().ok());
  unmap_all(file.node());
}

}  // namespace
}  // namespace zerotail::io
