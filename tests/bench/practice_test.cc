#include "zerotail/bench/practice.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "zerotail/harness/disk_stack.h"

namespace zerotail::bench {
namespace {

sim::Result<sim::MemDisk> small_volume() {
  harness::TraceHeader header;
  header.size_mib = 4;
  header.poison = 0;
  return harness::format_disk(header);
}

std::string content(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

// Destroys the boot sector's file system name.
Overlay broken_boot_sector() {
  return {{sim::Sector{0}, std::vector<std::byte>(sim::kSectorSize.value(), std::byte{0xFF})}};
}

std::string name_of(Copy copy) {
  switch (copy) {
    case Copy::kSparse:
      return "Sparse";
    case Copy::kFull:
      return "Full";
    case Copy::kUndo:
      return "Undo";
  }
  return "Unknown";
}

class PracticeTest : public testing::TestWithParam<Copy> {
 protected:
  void SetUp() override {
    auto disk = small_volume();
    ASSERT_TRUE(disk.ok()) << disk.error().message();
    auto practice = Practice::create(disk->snapshot());
    ASSERT_TRUE(practice.ok()) << practice.error().message();
    practice_ = std::move(*practice);
  }
  std::unique_ptr<Practice> practice_;
};

TEST_P(PracticeTest, FreshVolumeIsClean) {
  const auto code = practice_->judge({}, GetParam());
  ASSERT_TRUE(code.ok()) << code.error().message();
  EXPECT_EQ(*code, 0);
}

TEST_P(PracticeTest, OverlayIsSeenByFsckAndGoneInTheNextState) {
  const auto broken = practice_->judge(broken_boot_sector(), GetParam());
  ASSERT_TRUE(broken.ok()) << broken.error().message();
  EXPECT_NE(*broken, 0);
  const auto clean = practice_->judge({}, GetParam());
  ASSERT_TRUE(clean.ok()) << clean.error().message();
  EXPECT_EQ(*clean, 0);
}

TEST_P(PracticeTest, CopyHasTheBytesOfTheBase) {
  ASSERT_TRUE(practice_->judge({}, GetParam()).ok());
  EXPECT_TRUE(content(practice_->state_path()) == content(practice_->base_path()));
}

TEST_P(PracticeTest, BaseIsNeverChanged) {
  const std::string before = content(practice_->base_path());
  ASSERT_TRUE(practice_->judge(broken_boot_sector(), GetParam()).ok());
  EXPECT_TRUE(content(practice_->base_path()) == before);
}

TEST_P(PracticeTest, FolderIsRemovedAtTheEnd) {
  const auto folder = std::filesystem::path(practice_->base_path()).parent_path();
  EXPECT_TRUE(std::filesystem::exists(folder));
  practice_.reset();
  EXPECT_FALSE(std::filesystem::exists(folder));
}

INSTANTIATE_TEST_SUITE_P(Copies, PracticeTest,
                         testing::Values(Copy::kSparse, Copy::kFull, Copy::kUndo),
                         [](const auto& parameter) { return name_of(parameter.param); });

TEST(Practice, SparseCopyKeepsHoles) {
  auto disk = small_volume();
  ASSERT_TRUE(disk.ok());
  auto practice = Practice::create(disk->snapshot());
  ASSERT_TRUE(practice.ok());
  const auto allocated = [&](Copy copy) {
    EXPECT_TRUE((*practice)->judge({}, copy).ok());
    struct stat info {};
    EXPECT_EQ(::stat((*practice)->state_path().c_str(), &info), 0);
    return info.st_blocks;
  };
  EXPECT_LT(allocated(Copy::kSparse), allocated(Copy::kFull));
}

}  // namespace
}  // namespace zerotail::bench
