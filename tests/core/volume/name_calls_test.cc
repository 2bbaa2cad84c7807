#include "core/volume/test_volume.h"

namespace zerotail::volume {
namespace {

using sim::Errno;
using NameCallsTest = VolumeTest;

TEST_F(NameCallsTest, PathsWalkDirectories) {
  ASSERT_TRUE(volume_->mkdir("d").ok());
  ASSERT_TRUE(volume_->mkdir("/d/e/").ok());
  put("d/e/f", "deep");
  EXPECT_EQ(get("/d//e/./f"), "deep");
  EXPECT_EQ(get("d/e/../e/f"), "deep");
  EXPECT_EQ(get("D/E/F"), "deep");
  EXPECT_EQ(get("d/x/f"), "ENOENT");
  EXPECT_EQ(get("d/e/f/g"), "ENOTDIR");
}

TEST_F(NameCallsTest, ListsAreSortedAndTellDirectories) {
  put("b", "");
  put("a", "");
  ASSERT_TRUE(volume_->mkdir("c").ok());
  EXPECT_EQ(names(""), "a b c/ ");
  EXPECT_EQ(names("c"), "");
  EXPECT_EQ(names("a"), "ENOTDIR");
}

TEST_F(NameCallsTest, NamesSurviveARemount) {
  put("a", "text");
  ASSERT_TRUE(volume_->mkdir("d").ok());
  put("d/b", "more");
  remount();
  EXPECT_EQ(names("/"), "a d/ ");
  EXPECT_EQ(get("a"), "text");
  EXPECT_EQ(get("d/b"), "more");
}

TEST_F(NameCallsTest, RemovingChecksTheKind) {
  put("a", "");
  ASSERT_TRUE(volume_->mkdir("d").ok());
  put("d/b", "");
  EXPECT_EQ(volume_->unlink("d").code(), Errno::kIsDir);
  EXPECT_EQ(volume_->rmdir("a").code(), Errno::kNotDir);
  EXPECT_EQ(volume_->rmdir("d").code(), Errno::kNotEmpty);
  EXPECT_EQ(volume_->rmdir("x").code(), Errno::kNoEnt);
  EXPECT_EQ(volume_->rmdir("/").code(), Errno::kBusy);
  ASSERT_TRUE(volume_->unlink("d/b").ok());
  EXPECT_TRUE(volume_->rmdir("d").ok());
}

TEST_F(NameCallsTest, RenameErrorsComeInTheKernelsOrder) {
  put("a", "");
  put("b", "");
  ASSERT_TRUE(volume_->mkdir("d").ok());
  put("d/c", "");
  ASSERT_TRUE(volume_->mkdir("e").ok());
  const auto rename = [&](std::string_view from, std::string_view to,
                          RenameMode mode = RenameMode::kReplace) {
    return volume_->rename(from, to, mode).code();
  };
  EXPECT_EQ(rename("x", std::string(300, 'n')), Errno::kNoEnt);
  EXPECT_EQ(rename("a", "b", RenameMode::kNoReplace), Errno::kExist);
  EXPECT_EQ(rename("a", "b", RenameMode::kExchange), Errno::kInval);
  EXPECT_EQ(rename("a", "d"), Errno::kIsDir);
  EXPECT_EQ(rename("d/c", "d"), Errno::kNotEmpty);
  EXPECT_EQ(rename("d", "a"), Errno::kNotDir);
  EXPECT_EQ(rename("e", "d"), Errno::kNotEmpty);
  EXPECT_EQ(rename("d", "d/x"), Errno::kInval);
  EXPECT_EQ(rename("a", "a/x"), Errno::kNotDir);
  EXPECT_EQ(rename("a", "q?"), Errno::kInval);
  EXPECT_EQ(rename("/", "x"), Errno::kBusy);
  EXPECT_EQ(names(""), "a b d/ e/ ");
}

TEST_F(NameCallsTest, RenameReplacesAndFreesTheTarget) {
  put("a", "from a");
  put("b", "from b");
  const uint64_t free_before = free_clusters();
  ASSERT_TRUE(volume_->rename("a", "b", RenameMode::kReplace).ok());
  EXPECT_EQ(get("b"), "from a");
  EXPECT_EQ(get("a"), "ENOENT");
  EXPECT_EQ(free_clusters(), free_before + 1);
}

TEST_F(NameCallsTest, ARenamedOpenFileIsWrittenUnderItsNewName) {
  ASSERT_TRUE(volume_->mkdir("d").ok());
  const Fd fd = open("a");
  ASSERT_TRUE(volume_->rename("a", "d/b", RenameMode::kReplace).ok());
  ASSERT_TRUE(volume_->write(fd, 0, {.bytes = std::as_bytes(std::span("text", 4))}).ok());
  remount();
  EXPECT_EQ(get("d/b"), "text");
}

TEST_F(NameCallsTest, LinksOfADirectoryCountItsDirectories) {
  ASSERT_TRUE(volume_->mkdir("d").ok());
  EXPECT_EQ(volume_->stat("d")->links, 2U);
  ASSERT_TRUE(volume_->mkdir("d/e").ok());
  put("d/f", "");
  EXPECT_EQ(volume_->stat("d")->links, 3U);
  EXPECT_EQ(volume_->stat("d/f")->links, 1U);
  EXPECT_EQ(volume_->stat("d")->size, 4096U);
}

}  // namespace
}  // namespace zerotail::volume
