// Volumes with two FATs and two allocation bitmaps (NumberOfFats 2, the specification's TexFAT):
// the active pair is used, the FAT that is not active follows, its bitmap is left alone.
#include <gtest/gtest.h>

#include "volume_fixture.h"
#include "zerotail/exfat/boot_region.h"

namespace zerotail::exfat {
namespace {

constexpr VolumeFixture::Shape kTwoFats{.mebibytes = 16, .sector = 512, .cluster = 512, .fats = 2};

class TexFat : public ::testing::Test {
 protected:
  TexFat() : volume(kTwoFats) {}

  uint32_t fat_entry(unsigned fat, uint64_t cluster) {
    const sim::DevPos start = volume.layout.fat + volume.layout.fat_length * fat;
    return volume.disk_value<Le32>(start + sim::ByteCount{cluster * kFatEntrySize});
  }
  bool bit(sim::Cluster bitmap, uint64_t cluster) {
    std::array<std::byte, 1> byte{};
    volume.disk.read(volume.cluster_pos(bitmap.value()) + sim::ByteCount{(cluster - 2) / 8}, byte);
    return (byte[0] >> static_cast<int>((cluster - 2) % 8) & std::byte{1}) != std::byte{0};
  }
  // As a TexFAT implementation would at the end of a transaction.
  void activate(uint16_t fat) {
    volume.put(sim::DevPos{offsetof(BootSector, volume_flags)}, Le16(fat));
  }
  // A file of two runs, and with it a FAT chain: first cluster, then where it goes on.
  std::pair<uint64_t, uint64_t> make_chain() {
    const InodeRef a = volume.create("a");
    volume.grow(*a, 2);
    volume.grow(*volume.create("b"), 1);
    volume.grow(*a, 4);
    EXPECT_FALSE(a->no_fat_chain());
    const auto runs = volume.fs->runs(*a);
    EXPECT_EQ(runs->size(), 2U);
    return {runs->front().first.value(), runs->back().first.value()};
  }

  VolumeFixture volume;
};

TEST_F(TexFat, MkfsGivesBothFatsAndBothBitmapsTheSameContent) {
  ASSERT_TRUE(volume.layout.second_bitmap.has_value());
  for (uint64_t cluster = 0; cluster <= volume.layout.root.value() + 1; ++cluster) {
    EXPECT_EQ(fat_entry(0, cluster), fat_entry(1, cluster)) << cluster;
  }
  for (uint64_t cluster = 2; cluster <= volume.layout.root.value(); ++cluster) {
    EXPECT_TRUE(bit(volume.layout.bitmap, cluster));
    EXPECT_TRUE(bit(*volume.layout.second_bitmap, cluster));
  }
  volume.mount();
  EXPECT_EQ(volume.fs->geometry().fat_count(), 2U);
  EXPECT_EQ(volume.fs->space().free, volume.layout.cluster_count - volume.layout.used);
}

TEST_F(TexFat, AChangeOfTheFirstFatIsMirroredToTheSecond) {
  volume.mount();
  const auto [first, second] = make_chain();
  volume.unmount();
  for (const unsigned fat : {0U, 1U}) {
    EXPECT_EQ(fat_entry(fat, first), first + 1) << fat;
    EXPECT_EQ(fat_entry(fat, first + 1), second) << fat;
    EXPECT_EQ(fat_entry(fat, second + 1), kFatEndOfChain) << fat;
  }
}

TEST_F(TexFat, TheBitmapThatIsNotActiveStaysAsItWas) {
  volume.mount();
  const uint64_t cluster = make_chain().first;
  volume.unmount();
  EXPECT_TRUE(bit(volume.layout.bitmap, cluster));
  EXPECT_FALSE(bit(*volume.layout.second_bitmap, cluster));
}

TEST_F(TexFat, ActiveFatChoosesTheSecondFatAndTheSecondBitmap) {
  activate(1);
  volume.mount();
  EXPECT_EQ(volume.fs->geometry().active_fat(), 1U);
  const auto [first, second] = make_chain();
  volume.unmount();
  EXPECT_FALSE(bit(volume.layout.bitmap, first));
  EXPECT_TRUE(bit(*volume.layout.second_bitmap, first));
  EXPECT_EQ(volume.volume_flags(), kActiveFat) << "the bit stays when VolumeDirty goes";

  // What the first FAT says does not matter.
  const sim::DevPos entry = volume.layout.fat + sim::ByteCount{(first + 1) * kFatEntrySize};
  volume.put(entry, Le32(0));
  volume.mount();
  const auto found = volume.fs->lookup(*volume.fs->root(), "a");
  ASSERT_TRUE(found.ok());
  EXPECT_EQ(volume.runs(**found), std::to_string(first) + "+2 " + std::to_string(second) + "+2");
}

TEST_F(TexFat, TheFirstFatDecidesWhileItIsActive) {
  volume.mount();
  const auto [first, second] = make_chain();
  volume.unmount();
  const sim::DevPos mirror = volume.layout.fat + volume.layout.fat_length;
  volume.put(mirror + sim::ByteCount{(first + 1) * kFatEntrySize}, Le32(kFatBad));
  volume.mount();
  const auto found = volume.fs->lookup(*volume.fs->root(), "a");
  ASSERT_TRUE(found.ok());
  EXPECT_EQ(volume.runs(**found), std::to_string(first) + "+2 " + std::to_string(second) + "+2");
}

TEST_F(TexFat, ASyncMountWritesTheActiveFatThenTheMirror) {
  volume.mount({.sync = true});
  const InodeRef a = volume.create("a");
  volume.grow(*a, 1);
  volume.grow(*volume.create("b"), 1);
  volume.log.clear();
  volume.grow(*a, 2);
  std::vector<sim::Sector> fat_writes;
  for (const sim::IoRecord& record : volume.log.records()) {
    if (record.tag.kind == static_cast<uint32_t>(buffer::IoKind::kFat)) {
      fat_writes.push_back(record.sector);
    }
  }
  ASSERT_FALSE(fat_writes.empty());
  ASSERT_EQ(fat_writes.size() % 2, 0U);
  for (size_t i = 0; i < fat_writes.size(); i += 2) {
    EXPECT_EQ(fat_writes[i + 1] - fat_writes[i], sim::sectors(volume.layout.fat_length));
  }
}

TEST_F(TexFat, AVolumeWithoutTheActiveBitmapIsRefused) {
  // The entries are label, first bitmap, second bitmap, upcase table.
  volume.put(volume.cluster_pos(volume.layout.root.value()) + sim::ByteCount{2 * kDentrySize},
             uint8_t{0x01});
  EXPECT_EQ(volume.mount_error(), sim::Errno::kOk);
  activate(1);
  EXPECT_EQ(volume.mount_error(), sim::Errno::kInval);
  EXPECT_NE(volume.last_error.find("no allocation bitmap"), std::string::npos);
}

TEST_F(TexFat, WithOneFatTheActiveFatBitMeansNothing) {
  VolumeFixture one;
  one.put(sim::DevPos{offsetof(BootSector, volume_flags)}, Le16(kActiveFat));
  one.mount();
  EXPECT_EQ(one.fs->geometry().active_fat(), 0U);
  EXPECT_EQ(one.fs->geometry().fat_start(), one.layout.fat);
}

}  // namespace
}  // namespace zerotail::exfat
