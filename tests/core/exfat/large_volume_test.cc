// Volumes at the limits of the format, on sparse disks: 2^32 - 11 clusters of 512 bytes and of
// 32 MiB, files in their last clusters, and what a mount of them keeps in memory.
#include <gtest/gtest.h>

#include "volume_fixture.h"

namespace zerotail::exfat {
namespace {

constexpr uint64_t kMost = kMaxClusterCount;
constexpr uint64_t kLast = kMost + 1;         // the number of the last cluster
constexpr uint64_t kTib = uint64_t{1} << 20;  // in MiB

struct Limit {
  const char* name;
  VolumeFixture::Shape shape;
};

// Disks with room behind the heap for nothing else; zeros that mkfs writes take no memory.
const Limit kLimits[] = {
    {"Cluster512",
     {.mebibytes = 3 * kTib,
      .sector = 512,
      .cluster = 512,
      .clusters = kMost,
      .fill = std::byte{0}}},
    {"Cluster32M",
     {.mebibytes = 131'073 * kTib,
      .sector = 4096,
      .cluster = uint64_t{32} << 20,
      .clusters = kMost,
      .fill = std::byte{0}}},
};

class LargeVolume : public ::testing::TestWithParam<Limit> {
 protected:
  LargeVolume() : volume(GetParam().shape) {}

  void flip_bit(uint64_t cluster) {
    const sim::DevPos pos =
        volume.cluster_pos(volume.layout.bitmap.value()) + sim::ByteCount{(cluster - 2) / 8};
    std::array<std::byte, 1> byte{};
    volume.disk.read(pos, byte);
    byte[0] ^= std::byte{1} << static_cast<int>((cluster - 2) % 8);
    volume.disk.write(pos, byte);
  }
  // On the disk of an unmounted volume: a file of one cluster moves to another one.
  void move_file(uint32_t entry, uint64_t to) {
    const sim::DevPos pos = volume.cluster_pos(volume.layout.root.value()) +
                            sim::ByteCount{uint64_t{entry} * kDentrySize};
    DentrySet set;
    set.set_count(3);
    for (size_t i = 0; i < 3; ++i) {
      volume.disk.read(pos + sim::ByteCount{i * kDentrySize}, set.entries()[i]);
    }
    const StreamDentry stream = set.stream();
    set.set_stream({.general_secondary_flags = stream.general_secondary_flags,
                    .first_cluster = static_cast<uint32_t>(to),
                    .valid_data_length = stream.valid_data_length,
                    .data_length = stream.data_length});
    set.seal();
    for (size_t i = 0; i < 3; ++i) {
      volume.disk.write(pos + sim::ByteCount{i * kDentrySize}, set.entries()[i]);
    }
    flip_bit(stream.first_cluster);
    flip_bit(to);
  }
  // A file whose only cluster is `cluster`.
  void make_file_at(const std::string& name, uint64_t cluster) {
    volume.mount();
    InodeRef file = volume.create(name);
    volume.grow(*file, 1);
    const uint32_t entry = file->entry_index();
    file.reset();
    volume.unmount();
    move_file(entry, cluster);
  }
  InodeRef open(const std::string& name) {
    auto found = volume.fs->lookup(*volume.fs->root(), name);
    EXPECT_TRUE(found.ok()) << found.error().message();
    return *found;
  }

  VolumeFixture volume;
};

TEST_P(LargeVolume, HasAllClustersOfTheFormatAndCountsThem) {
  ASSERT_EQ(volume.layout.cluster_count.value(), kMost);
  volume.mount();
  EXPECT_EQ(volume.fs->space().clusters.value(), kMost);
  EXPECT_EQ(volume.fs->space().free, volume.layout.cluster_count - volume.layout.used);
  EXPECT_EQ(volume.fs->geometry().cluster_pos(sim::Cluster{kLast}),
            volume.layout.heap + volume.layout.cluster_size * (kMost - 1));
}

TEST_P(LargeVolume, AMountKeepsWhatIsMixedOfTheBitmapAndNotAllOfIt) {
  volume.mount();
  volume.grow(*volume.create("a"), 5);
  EXPECT_LE(volume.fs->bitmap().mixed_pages(), 2U);
  // The FAT of the bitmap itself, the system structures: 8 MiB, where the bitmap has 512.
  const uint64_t bytes = volume.fs->buffers().cached() * GetParam().shape.sector;
  EXPECT_LE(bytes, uint64_t{8} << 20);
}

TEST_P(LargeVolume, AFileGoesOnBehindTheLastClusterAtTheFirstFreeOne) {
  make_file_at("a", kLast - 2);
  volume.mount();
  const sim::ClusterCount free = volume.fs->space().free;
  const sim::Cluster wrapped = *volume.fs->bitmap().find_free(kFirstCluster);
  InodeRef file = open("a");
  volume.grow(*file, 4);
  const std::string runs =
      std::to_string(kLast - 2) + "+3 " + std::to_string(wrapped.value()) + "+1";
  EXPECT_EQ(volume.runs(*file), runs);
  EXPECT_EQ(volume.fs->space().free, free - sim::ClusterCount{3});
  file.reset();
  volume.unmount();
  EXPECT_EQ(volume.fat_entry(kLast - 1), kLast);
  EXPECT_EQ(volume.fat_entry(kLast), wrapped.value());
  volume.mount();
  EXPECT_EQ(volume.runs(*open("a")), runs);
}

TEST_P(LargeVolume, TheLastClusterIsFreedAndTakenAgain) {
  make_file_at("a", kLast);
  volume.mount();
  const sim::ClusterCount free = volume.fs->space().free;
  ASSERT_TRUE(volume.fs->bitmap().is_used(sim::Cluster{kLast}));
  ASSERT_TRUE(volume.fs->unlink(*volume.fs->root(), "a").ok());
  EXPECT_FALSE(volume.fs->bitmap().is_used(sim::Cluster{kLast}));
  EXPECT_EQ(volume.fs->space().free, free + sim::ClusterCount{1});
  EXPECT_EQ(volume.fs->bitmap().find_free(sim::Cluster{kLast}), sim::Cluster{kLast});
}

TEST_P(LargeVolume, ALongRunOfClustersIsOneRun) {
  volume.mount();
  const InodeRef file = volume.create("a");
  volume.grow(*file, 1'000'000);
  EXPECT_TRUE(file->no_fat_chain());
  EXPECT_EQ(volume.fs->runs(*file)->size(), 1U);
  // 125 KB of bits: 30 full pages that take no memory, and what is mixed at both ends.
  EXPECT_LE(volume.fs->bitmap().mixed_pages(), 3U);
  EXPECT_TRUE(volume.shrink(*file, 0).ok());
  EXPECT_EQ(volume.fs->space().free, volume.layout.cluster_count - volume.layout.used);
}

INSTANTIATE_TEST_SUITE_P(Limits, LargeVolume, ::testing::ValuesIn(kLimits),
                         [](const auto& limit) { return std::string(limit.param.name); });

}  // namespace
}  // namespace zerotail::exfat
