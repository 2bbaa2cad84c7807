#include "zerotail/harness/executor.h"

#include <gtest/gtest.h>

#include "zerotail/harness/disk_stack.h"

namespace zerotail::harness {
namespace {

// A fresh mounted volume for the operations of one test.
class Process {
 public:
  explicit Process(const std::string& header_keys = "") : world_(1) {
    auto header = parse_header(
        R"({"trace":"t","sector":512,"cluster":4096,"size_mib":8)" + header_keys + "}", "header");
    EXPECT_TRUE(header.ok()) << header.error().message();
    header_ = std::move(header).value();
    auto disk = format_disk(header_);
    EXPECT_TRUE(disk.ok()) << disk.error().message();
    stack_ = std::make_unique<DiskStack>(world_, std::move(disk).value(), StackOptions{});
    executor_ = std::make_unique<Executor>(world_, stack_->top(), header_);
    const sim::Status mounted = executor_->mount();
    EXPECT_TRUE(mounted.ok()) << mounted.error().message();
  }
  ~Process() {
    if (!executor_->mounted()) return;
    EXPECT_TRUE(executor_->unmount().ok());
  }
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  // The result of one operation, as printed.
  std::string operator()(const std::string& line) {
    const auto op = parse_operation(line, "operation");
    EXPECT_TRUE(op.ok()) << op.error().message();
    return print_result(executor_->run(op.value()), std::nullopt);
  }
  DiskStack& stack() { return *stack_; }
  Executor& executor() { return *executor_; }

