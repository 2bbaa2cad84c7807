#include "zerotail/harness/scratch_image.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "zerotail/sim/prng.h"
#include "zerotail/support/real_tools.h"

namespace zerotail::harness {
namespace {

using sim::Sector;
using sim::SectorCount;

constexpr SectorCount kCapacity{1001};  // no whole number of chunks

void put(sim::MemDisk* disk, uint64_t sector, int value) {
  const std::vector<std::byte> data(sim::kSectorSize.value(), static_cast<std::byte>(value));
  disk->write(sim::dev_pos(Sector{sector}), data);
}

std::string content(const sim::SectorReader& disk) {
  std::string bytes(sim::bytes(disk.capacity()).value(), '\0');
  disk.read(sim::DevPos{0}, {reinterpret_cast<std::byte*>(bytes.data()), bytes.size()});
  return bytes;
}

std::string content(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

TEST(ScratchImage, FollowsARandomWalkOfDisks) {
  const support::ScratchDir folder;
  auto image = ScratchImage::create(folder.file("i"));
  ASSERT_TRUE(image.ok());
  sim::Prng prng(7);
  sim::MemDisk disk({.capacity = kCapacity});
  std::vector<sim::Snapshot> past{disk.snapshot()};
  for (int step = 0; step < 60; ++step) {
    disk.restore(past[prng.below(past.size())]);
    for (uint64_t n = prng.below(6); n > 0; --n) {
      put(&disk, prng.below(kCapacity.value()), static_cast<int>(prng.below(4)));
    }
    past.push_back(disk.snapshot());
    ASSERT_TRUE(image->hold(disk.snapshot(), false).ok());
    ASSERT_EQ(content(image->path()), content(disk)) << step;
    EXPECT_FALSE(*image->touched());
  }
  EXPECT_EQ(image->repairs(), 0U);
}

TEST(ScratchImage, WritesOnlyWhatDiffers) {
  const support::ScratchDir folder;
  auto image = ScratchImage::create(folder.file("i"));
  sim::MemDisk disk({.capacity = kCapacity});
  for (uint64_t i = 0; i < 500; ++i) put(&disk, i, 1);
  ASSERT_TRUE(image->hold(disk.snapshot(), false).ok());
  put(&disk, 17, 2);
  put(&disk, 18, 2);
  put(&disk, 19, 1);  // as it was
  ASSERT_TRUE(image->hold(disk.snapshot(), false).ok());
  EXPECT_EQ(image->sectors_written(), 2U);
}

TEST(ScratchImage, WhatOthersWriteIsSeenAndPutRight) {
  const support::ScratchDir folder;
  auto image = ScratchImage::create(folder.file("i"));
  sim::MemDisk disk({.capacity = kCapacity});
  put(&disk, 3, 1);
  put(&disk, 900, 2);
  for (const uint64_t size : {100U, 512512U, 1000000U}) {
    ASSERT_TRUE(image->hold(disk.snapshot(), false).ok());
    EXPECT_FALSE(*image->touched());
    std::filesystem::resize_file(image->path(), size);
    std::fstream(image->path(), std::ios::in | std::ios::out | std::ios::binary).write("abc", 3);
    EXPECT_TRUE(*image->touched());
    EXPECT_FALSE(*image->verify());
    ASSERT_TRUE(image->hold(disk.snapshot(), false).ok());
    EXPECT_EQ(content(image->path()), content(disk));
    EXPECT_TRUE(*image->verify());
  }
  EXPECT_EQ(image->repairs(), 3U);
}

TEST(ScratchImage, AFreshImageIsWrittenWhateverItHeld) {
  const support::ScratchDir folder;
  auto image = ScratchImage::create(folder.file("i"));
  sim::MemDisk disk({.capacity = kCapacity});
  put(&disk, 3, 1);
  ASSERT_TRUE(image->hold(disk.snapshot(), true).ok());
  std::filesystem::resize_file(image->path(), 0);
  ASSERT_TRUE(image->hold(disk.snapshot(), true).ok());
  EXPECT_EQ(content(image->path()), content(disk));
}

TEST(ScratchImage, ExistingFilesAreNotTouchedAndItsOwnGoes) {
  const support::ScratchDir folder;
  const std::string path = folder.file("i");
  {
    auto image = ScratchImage::create(path);
    ASSERT_TRUE(image.ok());
    const auto second = ScratchImage::create(path);
    ASSERT_FALSE(second.ok());
    EXPECT_NE(second.error().where().find(path), std::string::npos);
    EXPECT_TRUE(std::filesystem::exists(path));
  }
  EXPECT_FALSE(std::filesystem::exists(path));
}

}  // namespace
}  // namespace zerotail::harness
