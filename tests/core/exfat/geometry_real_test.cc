// Corner geometries that fsck.exfat accepts: what the core leaves on them is clean to the real
// tool. Disks are sparse.
#include <gtest/gtest.h>

#include "core/exfat/volume_fixture.h"
#include "zerotail/sim/image_file.h"
#include "zerotail/support/real_tools.h"

namespace zerotail::exfat {
namespace {

struct Corner {
  const char* name;
  VolumeFixture::Shape shape;
};

constexpr uint64_t kGib = 1024;  // in MiB
constexpr uint64_t k32Mib = uint64_t{32} << 20;

const Corner kCorners[] = {
    {"Sector1024Cluster1024", {.mebibytes = 8, .sector = 1024, .cluster = 1024}},
    {"Sector2048Cluster2048", {.mebibytes = 16, .sector = 2048, .cluster = 2048}},
    {"Sector1024Cluster32M",
     {.mebibytes = 64 * kGib, .sector = 1024, .cluster = k32Mib, .fill = std::byte{0}}},
    {"Sector4096Cluster32M",
     {.mebibytes = 1024 * kGib, .sector = 4096, .cluster = k32Mib, .fill = std::byte{0}}},
    {"Sector512Cluster512On64GiB",
     {.mebibytes = 64 * kGib, .sector = 512, .cluster = 512, .fill = std::byte{0}}},
};

class CornerGeometry : public ::testing::TestWithParam<Corner> {};

TEST_P(CornerGeometry, IsCleanToTheRealToolAfterTheCoreUsedIt) {
  VolumeFixture volume(GetParam().shape);
  volume.mount();
  std::string runs;
  {
    const InodeRef directory = volume.mkdir("directory");
    const InodeRef a = volume.create(*directory, "a");
    const InodeRef b = volume.create("b");
    for (const uint64_t clusters : {1U, 2U, 5U}) {
      volume.grow(*a, clusters);
      volume.grow(*b, clusters);
    }
    EXPECT_FALSE(a->no_fat_chain());
    volume.grow(*volume.create("gone"), 3);
    ASSERT_TRUE(volume.fs->unlink(*volume.fs->root(), "gone").ok());
    ASSERT_TRUE(volume.shrink(*b, 1).ok());
    runs = volume.runs(*a);
  }
  volume.unmount();

  const support::ScratchDir scratch;
  const std::string image = scratch.file("volume.img");
  ASSERT_TRUE(sim::save_image(image, volume.disk.snapshot(), false).ok());
  const support::ToolRun run = support::real_fsck(image, volume.layout.sector_size);
  EXPECT_EQ(run.exit_code, 0) << run.output;

  volume.mount();
  const auto directory = volume.fs->lookup(*volume.fs->root(), "directory");
  ASSERT_TRUE(directory.ok());
  const auto a = volume.fs->lookup(**directory, "a");
  ASSERT_TRUE(a.ok());
  EXPECT_EQ(volume.runs(**a), runs);
}

INSTANTIATE_TEST_SUITE_P(Corners, CornerGeometry, ::testing::ValuesIn(kCorners),
                         [](const auto& corner) { return std::string(corner.param.name); });

}  // namespace
}  // namespace zerotail::exfat
