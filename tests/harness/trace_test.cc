#include "zerotail/harness/trace.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <fstream>

namespace zerotail::harness {
namespace {

constexpr const char* kHeader = R"({"trace":"t","sector":512,"cluster":4096,"size_mib":16})"
                                "\n";

std::string error_of(const std::string& text) {
  const auto trace = parse_trace(text, "t.trace");
  return trace.ok() ? "" : trace.error().where();
}

std::string error_of_op(const std::string& line) { return error_of(kHeader + line + "\n"); }

TEST(Trace, EveryOperationRoundTrips) {
  const char* const lines[] = {
      R"({"op":"create","path":"a"})",
      R"({"op":"create","path":"a","mode":3})",
      R"({"op":"mkdir","path":"d/e"})",
      R"({"op":"unlink","path":"a"})",
      R"({"op":"unlink_keep","path":"a"})",
      R"({"op":"rmdir","path":"d"})",
      R"({"op":"rename","path":"a","to":"b","mode":1})",
      R"({"op":"write","path":"a","off":-1,"len":5,"seed":18446744073709551615})",
      R"({"op":"write","path":"a","off":0,"len":5,"seed":1,"fault_at":0,"task":2})",
      R"({"op":"dwrite","path":"a","off":0,"len":512,"seed":1,"moff":4,"no_invalidate":1,"async":1})",
      R"({"op":"mwrite","path":"a","off":0,"len":5,"seed":1})",
      R"({"op":"append","path":"a","len":5,"seed":1})",
      R"({"op":"read","path":"a","off":9223372036854775807,"len":0})",
      R"({"op":"dread","path":"a","off":0,"len":512,"moff":512})",
      R"({"op":"mread","path":"a","off":0,"len":5})",
      R"({"op":"truncate","path":"a","size":-9223372036854775808})",
      R"({"op":"fallocate","path":"a","off":-5,"len":0,"mode":16})",
      R"({"op":"fsync","path":"a"})",
      R"({"op":"fdatasync","path":"a"})",
      R"({"op":"msync","path":"a"})",
      R"({"op":"munmap","path":"a"})",
      R"({"op":"close","path":"a"})",
      R"({"op":"sync"})",
      R"({"op":"drop_caches"})",
      R"({"op":"remount"})",
      R"({"op":"remount","mount":["ro","sync"]})",
      R"({"op":"remount","mount":[]})",
      R"({"op":"seek_hole","path":"a","off":0})",
      R"({"op":"seek_data","path":"a","off":0})",
      R"({"op":"seek_end","path":"a","off":-20})",
      R"({"op":"stat","path":"ÉTÉ/\t\"x\\"})",
      R"({"op":"statfs"})",
      R"({"op":"list","path":""})",
      R"({"op":"dirent","path":"a"})",
      R"({"op":"raw_read","path":"a","off":0,"len":5})",
      R"({"op":"readdir","path":"","pos":64})",
      R"({"op":"open_sync","path":"a","mode":1})",
      R"({"op":"fsync_dir","path":""})",
      R"({"op":"syncfs"})",
      R"({"op":"writeback"})",
      R"({"op":"sleep","len":5000})",
      R"({"op":"remount_ro"})",
      R"({"op":"remount_rw"})",
      R"({"op":"label","label":"DISK"})",
      R"({"op":"attributes","path":"a","value":33})",
      R"({"op":"fitrim","off":0,"len":-1})",
      R"({"op":"shutdown"})",
      R"({"op":"bmap","path":"a","off":0})",
      R"({"op":"map","path":"a","off":0,"len":4096})",
      R"({"op":"swap_map","path":"a"})",
      R"({"op":"edit","field":"valid_data_length","value":7,"path":"a"})",
      R"({"op":"crash","state":"p12+3"})",
      R"({"op":"wait"})",
  };
  std::string text = kHeader;
  for (const char* line : lines) text += std::string(line) + "\n";
  const auto trace = parse_trace(text, "t.trace");
  ASSERT_TRUE(trace.ok()) << trace.error().message();
  EXPECT_EQ(print_trace(trace.value()), text);
  EXPECT_EQ(parse_trace(print_trace(trace.value()), "again").value(), trace.value());
}

