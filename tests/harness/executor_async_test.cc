// Trace operations of tasks, asynchronous direct writes, and where files are.

#include <gtest/gtest.h>

#include "zerotail/harness/disk_stack.h"
#include "zerotail/harness/executor.h"

namespace zerotail::harness {
namespace {

// A disk whose requests take a millisecond of virtual time.
class SlowDisk final : public sim::BlockDevice {
 public:
  SlowDisk(sim::BlockDevice& below, sim::EventLoop& loop) : below_(below), loop_(loop) {}
  [[nodiscard]] const sim::DeviceInfo& info() const override { return below_.info(); }
  void submit(sim::Bio& bio) override {
    loop_.schedule_after(sim::millis(1), [this, &bio] { below_.submit(bio); });
  }

 private:
  sim::BlockDevice& below_;
  sim::EventLoop& loop_;
};

class ExecutorAsync : public ::testing::Test {
 protected:
  ExecutorAsync() {
    auto header =
        parse_header(R"({"trace":"t","sector":512,"cluster":4096,"size_mib":8})", "header");
    EXPECT_TRUE(header.ok());
    header_ = std::move(header).value();
    auto disk = format_disk(header_);
    EXPECT_TRUE(disk.ok());
    disk_ = std::make_unique<sim::MemDisk>(std::move(disk).value());
    slow_ = std::make_unique<SlowDisk>(*disk_, world_.loop);
    executor_ = std::make_unique<Executor>(world_, *slow_, header_);
    EXPECT_TRUE(executor_->mount().ok());
  }
  std::string run(const std::string& line) {
    const auto op = parse_operation(line, "operation");
    EXPECT_TRUE(op.ok()) << (op.ok() ? "" : op.error().message());
    return print_result(executor_->run(op.value()), std::nullopt);
  }

