#include "zerotail/exfat/geometry.h"

#include <gtest/gtest.h>

#include <functional>

namespace zerotail::exfat {
namespace {

using sim::ByteCount;
using sim::ClusterCount;
using sim::FilePos;

constexpr ByteCount kDevice = sim::mib(16);

// 16 MiB, 512-byte sectors, 4 KiB clusters, as mkfs.exfat lays it out.
BootSector valid_boot() {
  BootSector boot{};
  boot.jump_boot = kJumpBoot;
  boot.file_system_name = kFileSystemName;
  boot.volume_length = 32768;
  boot.fat_offset = 2048;
  boot.fat_length = 32;
  boot.cluster_heap_offset = 4096;
  boot.cluster_count = 3584;
  boot.first_cluster_of_root_directory = 5;
  boot.file_system_revision = 0x0100;
  boot.bytes_per_sector_shift = 9;
  boot.sectors_per_cluster_shift = 3;
  boot.number_of_fats = 1;
  boot.boot_signature = kBootSignature;
  return boot;
}

TEST(Geometry, ConvertsClustersToBytesAndBack) {
  const auto geometry = Geometry::from_boot(valid_boot(), kDevice);
  ASSERT_TRUE(geometry.ok()) << geometry.error().message();
  EXPECT_EQ(geometry->cluster_size(), ByteCount{4096});
  EXPECT_EQ(geometry->cluster_pos(sim::Cluster{2}), sim::DevPos{4096 * 512});
  EXPECT_EQ(geometry->cluster_pos(sim::Cluster{6}), sim::DevPos{4128 * 512});
  EXPECT_EQ(geometry->cluster_at(sim::DevPos{4128 * 512 + 4095}), sim::Cluster{6});
  EXPECT_EQ(geometry->cluster_limit(), sim::Cluster{3586});
  EXPECT_FALSE(geometry->valid(sim::Cluster{1}));
  EXPECT_TRUE(geometry->valid(sim::Cluster{3585}));
  EXPECT_FALSE(geometry->valid(sim::Cluster{3586}));
}

TEST(Geometry, RoundsLengthsUpToClustersWithoutOverflow) {
  const auto geometry = Geometry::from_boot(valid_boot(), kDevice);
  EXPECT_EQ(geometry->clusters(ByteCount{0}), ClusterCount{0});
  EXPECT_EQ(geometry->clusters(ByteCount{1}), ClusterCount{1});
  EXPECT_EQ(geometry->clusters(ByteCount{4096}), ClusterCount{1});
  EXPECT_EQ(geometry->clusters(ByteCount{4097}), ClusterCount{2});
  EXPECT_EQ(geometry->clusters(ByteCount{UINT64_MAX}), ClusterCount{uint64_t{1} << 52});
}

TEST(Geometry, CountsTheClustersThatARangeTouches) {
  const auto geometry = Geometry::from_boot(valid_boot(), kDevice);
  const auto touched = [&](uint64_t pos, uint64_t length) {
    return geometry->clusters_touched(FilePos{pos}, ByteCount{length}).value();
  };
  EXPECT_EQ(touched(4095, 1), 1U);
  EXPECT_EQ(touched(4095, 2), 2U);
  EXPECT_EQ(touched(2048, 4096), 2U);
  EXPECT_EQ(touched(4096, 4096), 1U);
}

TEST(Geometry, TheLargestFileHas0xFFFFFFF5Clusters) {
  const auto geometry = Geometry::from_boot(valid_boot(), kDevice);
  EXPECT_EQ(geometry->max_file_size(), FilePos{17592185999360});
}

TEST(Geometry, NamesTheFieldThatIsOutOfRange) {
  struct Case {
    const char* field;
    std::function<void(BootSector&)> damage;
  };
  const Case cases[] = {
      {"BootSignature", [](BootSector& boot) { boot.boot_signature = 0; }},
      {"FileSystemName", [](BootSector& boot) { boot.file_system_name[0] = 'N'; }},
      {"MustBeZero", [](BootSector& boot) { boot.must_be_zero[52] = 1; }},
      {"FileSystemRevision", [](BootSector& boot) { boot.file_system_revision = 0x0200; }},
      {"NumberOfFats", [](BootSector& boot) { boot.number_of_fats = 3; }},
      {"NumberOfFats", [](BootSector& boot) { boot.number_of_fats = 0; }},
      {"BytesPerSectorShift", [](BootSector& boot) { boot.bytes_per_sector_shift = 8; }},
      {"BytesPerSectorShift", [](BootSector& boot) { boot.bytes_per_sector_shift = 13; }},
      {"BytesPerSectorShift", [](BootSector& boot) { boot.bytes_per_sector_shift = 255; }},
      {"SectorsPerClusterShift", [](BootSector& boot) { boot.sectors_per_cluster_shift = 17; }},
      {"SectorsPerClusterShift", [](BootSector& boot) { boot.sectors_per_cluster_shift = 255; }},
      {"VolumeLength", [](BootSector& boot) { boot.volume_length = 32769; }},
      {"VolumeLength", [](BootSector& boot) { boot.volume_length = UINT64_MAX; }},
      {"VolumeLength", [](BootSector& boot) { boot.volume_length = 100; }},
      {"FatOffset", [](BootSector& boot) { boot.fat_offset = 23; }},
      {"FatLength", [](BootSector& boot) { boot.fat_length = 28; }},
      {"ClusterHeapOffset", [](BootSector& boot) { boot.cluster_heap_offset = 2079; }},
      {"ClusterHeapOffset", [](BootSector& boot) { boot.fat_length = UINT32_MAX; }},
      {"ClusterCount", [](BootSector& boot) { boot.cluster_heap_offset = 40000; }},
      {"ClusterCount", [](BootSector& boot) { boot.cluster_count = 0; }},
      {"ClusterCount", [](BootSector& boot) { boot.cluster_count = 3585; }},
      {"ClusterCount", [](BootSector& boot) { boot.cluster_count = UINT32_MAX; }},
      {"FirstClusterOfRootDirectory",
       [](BootSector& boot) { boot.first_cluster_of_root_directory = 1; }},
      {"FirstClusterOfRootDirectory",
       [](BootSector& boot) { boot.first_cluster_of_root_directory = 3586; }},
  };
  for (const Case& one : cases) {
    BootSector boot = valid_boot();
    one.damage(boot);
    const auto geometry = Geometry::from_boot(boot, kDevice);
    ASSERT_FALSE(geometry.ok()) << one.field;
    EXPECT_EQ(geometry.code(), sim::Errno::kInval);
    EXPECT_NE(geometry.error().where().find(one.field), std::string::npos)
        << geometry.error().where();
  }
}

}  // namespace
}  // namespace zerotail::exfat
