#include "zerotail/exfat/mkfs.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "zerotail/exfat/mkfs_file.h"
#include "zerotail/support/real_tools.h"

namespace zerotail::exfat {
namespace {

using sim::ByteCount;
using sim::Cluster;
using sim::ClusterCount;
using sim::DevPos;
using sim::Errno;
using sim::kib;
using sim::mib;
using support::kPoison;

sim::MemDisk poisoned_disk(ByteCount size, ByteCount block = ByteCount{512}) {
  return sim::MemDisk({.capacity = sim::sectors(size),
                       .logical_block = block,
                       .physical_block = block,
                       .fill = kPoison});
}

std::vector<std::byte> bytes_of(const sim::MemDisk& disk, DevPos pos, ByteCount length) {
  std::vector<std::byte> out(length.value());
  disk.read(pos, out);
  return out;
}

bool all_poison(const sim::MemDisk& disk, DevPos pos, ByteCount length) {
  const auto bytes = bytes_of(disk, pos, length);
  return std::all_of(bytes.begin(), bytes.end(), [](std::byte b) { return b == kPoison; });
}

// The text of an error, "" for a plan that exists.
std::string refusal(ByteCount size, const MkfsOptions& options) {
  const auto plan = plan_volume(size, options);
  if (plan) return "";
  EXPECT_EQ(plan.code(), Errno::kInval);
  return plan.error().where();
}

TEST(Mkfs, LaysOutTheDefaultVolume) {
  const auto plan = plan_volume(mib(64), {});
  ASSERT_TRUE(plan) << plan.error().message();
  EXPECT_EQ(plan->cluster_size, kib(4));
  EXPECT_EQ(plan->fat, DevPos{mib(1).value()});
  EXPECT_EQ(plan->fat_length, kib(64));
  EXPECT_EQ(plan->heap, DevPos{mib(2).value()});
  EXPECT_EQ(plan->cluster_count, ClusterCount{15872});
  EXPECT_EQ(plan->bitmap, Cluster{2});
  EXPECT_EQ(plan->bitmap_length, ByteCount{1984});
  EXPECT_EQ(plan->upcase, Cluster{3});
  EXPECT_EQ(plan->root, Cluster{5});
  EXPECT_EQ(plan->used, ClusterCount{4});
  EXPECT_EQ(plan->zeroed, mib(2) + kib(16));
}

TEST(Mkfs, KeepsEveryByteBehindTheRootDirectory) {
  sim::MemDisk disk = poisoned_disk(mib(8));
  const auto layout = make_filesystem(disk, {});
  ASSERT_TRUE(layout) << layout.error().message();
  EXPECT_TRUE(all_poison(disk, DevPos{0} + layout->zeroed, mib(8) - layout->zeroed));
}

TEST(Mkfs, WhatTheDiskHeldBeforeTheRootDirectoryIsGone) {
  sim::MemDisk poisoned = poisoned_disk(mib(8));
  sim::MemDisk blank({.capacity = sim::sectors(mib(8))});
  const auto layout = make_filesystem(poisoned, {});
  ASSERT_TRUE(layout && make_filesystem(blank, {}));
  EXPECT_EQ(bytes_of(poisoned, DevPos{0}, layout->zeroed),
            bytes_of(blank, DevPos{0}, layout->zeroed));
}

TEST(Mkfs, FullFormatLeavesNoPoison) {
  sim::MemDisk disk = poisoned_disk(mib(4));
  const auto layout = make_filesystem(disk, {.full_format = true});
  ASSERT_TRUE(layout) << layout.error().message();
  const DevPos behind = layout->heap + layout->cluster_size * layout->used.value();
  const auto rest = bytes_of(disk, behind, DevPos{mib(4).value()} - behind);
  EXPECT_TRUE(std::all_of(rest.begin(), rest.end(), [](std::byte b) { return b == std::byte{}; }));
}

TEST(Mkfs, SameOptionsGiveTheSameDisk) {
  sim::MemDisk first = poisoned_disk(mib(8));
  sim::MemDisk second = poisoned_disk(mib(8));
  ASSERT_TRUE(make_filesystem(first, {.label = "one"}));
  ASSERT_TRUE(make_filesystem(second, {.label = "one"}));
  EXPECT_EQ(first.digest(), second.digest());
}

TEST(Mkfs, TheSerialNumberReachesBothBootSectorsAndBothChecksums) {
  sim::MemDisk first = poisoned_disk(mib(8));
  sim::MemDisk second = poisoned_disk(mib(8));
  ASSERT_TRUE(make_filesystem(first, {.volume_serial = 1}));
  ASSERT_TRUE(make_filesystem(second, {.volume_serial = 2}));
  const auto different = first.snapshot().difference(second.snapshot());
  const std::vector<sim::Sector> expected = {sim::Sector{0}, sim::Sector{11}, sim::Sector{12},
                                             sim::Sector{23}};
  EXPECT_EQ(different, expected);
}

TEST(Mkfs, RefusesSizesThatAreNoSectorClusterOrAlignment) {
  for (const uint64_t sector : {0U, 256U, 513U, 8192U}) {
    EXPECT_NE(refusal(mib(8), {.sector_size = ByteCount{sector}}).find("sector size"),
              std::string::npos);
  }
  EXPECT_NE(refusal(mib(8), {.fat_count = 3}).find("FATs"), std::string::npos);
  EXPECT_NE(refusal(mib(8), {.cluster_size = ByteCount{3072}}).find("power of two"),
            std::string::npos);
  EXPECT_NE(refusal(mib(8), {.cluster_size = ByteCount{0}}).find("power of two"),
            std::string::npos);
  EXPECT_NE(refusal(mib(8), {.cluster_size = mib(64)}).find("32 MiB"), std::string::npos);
  EXPECT_NE(refusal(mib(8), {.boundary_align = ByteCount{0}}).find("power of two"),
            std::string::npos);
  EXPECT_NE(refusal(mib(8), {.boundary_align = ByteCount{256}}).find("smaller than the sector"),
            std::string::npos);
}

TEST(Mkfs, RefusesVolumesThatAreTooSmallAndSaysWhy) {
  EXPECT_NE(refusal(ByteCount{0}, {}).find("too small"), std::string::npos);
  EXPECT_NE(refusal(mib(2), {}).find("boundary alignment"), std::string::npos);
  EXPECT_NE(refusal(mib(8), {.cluster_size = mib(4)}).find("upcase table"), std::string::npos);
}

TEST(Mkfs, RefusesMoreClustersThanTheFormatCounts) {
  EXPECT_NE(refusal(sim::gib(4096), {.cluster_size = ByteCount{512}}).find("too small"),
            std::string::npos);
  EXPECT_EQ(refusal(sim::gib(4096), {.cluster_size = kib(4)}), "");
}

TEST(Mkfs, RefusesHugeAlignmentsWithoutOverflow) {
  EXPECT_NE(refusal(mib(8), {.boundary_align = ByteCount{uint64_t{1} << 63}}), "");
  EXPECT_NE(refusal(ByteCount{~uint64_t{0}}, {.boundary_align = ByteCount{uint64_t{1} << 62}}), "");
}

TEST(Mkfs, RefusesLabelsThatAreTooLongOrNoUtf8) {
  EXPECT_EQ(refusal(mib(8), {.label = "elevenchars"}), "");
  EXPECT_NE(refusal(mib(8), {.label = "twelve chars"}).find("12 UTF-16 units"), std::string::npos);
  EXPECT_NE(refusal(mib(8), {.label = "ab\xC3"}).find("byte 2"), std::string::npos);
  EXPECT_NE(refusal(mib(8), {.label = "\xED\xA0\x80"}).find("byte 0"), std::string::npos);
  EXPECT_NE(refusal(mib(8), {.label = "\xC0\x80"}).find("byte 0"), std::string::npos);
}

TEST(Mkfs, RefusesSectorsSmallerThanTheLogicalBlock) {
  sim::MemDisk disk = poisoned_disk(mib(8), ByteCount{4096});
  EXPECT_EQ(make_filesystem(disk, {}).code(), Errno::kInval);
  EXPECT_TRUE(all_poison(disk, DevPos{0}, mib(4)));
  EXPECT_TRUE(make_filesystem(disk, {.sector_size = ByteCount{4096}}));
}

TEST(MkfsFile, KeepsAnExistingFileUnlessToldOtherwise) {
  const support::ScratchDir scratch;
  const std::string path = scratch.file("a.img");
  std::ofstream(path) << "mine";
  EXPECT_EQ(make_image_file(path, {.size = mib(4)}, {}).code(), Errno::kExist);
  EXPECT_EQ(std::filesystem::file_size(path), 4U);
  EXPECT_TRUE(make_image_file(path, {.size = mib(4), .overwrite = true}, {}));
  EXPECT_EQ(std::filesystem::file_size(path), mib(4).value());
}

TEST(MkfsFile, NeverReplacesWhatIsNoRegularFile) {
  const support::ScratchDir scratch;
  const std::string path = scratch.file("folder");
  ASSERT_TRUE(std::filesystem::create_directory(path));
  EXPECT_EQ(make_image_file(path, {.size = mib(4), .overwrite = true}, {}).code(), Errno::kInval);
  EXPECT_EQ(make_image_file("/dev/null", {.size = mib(4), .overwrite = true}, {}).code(),
            Errno::kInval);
}

TEST(MkfsFile, AnErrorLeavesNothingBehind) {
  const support::ScratchDir scratch;
  EXPECT_EQ(make_image_file(scratch.file("a.img"), {.size = kib(4)}, {}).code(), Errno::kInval);
  EXPECT_EQ(make_image_file(scratch.file("no/a.img"), {.size = mib(4)}, {}).code(), Errno::kNoEnt);
  EXPECT_TRUE(std::filesystem::is_empty(scratch.file("")));
}

TEST(MkfsFile, StaysSparse) {
  const support::ScratchDir scratch;
  const std::string path = scratch.file("a.img");
  ASSERT_TRUE(make_image_file(path, {.size = sim::gib(64)}, {}));
  struct stat info {};
  ASSERT_EQ(::stat(path.c_str(), &info), 0);
  EXPECT_LT(ByteCount{static_cast<uint64_t>(info.st_blocks) * 512}, mib(1));
}

}  // namespace
}  // namespace zerotail::exfat