  sim::World world_{1};
  TraceHeader header_;
  std::unique_ptr<sim::MemDisk> disk_;
  std::unique_ptr<SlowDisk> slow_;
  std::unique_ptr<Executor> executor_;
};

constexpr const char* kOk = R"({"ret":0})";
constexpr const char* kWrite =
    R"({"op":"dwrite","path":"a","off":0,"len":4096,"seed":1,"async":1})";

TEST_F(ExecutorAsync, WaitCollectsWhatWasIssued) {
  run(R"({"op":"create","path":"a"})");
  EXPECT_EQ(run(kWrite), kOk);
  EXPECT_EQ(run(R"({"op":"wait"})"), R"({"ret":1,"done":["4096"],"order":["0"]})");
  EXPECT_EQ(run(R"({"op":"wait"})"), R"({"ret":0,"done":[],"order":[]})");
}

TEST_F(ExecutorAsync, TheSizeGrowsWhenTheWriteHasLanded) {
  run(R"({"op":"create","path":"a"})");
  run(kWrite);
  EXPECT_EQ(run(R"({"op":"seek_end","path":"a","off":0})"), R"({"ret":0})");
  run(R"({"op":"wait"})");
  EXPECT_EQ(run(R"({"op":"seek_end","path":"a","off":0})"), R"({"ret":4096})");
}

TEST_F(ExecutorAsync, WhatFailsAtOnceIsToldByWaitToo) {
  run(R"({"op":"create","path":"a"})");
  EXPECT_EQ(run(R"({"op":"dwrite","path":"a","off":3,"len":4096,"seed":1,"async":1})"), kOk);
  EXPECT_EQ(run(R"({"op":"wait"})"), R"({"ret":1,"done":["-22"],"order":["0"]})");
}

TEST_F(ExecutorAsync, AFileThatIsNotThereIsToldAtOnce) {
  EXPECT_EQ(run(kWrite), R"({"ret":-2})");
  EXPECT_EQ(run(R"({"op":"wait"})"), R"({"ret":0,"done":[],"order":[]})");
}

TEST_F(ExecutorAsync, ATaskWaitsForItsOwn) {
  run(R"({"op":"create","path":"a"})");
  run(R"({"op":"truncate","path":"a","size":65536})");
  run(R"({"op":"dwrite","path":"a","off":0,"len":512,"seed":1,"async":1,"task":1})");
  run(R"({"op":"dwrite","path":"a","off":8192,"len":1024,"seed":2,"async":1,"task":2})");
  EXPECT_EQ(run(R"({"op":"wait","task":2})"), R"({"ret":1,"done":["1024"],"order":["0"]})");
  EXPECT_EQ(run(R"({"op":"wait"})"), R"({"ret":1,"done":["512"],"order":["0"]})");
}

TEST_F(ExecutorAsync, OperationsOfTasksFollowEachOther) {
  run(R"({"op":"create","path":"a","task":1})");
  EXPECT_EQ(run(R"({"op":"write","path":"a","off":0,"len":10,"seed":1,"task":2})"),
            R"({"ret":10})");
  EXPECT_EQ(run(R"({"op":"append","path":"a","len":10,"seed":1,"task":1})"), R"({"ret":10})");
  EXPECT_EQ(run(R"({"op":"seek_end","path":"a","off":0,"task":3})"), R"({"ret":20})");
}

TEST_F(ExecutorAsync, ARemountWaitsForWritesAndDropsTheirResults) {
  run(R"({"op":"create","path":"a"})");
  run(kWrite);
  EXPECT_EQ(run(R"({"op":"remount"})"), kOk);
  EXPECT_EQ(run(R"({"op":"seek_hole","path":"a","off":0})"), R"({"ret":4096})");
  EXPECT_EQ(run(R"({"op":"wait"})"), R"({"ret":0,"done":[],"order":[]})");
}

TEST_F(ExecutorAsync, APowerFailureWithWritesUnderWayIsNoFault) {
  run(R"({"op":"create","path":"a"})");
  run(kWrite);
  executor_.reset();
  SUCCEED();
}

TEST_F(ExecutorAsync, AnUnlinkedFileGoesWhenItsWriteHasLanded) {
  run(R"({"op":"create","path":"a"})");
  const std::string before = run(R"({"op":"statfs"})");
  run(kWrite);
  EXPECT_EQ(run(R"({"op":"unlink","path":"a"})"), kOk);
  run(R"({"op":"wait"})");
  EXPECT_EQ(run(R"({"op":"statfs"})"), before);
}

TEST_F(ExecutorAsync, ARefusedInvalidationWritesThroughTheCache) {
  run(R"({"op":"create","path":"a"})");
  EXPECT_EQ(run(R"({"op":"dwrite","path":"a","off":3,"len":5,"seed":1,"no_invalidate":1})"),
            R"({"ret":5})");
  EXPECT_EQ(run(R"({"op":"dread","path":"a","off":0,"len":512,"no_invalidate":1})"),
            run(R"({"op":"read","path":"a","off":0,"len":512})"));
}

TEST_F(ExecutorAsync, BmapSaysWhereABlockIs) {
  run(R"({"op":"create","path":"a"})");
  run(R"({"op":"write","path":"a","off":0,"len":700,"seed":1})");
  run(R"({"op":"truncate","path":"a","size":4096})");
  const std::string first = run(R"({"op":"bmap","path":"a","off":0})");
  EXPECT_EQ(first.substr(0, 28), R"({"ret":0,"mapped":1,"block":)");
  EXPECT_NE(run(R"({"op":"bmap","path":"a","off":600})"), first);
  EXPECT_EQ(run(R"({"op":"bmap","path":"a","off":511})"), first);
  EXPECT_EQ(run(R"({"op":"bmap","path":"a","off":1024})"), R"({"ret":0,"mapped":0})");
  EXPECT_EQ(run(R"({"op":"bmap","path":"a","off":99999})"), R"({"ret":0,"mapped":0})");
  EXPECT_EQ(run(R"({"op":"bmap","path":"a","off":-1})"), R"({"ret":-22})");
}

TEST_F(ExecutorAsync, MapSaysWhatARangeIs) {
  run(R"({"op":"create","path":"a"})");
  run(R"({"op":"write","path":"a","off":0,"len":700,"seed":1})");
  run(R"({"op":"truncate","path":"a","size":5000})");
  const std::string map = run(R"({"op":"map","path":"a","off":0,"len":9000})");
  EXPECT_NE(map.find(R"("kinds":"m1024u4096h3880")"), std::string::npos) << map;
  EXPECT_NE(map.find("mapped 0+1024 @"), std::string::npos) << map;
  EXPECT_NE(map.find(" zero_from=700"), std::string::npos) << map;
  EXPECT_NE(map.find("hole 5120+3880\""), std::string::npos) << map;
  EXPECT_EQ(run(R"({"op":"map","path":"a","off":-1,"len":1})"), R"({"ret":-22})");
}

TEST_F(ExecutorAsync, ASwapFileMustHaveBeenWritten) {
  run(R"({"op":"create","path":"a"})");
  run(R"({"op":"fallocate","path":"a","off":0,"len":16384,"mode":0})");
  EXPECT_EQ(run(R"({"op":"swap_map","path":"a"})"), R"({"ret":-22})");
  run(R"({"op":"write","path":"a","off":0,"len":16384,"seed":1})");
  const std::string map = run(R"({"op":"swap_map","path":"a"})");
  EXPECT_EQ(map.substr(0, 26), R"({"ret":4,"extents":["0+4 @)");
}

}  // namespace
}  // namespace zerotail::harness