TEST(Trace, EveryHeaderKeyRoundTrips) {
  const std::string line =
      R"({"trace":"n","sector":4096,"logical":512,"cluster":32768,"size_mib":64,"keep":0,)"
      R"("page":16384,"folios":"large","io_path":"buffer-head","mount":["sync","dirsync"],)"
      R"("ordering":"careful","preset":"slow","seed":9,"start_time":5,"dirty_expire_ms":7,)"
      R"("dirty_writeback_ms":0,"dirty_background_bytes":4096,"dirty_bytes":8192,)"
      R"("faults":"read-error in=fat once","schedule":"s",)"
      R"("mkfs":{"label":"L","boundary_align":4096,"pack_bitmap":1,"full_format":1,"serial":7},)"
      R"("poison":0})";
  const auto header = parse_header(line, "x:1");
  ASSERT_TRUE(header.ok()) << header.error().message();
  EXPECT_EQ(print_header(header.value()), line);
  EXPECT_EQ(header.value().logical_block(), 512U);
  EXPECT_FALSE(header.value().keep);
}

TEST(Trace, AbsentHeaderKeysHaveTheirDefaults) {
  const auto header = parse_header(kHeader, "x:1");
  ASSERT_TRUE(header.ok());
  EXPECT_EQ(header.value().version, 1U);
  EXPECT_EQ(header.value().logical_block(), 512U);
  EXPECT_TRUE(header.value().keep);
  EXPECT_EQ(header.value().page, 4096U);
  EXPECT_EQ(header.value().poison, 0xDB);
}

TEST(Trace, ErrorsNameFileLineAndKey) {
  const struct {
    const char* line;
    const char* error;
  } kCases[] = {
      {R"({"op":"wrte","path":"a"})", "t.trace:2: key \"op\": unknown operation \"wrte\""},
      {R"({"path":"a"})", "t.trace:2: key \"op\": missing"},
      {R"({"op":7})", "t.trace:2: key \"op\": not a string"},
      {R"({"op":"create","path":"a","size":1})", "t.trace:2: key \"size\": unknown for create"},
      {R"({"op":"create"})", "t.trace:2: key \"path\": missing for create"},
      {R"({"op":"create","path":7})", "t.trace:2: key \"path\": not a string"},
      {R"({"op":"create","path":"/a"})", "t.trace:2: key \"path\": starts with a slash"},
      {R"({"op":"create","path":"a\u0000b"})", "t.trace:2: key \"path\": holds a zero byte"},
      {R"({"op":"read","path":"a","off":0,"len":-1})",
       "t.trace:2: key \"len\": not between 0 and 1073741824"},
      {R"({"op":"read","path":"a","off":0,"len":1073741825})",
       "t.trace:2: key \"len\": not between 0 and 1073741824"},
      {R"({"op":"truncate","path":"a","size":9223372036854775808})",
       "t.trace:2: key \"size\": not between -9223372036854775808 and 9223372036854775807"},
      {R"({"op":"truncate","path":"a","size":1e3})",
       "t.trace:2: key \"size\": not an integer, or beyond 64 bits"},
      {R"({"op":"truncate","path":"a","size":99999999999999999999})",
       "t.trace:2: key \"size\": not an integer, or beyond 64 bits"},
      {R"({"op":"write","path":"a","off":0,"len":1,"seed":-1})",
       "t.trace:2: key \"seed\": not between 0 and 18446744073709551615"},
      {R"({"op":"remount","mount":["rw"]})",
       "t.trace:2: key \"mount\": unknown mount option \"rw\""},
      {R"({"op":"remount","mount":[1]})", "t.trace:2: key \"mount\": not a list of strings"},
      {R"({"op":"sync","op":"sync"})", "t.trace:2: key \"op\" is there twice"},
      {R"([1])", "t.trace:2: not a JSON object"},
      {R"({"op":"sync"}x)", "t.trace:2: not JSON, at byte 14"},
      {"{\"op\":\"create\",\"path\":\"\xff\"}", "t.trace:2: not JSON, at byte 24"},
  };
  for (const auto& c : kCases) EXPECT_EQ(error_of_op(c.line), c.error) << c.line;
}

