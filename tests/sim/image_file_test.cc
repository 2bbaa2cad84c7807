#include "zerotail/sim/image_file.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "sim/test_disk.h"

namespace zerotail::sim {
namespace {

namespace fs = std::filesystem;

class ImageFile : public testing::Test {
 protected:
  ImageFile() {
    const auto* info = testing::UnitTest::GetInstance()->current_test_info();
    folder_ = fs::temp_directory_path() /
              ("zerotail-image-" + std::to_string(::getpid()) + "-" + info->name());
    fs::create_directories(folder_);
  }
  ~ImageFile() override { fs::remove_all(folder_); }
  [[nodiscard]] std::string path(const std::string& name) const { return folder_ / name; }
  [[nodiscard]] size_t files() const {
    return static_cast<size_t>(std::distance(fs::directory_iterator(folder_), {}));
  }
  void make_file(const std::string& name, size_t size, char value) const {
    std::ofstream(path(name), std::ios::binary) << std::string(size, value);
  }
  static MemDisk disk_with_data(SectorCount capacity, std::byte fill = std::byte{0}) {
    MemDisk disk({.capacity = capacity, .fill = fill});
    disk.write(DevPos{5000}, filled(9, 7));
    disk.write(DevPos{bytes(capacity).value() - 512}, filled(1, 8));
    return disk;
  }
  fs::path folder_;
};

TEST_F(ImageFile, WhatIsSavedIsLoaded) {
  const MemDisk disk = disk_with_data(SectorCount{1001});
  const Status saved = save_image(path("a"), disk.snapshot(), false);
  ASSERT_TRUE(saved.ok()) << saved.error().message();
  EXPECT_EQ(fs::file_size(path("a")), 1001U * 512);
  Result<MemDisk> loaded = load_image(path("a"), {});
  ASSERT_TRUE(loaded.ok()) << loaded.error().message();
  EXPECT_EQ(loaded->capacity(), SectorCount{1001});
  EXPECT_EQ(loaded->digest(), disk.digest());
  EXPECT_EQ(files(), 1U);
}

TEST_F(ImageFile, AnyReaderCanBeSaved) {
  for (const std::byte fill : {std::byte{0}, std::byte{0xDB}}) {
    const MemDisk disk = disk_with_data(SectorCount{99}, fill);
    ASSERT_TRUE(save_image(path("b"), disk, true).ok());
    Result<MemDisk> loaded = load_image(path("b"), {.fill = fill});
    ASSERT_TRUE(loaded.ok());
    EXPECT_EQ(loaded->digest(), disk.digest());
  }
}

TEST_F(ImageFile, ASparseDiskMakesASparseFileAndBack) {
  const MemDisk disk = disk_with_data(sectors(gib(64)));
  ASSERT_TRUE(save_image(path("sparse"), disk.snapshot(), false).ok());
  struct stat info {};
  ASSERT_EQ(::stat(path("sparse").c_str(), &info), 0);
  EXPECT_EQ(static_cast<uint64_t>(info.st_size), gib(64).value());
  EXPECT_LT(static_cast<uint64_t>(info.st_blocks) * 512, mib(1).value());
  Result<MemDisk> loaded = load_image(path("sparse"), {});
  ASSERT_TRUE(loaded.ok());
  EXPECT_EQ(loaded->digest(), disk.digest());
  size_t chunks = 0;
  loaded->snapshot().for_each_chunk([&](DevPos, std::span<const std::byte>) { ++chunks; });
  EXPECT_LT(chunks, 64U);
}

TEST_F(ImageFile, AHoleIsZeroWhateverTheFillByte) {
  fs::resize_file((make_file("hole", 512, 'x'), path("hole")), 8192);
  Result<MemDisk> loaded = load_image(path("hole"), {.fill = std::byte{0xDB}});
  ASSERT_TRUE(loaded.ok());
  EXPECT_EQ(byte_at(*loaded, 0), 'x');
  EXPECT_EQ(byte_at(*loaded, 15), 0);
}

TEST_F(ImageFile, AMissingFileIsNamed) {
  const Result<MemDisk> loaded = load_image(path("none"), {});
  ASSERT_FALSE(loaded.ok());
  EXPECT_EQ(loaded.error().message(),
            "ENOENT: " + path("none") + ": cannot open: No such file or directory");
}

TEST_F(ImageFile, ADirectoryIsNoImage) {
  const Result<MemDisk> loaded = load_image(folder_, {});
  ASSERT_FALSE(loaded.ok());
  EXPECT_EQ(loaded.error().message(), "EISDIR: " + folder_.string() + ": is a directory");
}

TEST_F(ImageFile, ADeviceNodeIsNoImage) {
  const Result<MemDisk> loaded = load_image("/dev/null", {});
  ASSERT_FALSE(loaded.ok());
  EXPECT_EQ(loaded.error().message(), "EINVAL: /dev/null: is not a regular file");
}

TEST_F(ImageFile, AnEmptyFileIsNoImage) {
  make_file("empty", 0, 'x');
  const Result<MemDisk> loaded = load_image(path("empty"), {});
  ASSERT_FALSE(loaded.ok());
  EXPECT_EQ(loaded.error().message(), "EINVAL: " + path("empty") + ": is empty");
}

TEST_F(ImageFile, ASizeThatIsNoMultipleOfTheBlockIsRefused) {
  make_file("odd", 4096 + 512, 'x');
  EXPECT_TRUE(load_image(path("odd"), {}).ok());
  const Result<MemDisk> loaded = load_image(path("odd"), {.logical_block = ByteCount{4096}});
  ASSERT_FALSE(loaded.ok());
  EXPECT_EQ(loaded.error().message(),
            "EINVAL: " + path("odd") +
                ": its size of 4608 bytes is no multiple of the 4096-byte logical block");
}

TEST_F(ImageFile, AnExistingFileIsKeptUnlessOverwriteIsWanted) {
  make_file("taken", 100, 'x');
  const MemDisk disk = disk_with_data(SectorCount{99});
  const Status refused = save_image(path("taken"), disk, false);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().message(), "EEXIST: " + path("taken") + ": exists already");
  EXPECT_EQ(fs::file_size(path("taken")), 100U);
  ASSERT_TRUE(save_image(path("taken"), disk, true).ok());
  EXPECT_EQ(fs::file_size(path("taken")), 99U * 512);
  EXPECT_EQ(files(), 1U);
}

TEST_F(ImageFile, ADirectoryIsNotOverwritten) {
  const MemDisk disk = disk_with_data(SectorCount{99});
  const Status refused = save_image(folder_, disk, true);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.code(), Errno::kIsDir);
}

