// Benign secondary entries of a set: vendor extensions and vendor allocations, which own clusters.
// They stay with their file through writes and renames, and their clusters go when the file does.
#include <gtest/gtest.h>

#include <functional>

#include "volume_fixture.h"

namespace zerotail::exfat {
namespace {

constexpr unsigned kSetEntries = 5;  // file, stream, name, extension, allocation

class Vendor : public ::testing::Test {
 protected:
  struct Owned {
    uint64_t clusters = 3;
    bool no_fat_chain = true;
    uint8_t flags = kAllocationPossible;
    EntryType type = EntryType::kVendorAllocation;
  };

  sim::DevPos entry_pos(uint32_t index) const {
    return volume.cluster_pos(volume.layout.root.value()) +
           sim::ByteCount{uint64_t{index} * kDentrySize};
  }
  void read_set(uint32_t at, DentrySet& set, unsigned count) {
    set.set_count(count);
    for (unsigned i = 0; i < count; ++i) volume.disk.read(entry_pos(at + i), set.entries()[i]);
  }
  // An unmounted volume with a file of two clusters; the clusters of a second file, whose set goes,
  // become those of a vendor allocation of the first. Sets `free` to what is free then.
  void make(const Owned& owned) {
    volume.mount();
    InodeRef file = volume.create("file");
    volume.grow(*file, 2);
    InodeRef donor = volume.create("donor");
    volume.grow(*donor, 1);
    if (!owned.no_fat_chain) volume.grow(*volume.create("gap"), 1);
    volume.grow(*donor, owned.clusters);
    EXPECT_EQ(donor->no_fat_chain(), owned.no_fat_chain);
    first = donor->first_cluster();
    entry = file->entry_index();
    const uint32_t donor_entry = donor->entry_index();
    file.reset();
    donor.reset();
    volume.unmount();
    // The donor's three entries stand right behind: two are overwritten, one becomes free.
    ASSERT_EQ(donor_entry, entry + 3);
    DentrySet set;
    read_set(entry, set, kSetEntries);
    VendorAllocationDentry extension{};
    extension.entry_type = static_cast<uint8_t>(EntryType::kVendorExtension);
    extension.vendor_guid.fill(0x11);
    VendorAllocationDentry allocation{};
    allocation.entry_type = static_cast<uint8_t>(owned.type);
    allocation.general_secondary_flags =
        static_cast<uint8_t>(owned.flags | (owned.no_fat_chain ? kNoFatChain : 0));
    allocation.vendor_guid.fill(0x22);
    allocation.first_cluster = static_cast<uint32_t>(first.value());
    allocation.data_length = owned.clusters * volume.layout.cluster_size.value() - 100;
    store(set.entries()[3], extension);
    store(set.entries()[4], allocation);
    set.seal();
    for (unsigned i = 0; i < kSetEntries; ++i) {
      volume.disk.write(entry_pos(entry + i), set.entries()[i]);
    }
    volume.put(entry_pos(donor_entry + 2), uint8_t{0x41});
    volume.mount();
    free = volume.fs->space().free.value();
  }
  InodeRef file(const std::string& name = "file") {
    auto found = volume.fs->lookup(*volume.fs->root(), name);
    EXPECT_TRUE(found.ok()) << found.error().message();
    return *found;
  }
  uint64_t now_free() { return volume.fs->space().free.value(); }

