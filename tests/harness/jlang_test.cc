// J-lang files, written for these tests, as traces.
#include "zerotail/harness/jlang.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "zerotail/harness/differential.h"

namespace zerotail::harness {
namespace {

constexpr const char* kHead =
    "# define\ntest\nA\nA/C\nB\nfoo\nbar\nA/foo\nA/C/bar\n\n# declare\nlocal_checkpoint\n\n";

JlangImport import(const std::string& setup, const std::string& run) {
  auto imported =
      import_jlang(fmt::format("{}# setup\n{}\n\n# run\n{}\n", kHead, setup, run), "dir/my-jlang");
  EXPECT_TRUE(imported.ok()) << imported.error().message();
  return imported.ok() ? std::move(*imported) : JlangImport{};
}

// The operations, one a line, without their seeds.
std::string ops_of(const std::string& run) {
  std::string text;
  for (Operation op : import("", run).trace.ops) {
    op.seed = 0;
    text += print_operation(op) + "\n";
  }
  return text;
}

TEST(Jlang, NamesAreDefinedPathsWithoutTheirSlashes) {
  EXPECT_EQ(ops_of("mkdir A 0777\nmkdir AC 0777\nopen ACbar O_RDWR|O_CREAT 0777"),
            R"({"op":"mkdir","path":"A"}
{"op":"mkdir","path":"A/C"}
{"op":"create","path":"A/C/bar"}
)");
}

TEST(Jlang, TestIsTheRootAndDirectoriesAreSynced) {
  EXPECT_EQ(ops_of("mkdir A 0777\nopendir test 0777\nfsync test\nfsync A\nclose test"),
            R"({"op":"mkdir","path":"A"}
{"op":"fsync_dir","path":""}
{"op":"fsync_dir","path":"A"}
)");
}

TEST(Jlang, EveryKindOfWriteHasItsOperation) {
  EXPECT_EQ(ops_of("open foo O_RDWR|O_CREAT|O_TRUNC 0777\nwrite foo 0 32768\ndwrite foo 0 8192\n"
                   "mmapwrite foo 4096 100\ntruncate foo 2500\nfdatasync foo\nsync\nclose foo"),
            R"({"op":"create","path":"foo","mode":2}
{"op":"write","path":"foo","off":0,"len":32768,"seed":0}
{"op":"dwrite","path":"foo","off":0,"len":8192,"seed":0}
{"op":"mwrite","path":"foo","off":4096,"len":100,"seed":0}
{"op":"truncate","path":"foo","size":2500}
{"op":"fdatasync","path":"foo"}
{"op":"sync"}
{"op":"close","path":"foo"}
)");
}

TEST(Jlang, OpenFlagsThatATraceKnowsAreKept) {
  EXPECT_EQ(ops_of("open foo O_RDWR|O_CREAT|O_EXCL|O_DIRECT 0777\nwrite foo 0 512\nclose foo\n"
                   "open foo O_WRONLY|O_SYNC\nwrite foo 0 512\nopen foo O_RDWR|O_TRUNC"),
            R"({"op":"create","path":"foo","mode":1}
{"op":"dwrite","path":"foo","off":0,"len":512,"seed":0}
{"op":"close","path":"foo"}
{"op":"open_sync","path":"foo","mode":1}
{"op":"write","path":"foo","off":0,"len":512,"seed":0}
{"op":"truncate","path":"foo","size":0}
)");
}

TEST(Jlang, ModesOfFallocThatExfatLacksAreKeptAndAnswered) {
  const JlangImport imported =
      import("",
             "open foo O_RDWR|O_CREAT 0777\nwrite foo 0 8192\n"
             "falloc foo FALLOC_FL_PUNCH_HOLE|FALLOC_FL_KEEP_SIZE 0 5000\n"
             "falloc foo FALLOC_FL_ZERO_RANGE 0 100\nfalloc foo 0 8192 5000\nfsync foo");
  ASSERT_EQ(imported.trace.ops.size(), 6u);
  EXPECT_EQ(imported.trace.ops[2].mode, 3u);
  EXPECT_EQ(imported.trace.ops[3].mode, 0x10u);
  EXPECT_EQ(imported.trace.ops[4].mode, 0u);
  const auto geometry = fresh_geometry(imported.trace.header);
  ASSERT_TRUE(geometry.ok());
  Model model(*geometry);
  std::vector<int64_t> answers;
  for (const Operation& op : imported.trace.ops) answers.push_back(model.apply(op).result.ret);
  EXPECT_EQ(answers, (std::vector<int64_t>{0, 8192, -95, -95, 0, 0}));
  EXPECT_FALSE(find_disagreement(imported.trace).has_value());
}

TEST(Jlang, AnOpenFileThatIsUnlinkedStaysOpen) {
  EXPECT_EQ(ops_of("open foo O_RDWR|O_CREAT 0777\nunlink foo\nclose foo\nopen bar "
                   "O_RDWR|O_CREAT 0777\nclose bar\nunlink bar\nmkdir A 0777\nremove A\nmkdir B "
                   "0777\nrmdir B"),
            R"({"op":"create","path":"foo"}
{"op":"unlink_keep","path":"foo"}
{"op":"close","path":"foo"}
{"op":"create","path":"bar"}
{"op":"close","path":"bar"}
{"op":"unlink","path":"bar"}
{"op":"mkdir","path":"A"}
{"op":"rmdir","path":"A"}
{"op":"mkdir","path":"B"}
{"op":"rmdir","path":"B"}
)");
}

TEST(Jlang, ARenamedDirectoryIsStillOne) {
  EXPECT_EQ(ops_of("mkdir A 0777\nrename A B\nfsync B\nremove B"),
            R"({"op":"mkdir","path":"A"}
{"op":"rename","path":"A","to":"B"}
{"op":"fsync_dir","path":"B"}
{"op":"rmdir","path":"B"}
)");
}

TEST(Jlang, WhatExfatHasNotIsLeftOutAndTold) {
  const JlangImport imported =
      import("",
             "open foo O_RDWR|O_CREAT 0777\nlink foo bar\nsymlink foo bar\nfsetxattr foo\n"
             "mknod bar 0777|S_IFCHR 0\nmknod Afoo 0777\nnone\ncheckpoint 1");
  ASSERT_EQ(imported.left_out.size(), 4u);
  EXPECT_EQ(imported.left_out[0], "dir/my-jlang:19: link: exFAT has no links (EPERM)");
  ASSERT_EQ(imported.trace.ops.size(), 2u);
  EXPECT_EQ(imported.trace.ops[1].path, "A/foo");
  EXPECT_NE(imported.trace.header.about.find("left out: 4"), std::string::npos);
}

TEST(Jlang, TheSetupIsNotExplored) {
  const JlangImport imported =
      import("open foo O_RDWR|O_CREAT 0777\nwrite foo 0 100\nclose foo", "unlink foo\nsync");
  EXPECT_EQ(imported.trace.header.trace, "my-jlang");
  EXPECT_EQ(imported.trace.header.setup, 3u);
  EXPECT_EQ(imported.trace.ops.size(), 5u);
}

TEST(Jlang, AnImportedTracePrintsAndParsesToItself) {
  const JlangImport imported = import("mkdir A 0777",
                                      "open Afoo O_RDWR|O_CREAT 0777\nwrite Afoo "
                                      "100 5000\nfsync Afoo\nrename Afoo foo");
  const auto again = parse_trace(print_trace(imported.trace), "t");
  ASSERT_TRUE(again.ok()) << again.error().message();
  EXPECT_EQ(*again, imported.trace);
}

TEST(Jlang, CarriageReturnsAndAMissingNewlineAreNoMatter) {
  const auto imported = import_jlang("# define\r\nfoo\r\n# run\r\nsync", "f");
  ASSERT_TRUE(imported.ok()) << imported.error().message();
  EXPECT_EQ(imported->trace.ops.size(), 1u);
}

TEST(Jlang, ErrorsNameFileLineAndWord) {
  const std::vector<std::pair<std::string, std::string>> wrong = {
      {"fnord foo", "f:15: 'fnord': unknown statement"},
      {"write foo 0", "f:15: 'write': too few words"},
      {"truncate foo 1 2", "f:15: '2': one word too many"},
      {"write baz 0 1", "f:15: 'baz': not a name of '# define'"},
      {"write foo 0x 1", "f:15: '0x': not a number"},
      {"write foo 0 -1", "f:15: '-1': "},
      {"write foo 0 99999999999", "f:15: '99999999999': "},
      {"write foo 0 99999999999999999999", "f:15: '99999999999999999999': not a number"},
      {"open foo O_RDWR|O_APPEND 0777", "f:15: 'O_APPEND': unknown flag"},
      {"falloc foo FALLOC_FL_SHRINK 0 1", "f:15: 'FALLOC_FL_SHRINK': unknown flag"},
      {"# setup", "f:15: 'setup': a section behind '# run'"},
      {"# end", "f:15: 'end': unknown section"},
      {"mknod foo S_IFDIR 0", "f:15: 'S_IFDIR': unknown flag"},
  };
  for (const auto& [statement, complaint] : wrong) {
    const auto imported = import_jlang(fmt::format("{}# run\n{}\n", kHead, statement), "f");
    ASSERT_FALSE(imported.ok()) << statement;
    EXPECT_NE(imported.error().where().find(complaint), std::string::npos)
        << imported.error().where();
  }
  const std::vector<std::pair<std::string, std::string>> files = {
      {"# define\nfoo\n", "f: has no '# run'"},
      {"# define\nA/b\nAb\n# run\n", "f:3: 'Ab': has the name of 'A/b'"},
      {"# define\n/foo\n# run\n", "f:2: '/foo': not a path"},
      {"# define\nfoo bar\n# run\n", "f:2: 'bar': more than one word"},
      {"# define\nf\xff\n# run\n", "f:2: "},
      {"# declare\nint x\n# run\n", "f:2: 'int': unknown variable"},
      {"#\nfoo\n", "f:1: "},
  };
  for (const auto& [text, complaint] : files) {
    const auto imported = import_jlang(text, "f");
    ASSERT_FALSE(imported.ok()) << text;
    EXPECT_NE(imported.error().where().find(complaint), std::string::npos)
        << imported.error().where();
  }
}

}  // namespace
}  // namespace zerotail::harness
