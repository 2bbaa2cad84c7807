// Files that cannot be used: exit code 2, the file is named, and nothing is written over.
#include <gtest/gtest.h>

#include <filesystem>

#include "command/process.h"

namespace zerotail::command {
namespace {

class BadFiles : public testing::Test {
 protected:
  // A good 4 MiB volume and a good trace.
  [[nodiscard]] std::string volume() {
    const std::string path = scratch_.path("good.img");
    EXPECT_EQ(run({"mkfs", "--size", "4M", path}).exit_code, 0);
    return path;
  }
  [[nodiscard]] std::string trace() const {
    return scratch_.put("good.trace",
                        "{\"trace\":\"t\",\"size_mib\":4}\n{\"op\":\"create\",\"path\":\"a\"}\n");
  }
  // The command must refuse, say so in one line that begins with what it is about and contains
  // `what`, and leave nothing on standard output.
  static void refuses(const std::vector<std::string>& arguments, const std::string& what) {
    const Outcome outcome = run(arguments);
    EXPECT_EQ(outcome.exit_code, 2) << outcome.err;
    EXPECT_EQ(outcome.err.rfind("zerotail: ", 0), 0U) << outcome.err;
    EXPECT_NE(outcome.err.find(what), std::string::npos) << outcome.err;
    EXPECT_EQ(outcome.err.find('\n'), outcome.err.size() - 1) << outcome.err;
    EXPECT_EQ(outcome.out, "");
  }
  ScratchFolder scratch_;
};

TEST_F(BadFiles, MissingImageIsNamed) {
  const std::string path = scratch_.path("missing.img");
  refuses({"check", path}, path + ": cannot open");
  refuses({"run", trace(), "--image", path}, path + ": cannot open");
  refuses({"explore", trace(), "--image", path}, path + ": cannot open");
}

TEST_F(BadFiles, TruncatedImageIsNamed) {
  const std::string path = volume();
  std::filesystem::resize_file(path, 1 << 20);
  refuses({"check", path}, path + ": truncated");
  refuses({"run", trace(), "--image", path}, path + ": ");
  refuses({"explore", trace(), "--image", path}, path + ": ");
}

TEST_F(BadFiles, ImageThatIsNoExfatIsNamed) {
  const std::string path = scratch_.put("zero.img", std::string(1 << 20, '\0'));
  refuses({"check", path}, path + ": no exFAT volume");
  refuses({"run", trace(), "--image", path}, path + ": ");
  refuses({"explore", trace(), "--image", path}, path + ": ");
}

TEST_F(BadFiles, EmptyImageAndFolderAreNamed) {
  const std::string path = scratch_.put("empty.img", "");
  refuses({"check", path}, path + ": is empty");
  refuses({"check", scratch_.path("")}, scratch_.path("") + ": is a directory");
}

TEST_F(BadFiles, BrokenTraceLineIsNamed) {
  const std::string path = scratch_.put("bad.trace", "{\"trace\":\"t\"}\n{\"op\":\"bogus\"}\n");
  for (const char* command : {"run", "explore"}) {
    refuses({command, path}, path + ":2: key \"op\": unknown operation \"bogus\"");
  }
}

TEST_F(BadFiles, BrokenBaselineIsNamed) {
  const std::string path = scratch_.put("bad.baseline", "garbage\n");
  refuses({"explore", trace(), "--baseline", path}, path + ":1: ");
}

TEST_F(BadFiles, ExistingOutputsAreRefusedAndKept) {
  const std::string old = scratch_.put("old", "precious");
  const std::string image = volume();
  refuses({"mkfs", "--size", "4M", old}, old + ": exists already");
  refuses({"run", trace(), "--results", old}, old + ": exists already");
  refuses({"run", trace(), "--save-image", old}, old + ": exists already");
  refuses({"explore", trace(), "--json", old}, old + ": exists already");
  refuses({"check", image, "--json", old}, old + ": exists already");
  refuses({"export", "--state", "zt1:zero-tail:vc512:iomap-linux:s1:p0+", "--image", old},
          old + ": exists already");
  EXPECT_EQ(ScratchFolder::get(old), "precious");
}

TEST_F(BadFiles, OutputInAMissingFolderIsNamed) {
  const std::string path = scratch_.path("no/where");
  refuses({"mkfs", "--size", "4M", path}, path + ": ");
  refuses({"run", trace(), "--results", path}, path + ": ");
  refuses({"explore", trace(), "--json", path}, path + ": ");
}

TEST_F(BadFiles, GivenImageIsNeverWritten) {
  const std::string image = volume();
  const std::string before = ScratchFolder::get(image);
  EXPECT_EQ(run({"run", trace(), "--image", image, "--results", scratch_.path("r")}).exit_code, 0);
  EXPECT_LE(
      run({"explore", trace(), "--image", image, "--json", scratch_.path("e.json")}).exit_code, 1);
  EXPECT_TRUE(ScratchFolder::get(image) == before);
}

}  // namespace
}  // namespace zerotail::command
