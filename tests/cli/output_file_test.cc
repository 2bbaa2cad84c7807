#include "zerotail/cli/output_file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace zerotail::cli {
namespace {

namespace fs = std::filesystem;

class OutputFileTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (fs::temp_directory_path() / "zerotail-output-XXXXXX").string();
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    directory_ = pattern;
  }
  void TearDown() override { fs::remove_all(directory_); }

  [[nodiscard]] std::string in(const char* name) const { return (directory_ / name).string(); }
  static void put(const std::string& path, const std::string& text) { std::ofstream(path) << text; }
  static std::string get(const std::string& path) {
    auto content = read_file(path);
    return content.ok() ? *content : "unreadable: " + content.error().where();
  }
  [[nodiscard]] size_t files() const {
    return static_cast<size_t>(
        std::distance(fs::directory_iterator(directory_), fs::directory_iterator()));
  }

  fs::path directory_;
};

TEST_F(OutputFileTest, CommitPutsTheContentInPlace) {
  auto file = OutputFile::open(in("a.json"), false);
  ASSERT_TRUE(file.ok());
  ASSERT_TRUE(file->write("one ").ok());
  ASSERT_TRUE(file->write("two").ok());
  ASSERT_TRUE(file->commit().ok());
  EXPECT_EQ(get(in("a.json")), "one two");
}

TEST_F(OutputFileTest, OpenAloneCreatesNothing) {
  auto file = OutputFile::open(in("a.json"), false);
  ASSERT_TRUE(file.ok());
  EXPECT_EQ(files(), 0U);
}

TEST_F(OutputFileTest, ExistingFileIsRefusedAndKept) {
  put(in("a.json"), "old");
  auto file = OutputFile::open(in("a.json"), false);
  ASSERT_FALSE(file.ok());
  EXPECT_EQ(file.code(), sim::Errno::kExist);
  EXPECT_EQ(file.error().where(), in("a.json") + ": exists already; --force overwrites it");
  EXPECT_EQ(get(in("a.json")), "old");
}

TEST_F(OutputFileTest, ForceReplacesAtCommitOnly) {
  put(in("a.json"), "old");
  auto file = OutputFile::open(in("a.json"), true);
  ASSERT_TRUE(file.ok());
  ASSERT_TRUE(file->write("new").ok());
  EXPECT_EQ(get(in("a.json")), "old");
  ASSERT_TRUE(file->commit().ok());
  EXPECT_EQ(get(in("a.json")), "new");
}

TEST_F(OutputFileTest, WithoutCommitNothingIsLeft) {
  {
    auto file = OutputFile::open(in("a.json"), false);
    ASSERT_TRUE(file.ok());
    ASSERT_TRUE(file->write("half").ok());
  }
  EXPECT_EQ(files(), 0U);
}

TEST_F(OutputFileTest, AFileThatAppearsMeanwhileIsNotReplaced) {
  auto file = OutputFile::open(in("a.json"), false);
  ASSERT_TRUE(file.ok());
  ASSERT_TRUE(file->write("mine").ok());
  put(in("a.json"), "theirs");
  EXPECT_EQ(file->commit().code(), sim::Errno::kExist);
  EXPECT_EQ(get(in("a.json")), "theirs");
}

TEST_F(OutputFileTest, MissingDirectoryIsNamed) {
  const auto file = OutputFile::open(in("missing/a.json"), false);
  ASSERT_FALSE(file.ok());
  EXPECT_EQ(file.code(), sim::Errno::kNoEnt);
  EXPECT_EQ(file.error().where().rfind(in("missing/a.json") + ": ", 0), 0U);
}

TEST_F(OutputFileTest, DirectoryIsRefusedEvenWithForce) {
  const auto file = OutputFile::open(directory_.string(), true);
  EXPECT_EQ(file.code(), sim::Errno::kIsDir);
}

TEST_F(OutputFileTest, ForceFollowsALink) {
  put(in("target"), "old");
  fs::create_symlink(in("target"), in("link"));
  auto file = OutputFile::open(in("link"), true);
  ASSERT_TRUE(file.ok());
  ASSERT_TRUE(file->write("new").ok());
  ASSERT_TRUE(file->commit().ok());
  EXPECT_TRUE(fs::is_symlink(in("link")));
  EXPECT_EQ(get(in("target")), "new");
}

TEST_F(OutputFileTest, FullDeviceIsAnError) {
  auto file = OutputFile::open("/dev/full", false);
  ASSERT_TRUE(file.ok());
  const bool written = file->write("x").ok();
  EXPECT_FALSE(written && file->commit().ok());
}

TEST_F(OutputFileTest, PermissionsFollowTheUmask) {
  auto file = OutputFile::open(in("a.json"), false);
  ASSERT_TRUE(file.ok());
  ASSERT_TRUE(file->commit().ok());
  struct stat info {};
  ASSERT_EQ(::stat(in("a.json").c_str(), &info), 0);
  const mode_t mask = ::umask(0);
  ::umask(mask);
  EXPECT_EQ(info.st_mode & 0777U, 0666U & ~mask);
}

TEST_F(OutputFileTest, ReadFileNamesWhatIsMissing) {
  const auto content = read_file(in("missing"));
  EXPECT_EQ(content.code(), sim::Errno::kNoEnt);
  EXPECT_EQ(content.error().where().rfind(in("missing") + ": ", 0), 0U);
}

}  // namespace
}  // namespace zerotail::cli