 private:
  sim::World world_;
  TraceHeader header_;
  std::unique_ptr<DiskStack> stack_;
  std::unique_ptr<Executor> executor_;
};

constexpr const char* kOk = R"({"ret":0})";
constexpr const char* kNoEnt = R"({"ret":-2})";

TEST(Executor, AnUnlinkedFileIsUsableThroughItsDescriptors) {
  Process run;
  EXPECT_EQ(run(R"({"op":"create","path":"a"})"), kOk);
  EXPECT_EQ(run(R"({"op":"unlink_keep","path":"a"})"), kOk);
  EXPECT_EQ(run(R"({"op":"write","path":"a","off":0,"len":3,"seed":1})"), R"({"ret":3})");
  EXPECT_EQ(run(R"({"op":"stat","path":"a"})"),
            R"({"ret":0,"size":3,"blocks":8,"blksize":4096,"dir":0,"nlink":0})");
  EXPECT_EQ(run(R"({"op":"close","path":"a"})"), kOk);
  EXPECT_EQ(run(R"({"op":"stat","path":"a"})"), kNoEnt);
}

TEST(Executor, UnlinkClosesTheDescriptorsOfItsPath) {
  Process run;
  EXPECT_EQ(run(R"({"op":"create","path":"a"})"), kOk);
  EXPECT_EQ(run(R"({"op":"unlink","path":"a"})"), kOk);
  EXPECT_EQ(run(R"({"op":"write","path":"a","off":0,"len":3,"seed":1})"), kNoEnt);
}

TEST(Executor, RenameMovesDescriptorsAlsoOfWhatLiesBelow) {
  Process run;
  EXPECT_EQ(run(R"({"op":"mkdir","path":"d"})"), kOk);
  EXPECT_EQ(run(R"({"op":"create","path":"d/a"})"), kOk);
  EXPECT_EQ(run(R"({"op":"rename","path":"d","to":"e"})"), kOk);
  EXPECT_EQ(run(R"({"op":"unlink_keep","path":"e/a"})"), kOk);
  EXPECT_EQ(run(R"({"op":"write","path":"e/a","off":0,"len":3,"seed":1})"), R"({"ret":3})");
  EXPECT_EQ(run(R"({"op":"write","path":"d/a","off":0,"len":3,"seed":1})"), kNoEnt);
}

TEST(Executor, WithoutKeepNothingStaysOpen) {
  Process run(R"(,"keep":0)");
  EXPECT_EQ(run(R"({"op":"create","path":"a"})"), kOk);
  EXPECT_EQ(run(R"({"op":"unlink_keep","path":"a"})"), kOk);
  EXPECT_EQ(run(R"({"op":"write","path":"a","off":0,"len":3,"seed":1})"), kNoEnt);
}

TEST(Executor, TheDiskIsReadPastEveryCache) {
  Process run;
  EXPECT_EQ(run(R"({"op":"create","path":"a"})"), kOk);
  EXPECT_EQ(run(R"({"op":"write","path":"a","off":0,"len":700,"seed":1})"), R"({"ret":700})");
  EXPECT_EQ(run(R"({"op":"dirent","path":"a"})"), kNoEnt);
  EXPECT_EQ(run(R"({"op":"fsync","path":"a"})"), kOk);
  EXPECT_EQ(
      run(R"({"op":"dirent","path":"a"})"),
      R"({"ret":0,"dsize":700,"dvalid":700,"nofat":1,"alloc":1,"nclu":1,"runs":1,"attr":32})");
  const std::string raw = run(R"({"op":"raw_read","path":"a","off":0,"len":4096})");
  EXPECT_NE(raw.find(R"("ret":4096)"), std::string::npos);
  EXPECT_NE(raw.find(R"("map":"d700z)"), std::string::npos) << raw;
}

TEST(Executor, WhatIsNotSupportedAnswersEopnotsupp) {
  Process run;
  constexpr const char* kRefused = R"({"ret":-95})";
  EXPECT_EQ(run(R"({"op":"create","path":"a"})"), kOk);
  EXPECT_EQ(run(R"({"op":"crash"})"), kRefused);
  EXPECT_EQ(run(R"({"op":"crash"})"), kRefused);
}

TEST(Executor, RemountTakesOtherOptionsForOnce) {
  Process run;
  EXPECT_EQ(run(R"({"op":"remount","mount":["ro"]})"), kOk);
  EXPECT_EQ(run(R"({"op":"create","path":"a"})"), R"({"ret":-30})");
  EXPECT_EQ(run(R"({"op":"remount"})"), kOk);
  EXPECT_EQ(run(R"({"op":"create","path":"a"})"), kOk);
}

TEST(Executor, OpenSyncMakesWritesDurableBeforeTheyReturn) {
  Process run;
  EXPECT_EQ(run(R"({"op":"create","path":"a"})"), kOk);
  EXPECT_EQ(run(R"({"op":"open_sync","path":"a","mode":1})"), kOk);
  EXPECT_EQ(run(R"({"op":"write","path":"a","off":0,"len":700,"seed":1})"), R"({"ret":700})");
  ASSERT_NE(run.stack().cache(), nullptr);
  EXPECT_EQ(run.stack().cache()->pending(), sim::SectorCount{0});
}

TEST(Executor, HooksSeeEveryOperationAndItsResult) {
  Process run;
  std::vector<std::string> seen;
  ExecutorHooks hooks;
  hooks.before = [&](size_t i, const Operation& op) {
    seen.push_back("before " + std::to_string(i) + " " + std::string(op_name(op.kind)));
  };
  hooks.after = [&](size_t i, const Operation&, const OpResult& result) {
    seen.push_back("after " + std::to_string(i) + " " + std::to_string(result.ret));
  };
  const std::vector<Operation> ops = {{.kind = OpKind::kCreate, .path = "a"},
                                      {.kind = OpKind::kRmdir, .path = "a"}};
  EXPECT_EQ(run.executor().run_all(ops, hooks).size(), 2U);
  EXPECT_EQ(seen, (std::vector<std::string>{"before 0 create", "after 0 0", "before 1 rmdir",
                                            "after 1 -20"}));
}

TEST(FormatDisk, HeaderKeysThatNothingHonoursAreRefusedByName) {
  TraceHeader header;
  header.preset = "x";
  const auto disk = format_disk(header);
  ASSERT_FALSE(disk.ok());
  EXPECT_EQ(disk.error().code(), sim::Errno::kOpNotSupp);
  EXPECT_EQ(disk.error().where(), "header key \"preset\" is not supported yet");
}

}  // namespace
}  // namespace zerotail::harness