TEST(Trace, HeaderErrorsNameTheKey) {
  const struct {
    const char* line;
    const char* error;
  } kCases[] = {
      {"", "t.trace: empty, no header line"},
      {R"({"op":"sync"})", "t.trace:1: key \"trace\": missing: the first line must be the header"},
      {R"({"trace":"t","sectr":512})", "t.trace:1: key \"sectr\": unknown in the header"},
      {R"({"trace":"t","sector":1000})", "t.trace:1: key \"sector\": not a power of two"},
      {R"({"trace":"t","sector":256})", "t.trace:1: key \"sector\": not between 512 and 4096"},
      {R"({"trace":"t","sector":4096,"cluster":512})",
       "t.trace:1: key \"cluster\": smaller than the sector"},
      {R"({"trace":"t","sector":512,"logical":4096})",
       "t.trace:1: key \"logical\": larger than the sector"},
      {R"({"trace":"t","size_mib":0})", "t.trace:1: key \"size_mib\": not between 1 and 16777216"},
      {R"({"trace":"t","size_mib":-1})",
       "t.trace:1: key \"size_mib\": not an integer of 0 or more, or beyond 64 bits"},
      {R"({"trace":"t","version":2})", "t.trace:1: key \"version\": this program reads version 1"},
      {R"({"trace":"t","io_path":"x"})",
       "t.trace:1: key \"io_path\": neither \"iomap\" nor \"buffer-head\""},
      {R"({"trace":"t","mkfs":{"x":1}})", "t.trace:1: key \"mkfs\": \"x\": unknown"},
      {R"({"trace":"t","mkfs":[]})", "t.trace:1: key \"mkfs\": not an object"},
      {R"({"trace":"t","faults":1})", "t.trace:1: key \"faults\": not a fault plan (a string)"},
  };
  for (const auto& c : kCases) EXPECT_EQ(error_of(c.line), c.error) << c.line;
}

TEST(Trace, DeepNestingIsRefusedWithoutRecursion) {
  const std::string deep(100000, '[');
  EXPECT_EQ(error_of(R"({"trace":"t","faults":)" + deep), "t.trace:1: nested too deeply");
}

TEST(Trace, BlankLinesAndCarriageReturnsAreSkipped) {
  const auto trace = parse_trace("\r\n{\"trace\":\"t\"}\r\n\n{\"op\":\"sync\"}\r\n\n", "t");
  ASSERT_TRUE(trace.ok()) << trace.error().message();
  EXPECT_EQ(trace.value().ops.size(), 1U);
}

TEST(Trace, LineNumbersCountBlankLines) {
  EXPECT_EQ(error_of(std::string(kHeader) + "\n\n{}\n"), "t.trace:4: key \"op\": missing");
}

TEST(Trace, AMissingFileIsNamed) {
  const auto trace = load_trace("/nonexistent/t.trace");
  ASSERT_FALSE(trace.ok());
  EXPECT_EQ(trace.error().code(), sim::Errno::kNoEnt);
  EXPECT_EQ(trace.error().where(), "/nonexistent/t.trace: cannot open");
}

TEST(Trace, AFileLoadsAsItsTextParses) {
  const std::string path = testing::TempDir() + "zerotail_trace_test.trace";
  const std::string text = std::string(kHeader) + "{\"op\":\"sync\"}\n";
  std::ofstream(path) << text;
  const auto trace = load_trace(path);
  std::remove(path.c_str());
  ASSERT_TRUE(trace.ok()) << trace.error().message();
  EXPECT_EQ(print_trace(trace.value()), text);
}

TEST(Trace, HelpNamesEveryOperationWithItsFields) {
  const std::string help = trace_help();
  EXPECT_NE(help.find("write path off len seed [fault_at] [task]: "), std::string::npos);
  for (size_t kind = 0; kind < kOpKindCount; ++kind) {
    const std::string name(op_name(static_cast<OpKind>(kind)));
    EXPECT_TRUE(help.find("\n" + name) != std::string::npos || help.starts_with(name)) << name;
  }
}

}  // namespace
}  // namespace zerotail::harness
