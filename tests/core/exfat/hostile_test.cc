// Images that somebody damaged: every operation answers, with an error where it must, and follows
// no number out of the volume.
#include <gtest/gtest.h>

#include "core/exfat/volume_fixture.h"
#include "zerotail/sim/prng.h"

namespace zerotail::exfat {
namespace {

using sim::Errno;

class Hostile : public ::testing::Test, public VolumeFixture {
 protected:
  Inode& root() { return *fs->root(); }
  // A volume with a directory d (cluster 6) and a file a of three clusters (7 to 9), unmounted.
  void SetUp() override {
    mount();
    {
      const InodeRef d = mkdir("d");
      create(*d, "x");
      grow(*create("a"), 3);
    }
    unmount();
  }
  sim::DevPos entry_pos(uint64_t cluster, uint32_t entry) {
    return cluster_pos(cluster) + sim::ByteCount{uint64_t{entry} * kDentrySize};
  }
  // Changes the set of three entries at a place and gives it a right checksum.
  template <class Change>
  void edit_set(uint64_t cluster, uint32_t entry, Change change) {
    DentrySet set;
    for (uint32_t i = 0; i < 3; ++i) disk.read(entry_pos(cluster, entry + i), set.storage()[i]);
    set.set_count(3);
    auto file = load<FileDentry>(set.entries()[0]);
    auto stream = load<StreamDentry>(set.entries()[1]);
    change(file, stream);
    store(set.entries()[0], file);
    store(set.entries()[1], stream);
    file.set_checksum = set_checksum(set.entries());
    store(set.entries()[0], file);
    for (uint32_t i = 0; i < 3; ++i) disk.write(entry_pos(cluster, entry + i), set.entries()[i]);
  }
  template <class Change>
  Errno lookup_after(const char* name, uint32_t entry, Change change) {
    edit_set(5, entry, change);
    mount();
    const auto found = fs->lookup(root(), name);
    last_error = found.ok() ? "" : found.error().message();
    return found.code();
  }
  void edit_boot(size_t offset, uint32_t value) { put(sim::DevPos{offset}, Le32(value)); }
};

constexpr uint32_t kD = 3;  // where the set of d stands in the root
constexpr uint32_t kA = 6;

TEST_F(Hostile, ADeviceThatIsTooSmallIsNoVolume) {
  sim::MemDisk tiny({.capacity = sim::SectorCount{100}});
  EXPECT_EQ(FileSystem::mount(world, tiny, {}).code(), Errno::kInval);
}

TEST_F(Hostile, AnEmptyDeviceIsNoVolume) {
  sim::MemDisk empty({.capacity = sim::sectors(sim::mib(4))});
  EXPECT_EQ(FileSystem::mount(world, empty, {}).code(), Errno::kInval);
}

TEST_F(Hostile, ATruncatedDeviceIsToldByVolumeLength) {
  sim::MemDisk half({.capacity = sim::sectors(sim::mib(8))});
  std::vector<std::byte> bytes(sim::mib(8).value());
  disk.read(sim::DevPos{0}, bytes);
  half.write(sim::DevPos{0}, bytes);
  const auto mounted = FileSystem::mount(world, half, {});
  ASSERT_EQ(mounted.code(), Errno::kInval);
  EXPECT_NE(mounted.error().where().find("VolumeLength"), std::string::npos);
}

TEST_F(Hostile, ALargerLogicalBlockThanTheSectorIsRefused) {
  sim::MemDisk coarse(disk.snapshot(), {.capacity = {}, .logical_block = sim::ByteCount{4096}});
  EXPECT_EQ(FileSystem::mount(world, coarse, {}).code(), Errno::kInval);
}

TEST_F(Hostile, ABrokenBootChecksumIsRefused) {
  edit_boot(120, 0x12345678);  // boot code
  EXPECT_EQ(mount_error(), Errno::kInval);
  EXPECT_NE(last_error.find("checksum"), std::string::npos);
}

TEST_F(Hostile, AnUnreadableBootSectorIsEio) {
  device.fail(sim::BioOp::kRead, sim::DevPos{0}, layout.sector_size);
  EXPECT_EQ(mount_error(), Errno::kIo);
}

TEST_F(Hostile, ALoopInTheRootsChainIsRefused) {
  put_fat_entry(5, 5);
  EXPECT_EQ(mount_error(), Errno::kInval);
  put_fat_entry(5, 10);
  put_fat_entry(10, 5);
  EXPECT_EQ(mount_error(), Errno::kInval);
  put_fat_entry(5, 4000);
  EXPECT_EQ(mount_error(), Errno::kInval);
}

TEST_F(Hostile, ARootWithoutBitmapOrUpcaseTableIsRefused) {
  for (const uint32_t entry : {1U, 2U}) {
    const auto type = disk_value<LittleEndian<uint8_t>>(entry_pos(5, entry));
    put(entry_pos(5, entry), LittleEndian<uint8_t>(0x01));
    EXPECT_EQ(mount_error(), Errno::kInval) << entry;
    put(entry_pos(5, entry), type);
  }
  EXPECT_EQ(mount_error(), Errno::kOk);
}

TEST_F(Hostile, ABitmapThatPointsElsewhereIsRefused) {
  const auto with = [this](uint32_t first, uint64_t length) {
    auto entry = disk_value<BitmapDentry>(entry_pos(5, 1));
    const BitmapDentry before = entry;
    EXPECT_TRUE(is_type(entry.entry_type, EntryType::kAllocationBitmap));
    entry.first_cluster = first;
    entry.data_length = length;
    put(entry_pos(5, 1), entry);
    const Errno code = mount_error();
    put(entry_pos(5, 1), before);
    return code;
  };
  const uint64_t length = layout.bitmap_length.value();
  EXPECT_EQ(with(2, length), Errno::kOk);
  EXPECT_EQ(with(0, length), Errno::kInval);
  EXPECT_EQ(with(3586, length), Errno::kInval);
  EXPECT_EQ(with(0xFFFFFFFF, length), Errno::kInval);
  EXPECT_EQ(with(2, length - 1), Errno::kInval);
  EXPECT_EQ(with(2, 0), Errno::kInval);
  EXPECT_EQ(with(2, UINT64_MAX), Errno::kInval);
  EXPECT_EQ(with(2, uint64_t{1} << 24), Errno::kInval);  // its chain ends before
}

TEST_F(Hostile, ABitmapThatHandsOutItselfIsRefused) {
  put(cluster_pos(2), LittleEndian<uint8_t>(0xFE));
  EXPECT_EQ(mount_error(), Errno::kInval);
}

TEST_F(Hostile, AnUpcaseTableThatPointsElsewhereIsRefused) {
  const auto with = [this](uint32_t first, uint64_t length, uint32_t flip) {
    auto entry = disk_value<UpcaseDentry>(entry_pos(5, 2));
    const UpcaseDentry before = entry;
    EXPECT_TRUE(is_type(entry.entry_type, EntryType::kUpcaseTable));
    entry.first_cluster = first;
    entry.data_length = length;
    entry.table_checksum = entry.table_checksum ^ flip;
    put(entry_pos(5, 2), entry);
    const Errno code = mount_error();
    put(entry_pos(5, 2), before);
    return code;
  };
  EXPECT_EQ(with(3, 5836, 0), Errno::kOk);
  EXPECT_EQ(with(3, 5836, 1), Errno::kInval);
  EXPECT_EQ(with(2, 5836, 0), Errno::kInval);
  EXPECT_EQ(with(4000, 5836, 0), Errno::kInval);
  EXPECT_EQ(with(3, 5835, 0), Errno::kInval);
  EXPECT_EQ(with(3, 0, 0), Errno::kInval);
  EXPECT_EQ(with(3, 131074, 0), Errno::kInval);
  EXPECT_EQ(with(3, UINT64_MAX, 0), Errno::kInval);
}

TEST_F(Hostile, ASetWithABrokenChecksumIsAnErrorForItAlone) {
  put(entry_pos(5, kA) + sim::ByteCount{2}, Le16(0));
  mount();
  EXPECT_EQ(lookup_error("a"), Errno::kIo);
  EXPECT_EQ(lookup_error("d"), Errno::kOk);
  EXPECT_EQ(fs->create(root(), "a").code(), Errno::kExist);
  EXPECT_EQ(fs->unlink(root(), "a").code(), Errno::kIo);
  const auto page = fs->read_directory(root(), 0, 10);
  ASSERT_TRUE(page.ok());
  ASSERT_EQ(page->items.size(), 2U);
  EXPECT_FALSE(page->items[0].error.has_value());
  ASSERT_TRUE(page->items[1].error.has_value());
  EXPECT_EQ(page->items[1].error->where(),
            "directory at cluster 5, entry 6: dentry set: SetChecksum does not match");
}

TEST_F(Hostile, FieldsOfASetAreChecked) {
  using File = FileDentry;
  using Stream = StreamDentry;
  const auto a = [this](auto change) { return lookup_after("a", kA, change); };
  EXPECT_EQ(a([](File&, Stream& stream) { stream.valid_data_length = 12289; }), Errno::kIo);
  EXPECT_NE(last_error.find("ValidDataLength"), std::string::npos);
  EXPECT_EQ(a([](File&, Stream& stream) {
              stream.valid_data_length = 0;
              stream.data_length = UINT64_MAX;
            }),
            Errno::kIo);
  EXPECT_NE(last_error.find("DataLength"), std::string::npos);
  EXPECT_EQ(a([](File&, Stream& stream) { stream.data_length = uint64_t{1} << 24; }), Errno::kIo);
  EXPECT_EQ(a([](File&, Stream& stream) {
              stream.data_length = 4096;
              stream.first_cluster = 0;
            }),
            Errno::kIo);
  EXPECT_EQ(a([](File&, Stream& stream) { stream.first_cluster = 3586; }), Errno::kIo);
  EXPECT_EQ(a([](File&, Stream& stream) {
              stream.first_cluster = 3585;
              stream.data_length = 8192;
            }),
            Errno::kIo);
  EXPECT_EQ(a([](File&, Stream& stream) {
              stream.first_cluster = 7;
              stream.data_length = 0;
            }),
            Errno::kOk);
}

TEST_F(Hostile, ADirectoryThatIsTooLongIsRefused) {
  EXPECT_EQ(lookup_after("d", kD,
                         [](FileDentry&, StreamDentry& stream) {
                           stream.data_length = kMaxDirectoryBytes + 4096;
                           stream.valid_data_length = stream.data_length;
                         }),
            Errno::kIo);
}

TEST_F(Hostile, ADirectoryInsideItselfIsRefused) {
  EXPECT_EQ(
      lookup_after("d", kD, [](FileDentry&, StreamDentry& stream) { stream.first_cluster = 5; }),
      Errno::kIo);
  // d/x becomes a directory that is d.
  edit_set(5, kD, [](FileDentry&, StreamDentry& stream) { stream.first_cluster = 6; });
  edit_set(6, 0, [](FileDentry& file, StreamDentry& stream) {
    file.file_attributes = kAttributeDirectory;
    stream.first_cluster = 6;
    stream.data_length = 4096;
    stream.valid_data_length = 4096;
    stream.general_secondary_flags = kAllocationPossible | kNoFatChain;
  });
  mount();
  const auto d = fs->lookup(root(), "d");
  ASSERT_TRUE(d.ok());
  EXPECT_EQ(fs->lookup(**d, "x").code(), Errno::kIo);
}

TEST_F(Hostile, ADirectoryOfNoLengthIsEmptyAndCanGrow) {
  EXPECT_EQ(lookup_after("d", kD,
                         [](FileDentry&, StreamDentry& stream) {
                           stream.data_length = 0;
                           stream.valid_data_length = 0;
                           stream.first_cluster = 0;
                         }),
            Errno::kOk);
  const InodeRef d = *fs->lookup(root(), "d");
  EXPECT_EQ(names(*d), std::vector<std::string>{});
  create(*d, "x");
  EXPECT_EQ(names(*d), (std::vector<std::string>{"x"}));
}

TEST_F(Hostile, ALoopInADirectorysChainEndsWithItsLength) {
  edit_set(5, kD, [](FileDentry&, StreamDentry& stream) {
    stream.general_secondary_flags = kAllocationPossible;
    stream.data_length = 65536;
    stream.valid_data_length = 65536;
  });
  put_fat_entry(6, 6);
  mount();
  const InodeRef d = *fs->lookup(root(), "d");
  const auto page = fs->read_directory(*d, 0, SIZE_MAX);
  ASSERT_TRUE(page.ok());  // the first cluster's end mark ends it
  EXPECT_EQ(page->items.size(), 1U);
  EXPECT_TRUE(fs->lookup(*d, "x").ok());
}

TEST_F(Hostile, AFilesBrokenChainIsEioWhereItBreaks) {
  edit_set(5, kA, [](FileDentry&, StreamDentry& stream) {
    stream.general_secondary_flags = kAllocationPossible;
  });
  put_fat_entry(7, 8);
  put_fat_entry(8, 0);
  mount();
  const InodeRef a = *fs->lookup(root(), "a");
  const auto at = [&](uint64_t first) {
    return fs->map_clusters(*a, {.first = FileCluster{first}, .count = sim::ClusterCount{1}});
  };
  EXPECT_TRUE(at(1).ok());
  ASSERT_EQ(at(2).code(), Errno::kIo);
  EXPECT_EQ(at(2).error().where(), "fat: entry of cluster 8: free, inside a chain");
  EXPECT_EQ(fs->extend(*a, sim::ClusterCount{5}).code(), Errno::kIo);
  EXPECT_EQ(shrink(*a, 100).code(), Errno::kIo);
  EXPECT_TRUE(fs->unlink(root(), "a").ok());  // its clusters are lost, its name is not
}

TEST_F(Hostile, AFilesLoopEndsWithItsLengthAndIsFreedOnce) {
  edit_set(5, kA, [](FileDentry&, StreamDentry& stream) {
    stream.general_secondary_flags = kAllocationPossible;
  });
  put_fat_entry(7, 8);
  put_fat_entry(8, 7);
  mount();
  const sim::ClusterCount used = fs->bitmap().used();
  EXPECT_EQ(runs(*fs->lookup(root(), "a").value()), "7+2 7+1");
  ASSERT_TRUE(fs->unlink(root(), "a").ok());
  EXPECT_EQ(fs->bitmap().used(), used - sim::ClusterCount{2});
}

TEST_F(Hostile, ASetThatEndsPastItsDirectoryIsAnError) {
  edit_set(6, 0, [](FileDentry& file, StreamDentry&) { file.secondary_count = 255; });
  mount();
  const InodeRef d = *fs->lookup(root(), "d");
  const auto page = fs->read_directory(*d, 0, 10);
  ASSERT_TRUE(page.ok());
  ASSERT_EQ(page->items.size(), 1U);
  EXPECT_TRUE(page->items[0].error.has_value());
  EXPECT_EQ(fs->lookup(*d, "x").code(), Errno::kNoEnt);
  // Its entries are not given away.
  EXPECT_EQ(create(*d, "y")->entry_index(), 3U);
}

TEST_F(Hostile, NamesBehindTheEndMarkStayInvisible) {
  // The set of x is copied three entries further, behind an end mark.
  for (uint32_t i = 0; i < 3; ++i) {
    DentrySet::Raw raw;
    disk.read(entry_pos(6, i), raw);
    disk.write(entry_pos(6, 6 + i), raw);
  }
  mount();
  const InodeRef d = *fs->lookup(root(), "d");
  EXPECT_EQ(create(*d, "y")->entry_index(), 3U);  // over the end mark
  EXPECT_EQ(names(*d), (std::vector<std::string>{"x", "y"}));
  EXPECT_EQ(create(*d, "z")->entry_index(), 6U);
  EXPECT_EQ(names(*d), (std::vector<std::string>{"x", "y", "z"}));
}

TEST_F(Hostile, AnUnreadableDirectoryIsEioUntilItCanBeRead) {
  mount();
  const InodeRef d = *fs->lookup(root(), "d");
  device.fail(sim::BioOp::kRead, cluster_pos(6), layout.cluster_size);
  EXPECT_EQ(fs->lookup(*d, "x").code(), Errno::kIo);
  EXPECT_EQ(fs->create(*d, "y").code(), Errno::kIo);
  EXPECT_EQ(fs->rmdir(root(), "d").code(), Errno::kIo);
  device.heal();
  EXPECT_TRUE(fs->lookup(*d, "x").ok());
}

TEST_F(Hostile, AFailedZeroingInMkdirLeaksNothing) {
  mount({.sync = true});
  const sim::ClusterCount used = fs->bitmap().used();
  device.fail(sim::BioOp::kWrite, cluster_pos(10), layout.cluster_size * 100);
  EXPECT_EQ(fs->mkdir(root(), "e").code(), Errno::kIo);
  device.heal();
  EXPECT_EQ(fs->bitmap().used(), used);
  EXPECT_EQ(lookup_error("e"), Errno::kNoEnt);
}

TEST_F(Hostile, AFailedSetWriteOnASyncMountLeavesTheOldState) {
  mount({.sync = true});
  const sim::ClusterCount used = fs->bitmap().used();
  device.fail(sim::BioOp::kWrite, cluster_pos(5), layout.cluster_size);
  EXPECT_EQ(fs->create(root(), "new").code(), Errno::kIo);
  EXPECT_EQ(fs->mkdir(root(), "new").code(), Errno::kIo);
  EXPECT_EQ(fs->unlink(root(), "a").code(), Errno::kIo);
  EXPECT_EQ(fs->rename(root(), "a", root(), "b", RenameMode::kReplace).code(), Errno::kIo);
  device.heal();
  EXPECT_EQ(lookup_error("new"), Errno::kNoEnt);
  EXPECT_EQ(names(root()), (std::vector<std::string>{"d", "a"}));
  EXPECT_EQ(fs->bitmap().used(), used);
  EXPECT_TRUE(fs->create(root(), "new").ok());
}

// Random damage: whatever is hit, everything ends, and nothing is read or written out of range
// (the sanitizers watch).
TEST_F(Hostile, RandomDamageNeverHangsOrCrashes) {
  const sim::Snapshot sound = disk.snapshot();
  sim::Prng prng(11);
  for (int round = 0; round < 400; ++round) {
    disk.restore(sound);
    const uint64_t regions[] = {0, layout.fat.value(), cluster_pos(2).value(),
                                cluster_pos(5).value(), cluster_pos(6).value()};
    for (uint64_t hits = prng.between(1, 6); hits > 0; --hits) {
      const uint64_t pos = regions[prng.below(std::size(regions))] + prng.below(400);
      put(sim::DevPos{pos}, LittleEndian<uint8_t>(static_cast<uint8_t>(prng.next())));
    }
    if (prng.chance(1, 2)) {
      // Numbers that look right to a checksum.
      edit_set(5, prng.chance(1, 2) ? kA : kD, [&prng](FileDentry& file, StreamDentry& stream) {
        if (prng.chance(1, 3)) file.file_attributes = static_cast<uint16_t>(prng.next());
        if (prng.chance(1, 3)) stream.general_secondary_flags = static_cast<uint8_t>(prng.below(4));
        if (prng.chance(1, 3)) stream.first_cluster = static_cast<uint32_t>(prng.below(4000));
        if (prng.chance(1, 3)) stream.data_length = prng.below(uint64_t{1} << 25);
        if (prng.chance(1, 3)) stream.valid_data_length = prng.below(16384);
      });
    }
    if (mount_error() != Errno::kOk) continue;
    (void)fs->read_directory(root(), 0, SIZE_MAX);
    for (const char* name : {"a", "d"}) {
      const auto found = fs->lookup(root(), name);
      if (!found.ok()) continue;
      Inode& inode = **found;
      (void)fs->runs(inode);
      (void)fs->extend(inode, inode.allocated() + sim::ClusterCount{2});
      if (!inode.is_directory()) (void)shrink(inode, 4096);
      (void)fs->write_inode(inode, false);
      (void)fs->create(inode, "y");
    }
    (void)fs->mkdir(root(), "e");
    (void)fs->rename(root(), "a", root(), "a name of more than fifteen", RenameMode::kReplace);
    (void)fs->unlink(root(), "a name of more than fifteen");
    (void)fs->write_buffers();
  }
}

}  // namespace
}  // namespace zerotail::exfat
