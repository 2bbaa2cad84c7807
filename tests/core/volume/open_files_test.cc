#include "core/volume/test_volume.h"

namespace zerotail::volume {
namespace {

using sim::Errno;
using OpenFilesTest = VolumeTest;

TEST_F(OpenFilesTest, OpenWithoutCreateNeedsTheName) {
  EXPECT_EQ(open_error("a"), Errno::kNoEnt);
  EXPECT_EQ(open_error("a", {.write = true, .create = true}), Errno::kOk);
}

TEST_F(OpenFilesTest, ExclusiveRefusesWhatIsThere) {
  put("a", "x");
  EXPECT_EQ(open_error("a", {.write = true, .create = true, .exclusive = true}), Errno::kExist);
  EXPECT_EQ(open_error("A", {.write = true, .create = true, .exclusive = true}), Errno::kExist);
}

TEST_F(OpenFilesTest, TruncateEmptiesTheFile) {
  put("a", "some text");
  EXPECT_EQ(open_error("a", {.write = true, .truncate = true}), Errno::kOk);
  EXPECT_EQ(volume_->stat("a")->size, 0U);
  EXPECT_EQ(volume_->stat("a")->blocks, 0U);
}

TEST_F(OpenFilesTest, ADirectoryCannotBeOpenedForWriting) {
  ASSERT_TRUE(volume_->mkdir("d").ok());
  EXPECT_EQ(open_error("d", {.write = true}), Errno::kIsDir);
  EXPECT_EQ(open_error("d", {.write = true, .create = true}), Errno::kIsDir);
  const Fd fd = open("d", {});
  std::vector<std::byte> out(10);
  EXPECT_EQ(volume_->read(fd, 0, out).code(), Errno::kIsDir);
}

TEST_F(OpenFilesTest, DescriptorsAreReusedLowestFirst) {
  const Fd a = open("a");
  const Fd b = open("b");
  ASSERT_TRUE(volume_->close(a).ok());
  EXPECT_EQ(open("c"), a);
  EXPECT_NE(b, a);
}

TEST_F(OpenFilesTest, AClosedDescriptorIsBad) {
  const Fd fd = open("a");
  ASSERT_TRUE(volume_->close(fd).ok());
  EXPECT_EQ(volume_->close(fd).code(), Errno::kBadf);
  EXPECT_EQ(volume_->fsync(fd, false).code(), Errno::kBadf);
  EXPECT_EQ(volume_->close(Fd{-1}).code(), Errno::kBadf);
  EXPECT_EQ(volume_->close(Fd{1000}).code(), Errno::kBadf);
}

TEST_F(OpenFilesTest, AReadOnlyDescriptorDoesNotWrite) {
  put("a", "x");
  const Fd fd = open("a", {});
  const std::vector<std::byte> data(1);
  EXPECT_EQ(volume_->write(fd, 0, {.bytes = data}).code(), Errno::kBadf);
  EXPECT_EQ(volume_->truncate(fd, 0).code(), Errno::kInval);
  EXPECT_EQ(volume_->fallocate(fd, 0, 0, 10).code(), Errno::kBadf);
}

TEST_F(OpenFilesTest, AnUnlinkedFileLivesUntilItsLastClose) {
  const uint64_t free_before = free_clusters();
  put("a", "still here");
  const Fd fd = open("a", {.write = true});
  ASSERT_TRUE(volume_->unlink("a").ok());
  EXPECT_EQ(get("a"), "ENOENT");
  EXPECT_EQ(get(fd), "still here");
  EXPECT_EQ(volume_->stat(fd)->links, 0U);
  EXPECT_EQ(free_clusters() + 1, free_before);
  ASSERT_TRUE(volume_->close(fd).ok());
  EXPECT_EQ(free_clusters(), free_before);
}

TEST_F(OpenFilesTest, ANewFileOfAnOldNameIsAnotherFile) {
  put("a", "old");
  const Fd fd = open("a", {});
  ASSERT_TRUE(volume_->unlink("a").ok());
  put("a", "new");
  EXPECT_EQ(get(fd), "old");
  EXPECT_EQ(get("a"), "new");
}

}  // namespace
}  // namespace zerotail::volume