  VolumeFixture volume;
  uint32_t entry = 0;
  sim::Cluster first;
  uint64_t free = 0;
};

TEST_F(Vendor, EntriesSurviveAWriteOfTheSet) {
  make({});
  InodeRef inode = file();
  volume.grow(*inode, 5);
  inode.reset();
  volume.unmount();
  DentrySet set;
  read_set(entry, set, kSetEntries);
  ASSERT_TRUE(set.check_structure().ok());
  ASSERT_TRUE(set.check_checksum().ok());
  EXPECT_EQ(load<VendorAllocationDentry>(set.entries()[3]).vendor_guid[0], 0x11);
  ASSERT_EQ(set.vendor_clusters().size(), 1U);
  EXPECT_EQ(set.vendor_clusters()[0].first, first);
}

TEST_F(Vendor, EntriesMoveWithARenamedFileAndKeepTheirClusters) {
  make({});
  const InodeRef directory = volume.mkdir("directory");
  const uint64_t before = now_free();
  ASSERT_TRUE(volume.fs
                  ->rename(*volume.fs->root(), "file", *directory,
                           "a name of three entries, really", RenameMode::kReplace)
                  .ok());
  EXPECT_EQ(now_free(), before);
  for (uint64_t i = 0; i < 3; ++i) {
    EXPECT_TRUE(volume.fs->bitmap().is_used(first + sim::ClusterCount{i}));
  }
  ASSERT_TRUE(volume.fs->unlink(*directory, "a name of three entries, really").ok());
  EXPECT_EQ(now_free(), before + 2 + 3);
}

TEST_F(Vendor, ARenameInPlaceKeepsThemBehindAShorterName) {
  make({});
  ASSERT_TRUE(
      volume.fs->rename(*volume.fs->root(), "file", *volume.fs->root(), "f", RenameMode::kReplace)
          .ok());
  EXPECT_EQ(now_free(), free);
  EXPECT_EQ(file("f")->entry_index(), entry);
  ASSERT_TRUE(volume.fs->unlink(*volume.fs->root(), "f").ok());
  EXPECT_EQ(now_free(), free + 5);
}

TEST_F(Vendor, UnlinkFreesTheClustersOfAnAllocation) {
  make({});
  ASSERT_TRUE(volume.fs->unlink(*volume.fs->root(), "file").ok());
  EXPECT_EQ(now_free(), free + 2 + 3);
}

TEST_F(Vendor, UnlinkFreesAnAllocationThatIsAFatChain) {
  make({.clusters = 4, .no_fat_chain = false});
  ASSERT_TRUE(volume.fs->unlink(*volume.fs->root(), "file").ok());
  EXPECT_EQ(now_free(), free + 2 + 4);
}

TEST_F(Vendor, AnOpenFileKeepsItsOwnClustersOnly) {
  make({});
  InodeRef held = file();
  ASSERT_TRUE(volume.fs->unlink(*volume.fs->root(), "file").ok());
  EXPECT_EQ(now_free(), free + 3);
  held.reset();
  ASSERT_TRUE(volume.fs->free_unlinked().ok());
  EXPECT_EQ(now_free(), free + 3 + 2);
}

TEST_F(Vendor, ARenameOverTheFileFreesThemToo) {
  make({});
  volume.create("other");
  ASSERT_TRUE(
      volume.fs
          ->rename(*volume.fs->root(), "other", *volume.fs->root(), "file", RenameMode::kReplace)
          .ok());
  EXPECT_EQ(now_free(), free + 2 + 3);
}

TEST_F(Vendor, ADiscardMountDiscardsThem) {
  make({});
  volume.unmount();
  volume.mount({.discard = true});
  volume.log.clear();
  ASSERT_TRUE(volume.fs->unlink(*volume.fs->root(), "file").ok());
  uint64_t discarded = 0;
  for (const sim::IoRecord& record : volume.log.records()) {
    if (record.op == sim::BioOp::kDiscard) discarded += sim::bytes(record.count).value();
  }
  EXPECT_EQ(discarded, volume.layout.cluster_size.value() * 5);
}

TEST_F(Vendor, WithoutAllocationPossibleNothingIsOwned) {
  make({.flags = 0});
  ASSERT_TRUE(volume.fs->unlink(*volume.fs->root(), "file").ok());
  EXPECT_EQ(now_free(), free + 2);
}

TEST_F(Vendor, AnExtensionOwnsNothingWhateverItsFlagsSay) {
  make({.type = EntryType::kVendorExtension});
  ASSERT_TRUE(volume.fs->unlink(*volume.fs->root(), "file").ok());
  EXPECT_EQ(now_free(), free + 2);
}

TEST_F(Vendor, AnUnknownBenignEntryMayOwnClusters) {
  make({.type = static_cast<EntryType>(0xE7)});
  ASSERT_TRUE(volume.fs->unlink(*volume.fs->root(), "file").ok());
  EXPECT_EQ(now_free(), free + 2 + 3);
}

TEST_F(Vendor, AnAllocationOutsideTheHeapIsLeftAloneAndTheFileGoes) {
  make({});
  volume.unmount();
  DentrySet set;
  read_set(entry, set, kSetEntries);
  auto allocation = load<VendorAllocationDentry>(set.entries()[4]);
  allocation.first_cluster = 0xFFFFFFF0;
  store(set.entries()[4], allocation);
  set.seal();
  for (unsigned i = 0; i < kSetEntries; ++i) {
    volume.disk.write(entry_pos(entry + i), set.entries()[i]);
  }
  volume.mount();
  EXPECT_TRUE(volume.fs->unlink(*volume.fs->root(), "file").ok());
  EXPECT_EQ(volume.lookup_error("file"), sim::Errno::kNoEnt);
  EXPECT_EQ(now_free(), free + 2);
}

}  // namespace
}  // namespace zerotail::exfat
