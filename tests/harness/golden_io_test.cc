// The comparison of golden I/O sees each kind of difference, and only those.
#include "zerotail/harness/golden_io.h"

#include <gtest/gtest.h>

namespace zerotail::harness {
namespace {

constexpr const char* kKernel = "k";

// A trace without recordings; the core's own run becomes one.
GoldenIoTrace trace_of(const std::string& mount, const std::string& ops) {
  const std::string line = R"({"trace":"t","sector":512,"cluster":4096,"size_mib":16,"mount":[)" +
                           mount + R"(],"ops":[)" + ops + R"(],"kernels":{"none":)" +
                           R"({"ret":[],"io":[[]]}}})";
  // One result and one list an operation, to get through the parser.
  std::string filled = line;
  const auto count = [&ops] {
    size_t n = 0;
    for (size_t at = ops.find("\"op\""); at != std::string::npos; at = ops.find("\"op\"", at + 1)) {
      ++n;
    }
    return n;
  }();
  std::string ret;
  std::string io;
  for (size_t i = 0; i < count; ++i) {
    ret += i == 0 ? "0" : ",0";
    io += "[],";
  }
  filled.replace(filled.find(R"("ret":[])"), 8, R"("ret":[)" + ret + "]");
  filled.replace(filled.find(R"("io":[[]])"), 9, R"("io":[)" + io + "[]]");
  auto trace = parse_golden_io(filled, "test:1");
  EXPECT_TRUE(trace.ok()) << trace.error().message();
  const auto run = run_golden_io(trace.value());
  EXPECT_TRUE(run.ok()) << run.error().message();
  trace->kernels[kKernel] = run.value();
  return std::move(trace).value();
}

GoldenIoTrace fsync_trace() {
  return trace_of("", R"({"op":"create","path":"a"},)"
                      R"({"op":"write","path":"a","off":0,"len":10000,"seed":1},)"
                      R"({"op":"fsync","path":"a"})");
}

GoldenIoTrace sync_mount_trace() {
  return trace_of(R"("sync")", R"({"op":"create","path":"a"},)"
                               R"({"op":"write","path":"a","off":0,"len":10000,"seed":1})");
}

std::string difference(const GoldenIoTrace& trace, const GoldenIoRun& got) {
  return golden_io_difference(trace, kKernel, got);
}

// The requests of the operation that is damaged: the last one before the umount.
std::vector<GoldenEntry>& last_io(GoldenIoRun& run) { return run.io[run.io.size() - 2]; }

TEST(GoldenIo, ARunAgreesWithItself) {
  const GoldenIoTrace trace = fsync_trace();
  EXPECT_EQ(difference(trace, trace.kernels.at(kKernel)), "");
  ASSERT_EQ(trace.kernels.at(kKernel).io[2].size(), 4U);  // data, own set, bitmap, flush
}

TEST(GoldenIo, SeesEveryMissingRequest) {
  for (const GoldenIoTrace& trace : {fsync_trace(), sync_mount_trace()}) {
    GoldenIoRun whole = trace.kernels.at(kKernel);
    for (size_t i = 0; i < last_io(whole).size(); ++i) {
      GoldenIoRun run = whole;
      last_io(run).erase(last_io(run).begin() + static_cast<ptrdiff_t>(i));
      EXPECT_NE(difference(trace, run), "") << i;
    }
  }
}

TEST(GoldenIo, SeesEveryChangedField) {
  const GoldenIoTrace trace = fsync_trace();
  GoldenIoRun whole = trace.kernels.at(kKernel);
  for (size_t i = 0; i < last_io(whole).size(); ++i) {
    for (const auto& [place, value] : last_io(whole)[i].changes) {
      GoldenIoRun run = whole;
      last_io(run)[i].changes[place] = value + "?";
      EXPECT_NE(difference(trace, run), "") << i << " " << value;
    }
  }
}

TEST(GoldenIo, SeesStepsOutOfOrder) {
  for (const GoldenIoTrace& trace : {fsync_trace(), sync_mount_trace()}) {
    GoldenIoRun whole = trace.kernels.at(kKernel);
    for (size_t i = 1; i < last_io(whole).size(); ++i) {
      GoldenIoRun run = whole;
      std::swap(last_io(run)[i - 1], last_io(run)[i]);
      EXPECT_NE(difference(trace, run), "") << i;
    }
  }
}

TEST(GoldenIo, SeesAStepThatDidNotWait) {
  const GoldenIoTrace trace = fsync_trace();
  GoldenIoRun run = trace.kernels.at(kKernel);
  last_io(run)[1].submitted = last_io(run)[0].completed - 1;
  EXPECT_NE(difference(trace, run), "");
}

TEST(GoldenIo, SeesABarrierThatIsOnlyAWrite) {
  const GoldenIoTrace trace = fsync_trace();
  GoldenIoRun run = trace.kernels.at(kKernel);
  ASSERT_EQ(run.io[0][0].kind, GoldenEntry::Kind::kBarrier);
  run.io[0][0].kind = GoldenEntry::Kind::kWrite;
  EXPECT_NE(difference(trace, run), "");
}

TEST(GoldenIo, SeesAnotherResult) {
  const GoldenIoTrace trace = fsync_trace();
  GoldenIoRun run = trace.kernels.at(kKernel);
  run.ret[1] = 9999;
  EXPECT_NE(difference(trace, run).find("answered 10000, the core 9999"), std::string::npos);
}

// sync(2): one pass, whose order means nothing.
TEST(GoldenIo, IgnoresTheOrderInsideAPass) {
  const GoldenIoTrace trace =
      trace_of("", R"({"op":"create","path":"a"},)"
                   R"({"op":"write","path":"a","off":0,"len":10000,"seed":1},{"op":"sync"})");
  GoldenIoRun run = trace.kernels.at(kKernel);
  ASSERT_EQ(last_io(run).size(), 3U);
  std::swap(last_io(run)[0], last_io(run)[2]);
  EXPECT_EQ(difference(trace, run), "");
  last_io(run).push_back(last_io(run)[0]);
  EXPECT_NE(difference(trace, run), "") << "a sector is written twice";
}

TEST(GoldenIo, BrokenFilesAreRefusedWithTheirPlace) {
  constexpr const char* kHead = R"({"trace":"t","sector":512,"cluster":4096,"size_mib":16)";
  for (
      const char* rest : {
          "}",
          R"(,"ops":[]})",
          R"(,"ops":3,"kernels":{}})",
          R"(,"ops":[{"op":"nothing"}],"kernels":{"k":{"ret":[0],"io":[[],[]]}}})",
          R"(,"ops":[],"kernels":{"k":{"ret":[0],"io":[[]]}}})",
          R"(,"ops":[],"kernels":{"k":{"ret":[],"io":[]}}})",
          R"(,"ops":[],"kernels":{"k":{"ret":[],"io":[[7]]}}})",
          R"(,"ops":[],"kernels":{"k":{"ret":[],"io":[[{"at":1,"n":1,"fats":[]}]]}}})",
          R"(,"ops":[],"kernels":{"k":{"ret":[],"io":[[{"at":1}]]}}})",
          R"(,"ops":[],"kernels":{"k":{"ret":[],"io":[[{"at":1,"n":1,"fat":[[1]]}]]}}})",
          R"(,"ops":[],"kernels":{"k":{"ret":[],"io":[[{"at":1,"n":1,"sets":[[1]]}]]}}})",
          R"(,"ops":[],"kernels":{"k":{"ret":[],"io":[[{"at":1,"n":1,"is":[["data",1024]]}]]}}})",
          R"(,"ops":[],"kernels":{"k":{"ret":[],"io":[[{"at":1,"n":1,"set":[[2,99999999999]]}]]}}})",
      }) {
    const auto trace = parse_golden_io(std::string(kHead) + rest, "x.jsonl:7");
    ASSERT_FALSE(trace.ok()) << rest;
    EXPECT_NE(trace.error().message().find("x.jsonl:7"), std::string::npos)
        << trace.error().message();
  }
}

}  // namespace
}  // namespace zerotail::harness