TEST_F(ImageFile, AFolderThatIsNotThereIsNamed) {
  const MemDisk disk = disk_with_data(SectorCount{99});
  const Status refused = save_image(path("no/such"), disk, false);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().message(),
            "ENOENT: " + path("no/such") + ": cannot write: No such file or directory");
}

TEST_F(ImageFile, AFullDiskLeavesNothingBehind) {
  // A limit on the file size stands for a full disk: the write fails half-way.
  struct rlimit old {};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &old), 0);
  struct rlimit small = old;
  small.rlim_cur = 4096;
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
  const MemDisk disk = disk_with_data(SectorCount{99});
  const Status refused = save_image(path("big"), disk, false);
  ::setrlimit(RLIMIT_FSIZE, &old);
  std::signal(SIGXFSZ, handler);
  ASSERT_FALSE(refused.ok());
  EXPECT_NE(refused.error().message().find("EFBIG: " + path("big") + ": cannot"),
            std::string::npos);
  EXPECT_EQ(files(), 0U);
}

TEST_F(ImageFile, AnUnfinishedSaveDoesNotTouchTheOldImage) {
  const MemDisk disk = disk_with_data(SectorCount{99});
  ASSERT_TRUE(save_image(path("image"), disk, false).ok());
  make_file("image.part0", 10, 'x');  // left behind by a run that was killed
  MemDisk other = disk_with_data(SectorCount{99});
  other.write(DevPos{0}, filled(1, 1));
  ASSERT_TRUE(save_image(path("image"), other, true).ok());
  EXPECT_EQ(load_image(path("image"), {})->digest(), other.digest());
  EXPECT_EQ(fs::file_size(path("image.part0")), 10U);
}

}  // namespace
}  // namespace zerotail::sim
