// Names in directories: what calls answer, and what stays after a remount.
#include <gtest/gtest.h>

#include "core/exfat/volume_fixture.h"

namespace zerotail::exfat {
namespace {

using sim::Errno;

class Namei : public ::testing::Test, public VolumeFixture {
 protected:
  void SetUp() override { mount(); }
  Inode& root() { return *fs->root(); }
  void remount() {
    unmount();
    mount();
  }
  // Rewrites a set of the root in its place, with vendor extensions behind it that carry numbers.
  // What stood behind it is overwritten.
  void add_vendor_entries(uint32_t entry, unsigned added) {
    DentrySet set;
    const std::vector<DentrySet::Raw> old = set_on_disk(entry, 3);
    std::copy(old.begin(), old.end(), set.storage().begin());
    for (unsigned i = 0; i < added; ++i) {
      DentrySet::Raw raw{};
      raw[0] = std::byte{0xE0};
      raw[5] = static_cast<std::byte>(i);
      set.storage()[3 + i] = raw;
    }
    set.set_count(3 + added);
    set.seal();
    for (unsigned i = 0; i < set.count(); ++i) {
      disk.write(cluster_pos(5) + sim::ByteCount{uint64_t{entry + i} * kDentrySize},
                 set.entries()[i]);
    }
  }
  std::vector<DentrySet::Raw> set_on_disk(uint32_t entry, unsigned count) {
    std::vector<DentrySet::Raw> raw(count);
    for (unsigned i = 0; i < count; ++i) {
      disk.read(cluster_pos(5) + sim::ByteCount{uint64_t{entry + i} * kDentrySize}, raw[i]);
    }
    return raw;
  }
};

std::string long_name(unsigned units, char fill) { return std::string(units, fill); }

TEST_F(Namei, FindsWhatWasCreatedInAnyCase) {
  const InodeRef made = create("Été.txt");
  const auto found = fs->lookup(root(), "ÉTÉ.TXT");
  ASSERT_TRUE(found.ok());
  EXPECT_EQ(*found, made);
  EXPECT_EQ(lookup_error("ete.txt"), Errno::kNoEnt);
}

TEST_F(Namei, KeepsNamesOverARemount) {
  create("b");
  {
    const InodeRef d = mkdir("d");
    create(*d, "inside with a name of more than fifteen units");
  }
  remount();
  EXPECT_EQ(names(root()), (std::vector<std::string>{"b", "d"}));
  const auto again = fs->lookup(root(), "d");
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(names(**again),
            (std::vector<std::string>{"inside with a name of more than fifteen units"}));
}

TEST_F(Namei, ANewFileIsEmptyWithArchiveAndTimes) {
  world.loop.run_until(sim::seconds(7));
  const InodeRef file = create("a");
  EXPECT_EQ(file->size(), sim::FilePos{0});
  EXPECT_EQ(file->allocated(), sim::ClusterCount{0});
  EXPECT_TRUE(file->no_fat_chain());
  EXPECT_EQ(file->attributes(), kAttributeArchive);
  EXPECT_EQ(file->modified().seconds, 1767225607);
  EXPECT_EQ(file->accessed().seconds, 1767225606);
}

TEST_F(Namei, ANewDirectoryHasOneClusterOfZeros) {
  const InodeRef directory = mkdir("d");
  EXPECT_EQ(directory->size(), sim::FilePos{4096});
  EXPECT_EQ(directory->valid_size(), sim::FilePos{4096});
  EXPECT_EQ(runs(*directory), "6+1");
  EXPECT_EQ(names(*directory), std::vector<std::string>{});
  EXPECT_EQ(*fs->subdirectory_count(root()), 1U);
}

TEST_F(Namei, RefusesNamesAsTheDriverDoes) {
  create("a");
  EXPECT_EQ(fs->create(root(), "A").code(), Errno::kExist);
  EXPECT_EQ(fs->mkdir(root(), "a.").code(), Errno::kExist);
  EXPECT_EQ(fs->create(root(), "a*").code(), Errno::kInval);
  EXPECT_EQ(lookup_error("a*"), Errno::kNoEnt);
  EXPECT_EQ(fs->unlink(root(), "a*").code(), Errno::kNoEnt);
  EXPECT_EQ(fs->create(root(), "...").code(), Errno::kNoEnt);
  EXPECT_EQ(fs->create(root(), long_name(256, 'x')).code(), Errno::kNameTooLong);
  EXPECT_EQ(lookup_error(long_name(256, 'x')), Errno::kNameTooLong);
  EXPECT_EQ(fs->unlink(root(), long_name(256, 'x')).code(), Errno::kNameTooLong);
  EXPECT_TRUE(fs->create(root(), long_name(255, 'x')).ok());
}

TEST_F(Namei, AFileIsNoDirectory) {
  const InodeRef file = create("a");
  EXPECT_EQ(fs->lookup(*file, "x").code(), Errno::kNotDir);
  EXPECT_EQ(fs->create(*file, "x").code(), Errno::kNotDir);
  EXPECT_EQ(fs->unlink(*file, "x").code(), Errno::kNotDir);
  EXPECT_EQ(fs->read_directory(*file, 0, 10).code(), Errno::kNotDir);
  EXPECT_EQ(fs->rmdir(root(), "a").code(), Errno::kNotDir);
}

TEST_F(Namei, RmdirWantsAnEmptyDirectory) {
  const InodeRef directory = mkdir("d");
  create(*directory, "x");
  EXPECT_EQ(fs->unlink(root(), "d").code(), Errno::kIsDir);
  EXPECT_EQ(fs->rmdir(root(), "d").code(), Errno::kNotEmpty);
  ASSERT_TRUE(fs->unlink(*directory, "x").ok());
  EXPECT_TRUE(fs->rmdir(root(), "d").ok());
  EXPECT_EQ(lookup_error("d"), Errno::kNoEnt);
}

TEST_F(Namei, ARemovedDirectoryTakesNoNames) {
  const InodeRef directory = mkdir("d");
  ASSERT_TRUE(fs->rmdir(root(), "d").ok());
  EXPECT_EQ(fs->create(*directory, "x").code(), Errno::kNoEnt);
  EXPECT_EQ(fs->lookup(*directory, "x").code(), Errno::kNoEnt);
  EXPECT_EQ(names(*directory), std::vector<std::string>{});
}

TEST_F(Namei, ReusesTheFirstFreeEntries) {
  const InodeRef a = create("a");
  create("b");
  const InodeRef c = create("c");
  EXPECT_EQ(a->entry_index(), 3U);
  EXPECT_EQ(c->entry_index(), 9U);
  ASSERT_TRUE(fs->unlink(root(), "b").ok());
  EXPECT_EQ(create(long_name(16, 'x'))->entry_index(), 12U);  // four entries do not fit
  EXPECT_EQ(create("e")->entry_index(), 6U);
}

TEST_F(Namei, DirectoriesGrowByAClusterAndNeverShrink) {
  {
    const InodeRef directory = mkdir("d");
    for (int i = 0; i < 43; ++i) create(*directory, "f" + std::to_string(i));
    EXPECT_EQ(directory->size(), sim::FilePos{8192});  // 129 entries
    EXPECT_EQ(runs(*directory), "6+2");
    for (int i = 0; i < 43; ++i) {
      ASSERT_TRUE(fs->unlink(*directory, "f" + std::to_string(i)).ok());
    }
    EXPECT_EQ(directory->size(), sim::FilePos{8192});
  }
  remount();
  const auto directory = fs->lookup(root(), "d");
  ASSERT_TRUE(directory.ok());
  EXPECT_EQ((*directory)->size(), sim::FilePos{8192});
}

TEST_F(Namei, TheRootGrowsAsAFatChain) {
  for (int i = 0; i < 100; ++i) create("file with a name " + std::to_string(i));
  EXPECT_EQ(runs(root()), "5+4");
  EXPECT_FALSE(root().no_fat_chain());
  remount();
  EXPECT_EQ(names(root()).size(), 100U);
  EXPECT_EQ(fat_entry(5), 6U);
  EXPECT_EQ(fat_entry(8), kFatEndOfChain);
}

TEST(NameiSmallClusters, ASetMayStraddleClusters) {
  VolumeFixture small({.mebibytes = 16, .sector = 512, .cluster = 512});
  small.mount();
  const InodeRef directory = small.mkdir("d");
  small.create(*directory, long_name(255, 'a'));  // 19 entries over two clusters of 16
  small.create(*directory, long_name(255, 'b'));
  EXPECT_EQ(directory->size(), sim::FilePos{1536});
  small.fs->drop_inodes();
  EXPECT_EQ(small.names(*directory),
            (std::vector<std::string>{long_name(255, 'a'), long_name(255, 'b')}));
}

TEST_F(Namei, ReadsADirectoryInPages) {
  for (const char* name : {"a", "b", "c"}) create(name);
  auto page = fs->read_directory(root(), 0, 2);
  ASSERT_TRUE(page.ok());
  EXPECT_EQ(page->items.size(), 2U);
  EXPECT_FALSE(page->end);
  page = fs->read_directory(root(), page->next, 2);
  ASSERT_TRUE(page.ok());
  ASSERT_EQ(page->items.size(), 1U);
  EXPECT_EQ(page->items[0].name, "c");
  EXPECT_TRUE(page->end);
}

TEST_F(Namei, ReadingPastTheEndOfADirectoryGivesNothing) {
  for (const uint64_t pos : {uint64_t{128}, uint64_t{4096}, UINT64_MAX}) {
    const auto page = fs->read_directory(root(), pos, 10);
    ASSERT_TRUE(page.ok());
    EXPECT_TRUE(page->items.empty() && page->end);
  }
}

TEST_F(Namei, ReadOnlyMountsRefuseChanges) {
  create("a");
  mkdir("d");
  unmount();
  mount({.read_only = true});
  log.clear();
  EXPECT_EQ(fs->create(root(), "b").code(), Errno::kRofs);
  EXPECT_EQ(fs->unlink(root(), "a").code(), Errno::kRofs);
  EXPECT_EQ(fs->rmdir(root(), "d").code(), Errno::kRofs);
  EXPECT_EQ(fs->rename(root(), "a", root(), "b", RenameMode::kReplace).code(), Errno::kRofs);
  const InodeRef file = *fs->lookup(root(), "a");
  EXPECT_EQ(fs->extend(*file, sim::ClusterCount{1}).code(), Errno::kRofs);
  EXPECT_EQ(fs->shrink(*file).code(), Errno::kRofs);
  EXPECT_EQ(fs->write_inode(*file, true).code(), Errno::kRofs);
  EXPECT_TRUE(log.records().empty());
}

TEST_F(Namei, AFullVolumeHasNoRoomForADirectoryButForAName) {
  const InodeRef file = create("a");
  grow(*file, fs->space().free.value());
  EXPECT_EQ(fs->mkdir(root(), "d").code(), Errno::kNoSpc);
  EXPECT_EQ(lookup_error("d"), Errno::kNoEnt);
  EXPECT_TRUE(fs->create(root(), "b").ok());
}

// ---- inodes in memory

TEST_F(Namei, OneInodeForOnePlace) {
  const InodeRef made = create("a");
  EXPECT_EQ(*fs->lookup(root(), "a"), made);
  const uint64_t number = made->number();
  ASSERT_TRUE(fs->unlink(root(), "a").ok());
  EXPECT_NE(create("a")->number(), number);  // the same entries, another file
}

TEST_F(Namei, AnUnlinkedFileKeepsItsClustersUntilItsLastReferenceGoes) {
  InodeRef file = create("a");
  grow(*file, 3);
  const sim::ClusterCount used = fs->bitmap().used();
  ASSERT_TRUE(fs->unlink(root(), "a").ok());
  EXPECT_TRUE(file->unlinked());
  EXPECT_EQ(runs(*file), "6+3");
  EXPECT_EQ(fs->bitmap().used(), used);
  file.reset();
  ASSERT_TRUE(fs->free_unlinked().ok());
  EXPECT_EQ(fs->bitmap().used(), used - sim::ClusterCount{3});
}

TEST_F(Namei, AnUnlinkedFileCanStillGrow) {
  InodeRef file = create("a");
  grow(*file, 1);
  ASSERT_TRUE(fs->unlink(root(), "a").ok());
  const sim::ClusterCount used = fs->bitmap().used();
  grow(*file, 5);
  EXPECT_TRUE(fs->write_inode(*file, true).ok());  // nowhere to write it
  file.reset();
  ASSERT_TRUE(fs->free_unlinked().ok());
  EXPECT_EQ(fs->bitmap().used(), used - sim::ClusterCount{1});
  EXPECT_TRUE(fs->dirty_inodes().empty());
}

TEST_F(Namei, AnAttachmentIsEvictedBeforeTheClustersAreFreed) {
  struct Attachment : InodeAttachment {
    Attachment(FileSystem& of, sim::ClusterCount& used_then) : fs(of), used(used_then) {}
    void evict() override { used = fs.bitmap().used(); }
    FileSystem& fs;
    sim::ClusterCount& used;
  };
  sim::ClusterCount used_then;
  InodeRef file = create("a");
  grow(*file, 3);
  file->attachment = std::make_unique<Attachment>(*fs, used_then);
  const sim::ClusterCount used = fs->bitmap().used();
  file.reset();
  ASSERT_TRUE(fs->unlink(root(), "a").ok());
  EXPECT_EQ(used_then, used);
  EXPECT_EQ(fs->bitmap().used(), used - sim::ClusterCount{3});
}

TEST_F(Namei, DropsOnlyInodesThatNobodyNeeds) {
  InodeRef held;
  {
    const InodeRef directory = mkdir("d");
    held = create(*directory, "held");
    create(*directory, "clean");
    const InodeRef dirty = create(*directory, "dirty");
    fs->mark_dirty(*dirty, DirtyBits::kTimes);
  }
  ASSERT_TRUE(fs->write_inode(*held->parent(), false).ok());
  const uint64_t clean = (*fs->lookup(*held->parent(), "clean"))->number();
  fs->drop_inodes();
  EXPECT_NE((*fs->lookup(*held->parent(), "clean"))->number(), clean);
  EXPECT_EQ(*fs->lookup(*held->parent(), "held"), held);
  EXPECT_EQ(fs->dirty_inodes().size(), 1U);
}

TEST_F(Namei, DirtyInodesComeInTheOrderInWhichTheyBecameDirty) {
  const InodeRef a = create("a");
  const InodeRef b = create("b");
  fs->mark_dirty(*b, DirtyBits::kTimes);
  fs->mark_dirty(*a, DirtyBits::kPages);
  fs->mark_dirty(*b, DirtyBits::kMetadata);
  const std::vector<InodeRef> dirty = fs->dirty_inodes();
  ASSERT_EQ(dirty.size(), 2U);
  EXPECT_EQ(dirty[0], b);
  EXPECT_EQ(dirty[1], a);
  ASSERT_TRUE(fs->write_inode(*a, false).ok());  // its pages are still dirty
  EXPECT_EQ(fs->dirty_inodes().size(), 2U);
}

TEST_F(Namei, WhatWriteInodeStoresComesBack) {
  {
    const InodeRef file = create("a");
    grow(*file, 3);
    file->set_size(sim::FilePos{9000});
    file->set_valid_size(sim::FilePos{5001});
    file->set_attributes(kAttributeHidden | kAttributeReadOnly);
    file->set_modified({.seconds = 1700000001, .nanoseconds = 119'999'999});
    ASSERT_TRUE(fs->write_inode(*file, true).ok());
  }
  remount();
  const InodeRef file = *fs->lookup(root(), "a");
  EXPECT_EQ(file->size(), sim::FilePos{9000});
  EXPECT_EQ(file->valid_size(), sim::FilePos{5001});
  EXPECT_EQ(file->zeroed_size(), sim::FilePos{5001});
  EXPECT_EQ(file->attributes(), kAttributeHidden | kAttributeReadOnly);
  EXPECT_EQ(file->modified(), (TimeStamp{.seconds = 1700000001, .nanoseconds = 110'000'000}));
  EXPECT_EQ(runs(*file), "6+3");
  EXPECT_TRUE(file->no_fat_chain());
}

// ---- vendor entries

TEST_F(Namei, VendorEntriesSurviveWritesAndRenames) {
  create("a");
  unmount();
  add_vendor_entries(3, 2);
  mount();
  uint32_t entry = 0;
  {
    const InodeRef file = *fs->lookup(root(), "a");
    file->set_modified({.seconds = 1700000000});
    ASSERT_TRUE(fs->write_inode(*file, true).ok());
    ASSERT_TRUE(
        fs->rename(root(), "a", root(), "a longer name than before", RenameMode::kReplace).ok());
    entry = file->entry_index();
  }
  unmount();
  const auto raw = set_on_disk(entry, 6);
  EXPECT_EQ(static_cast<uint8_t>(raw[0][1]), 5);  // SecondaryCount
  EXPECT_EQ(static_cast<uint8_t>(raw[4][0]), 0xE0);
  EXPECT_EQ(static_cast<uint8_t>(raw[5][0]), 0xE0);
  EXPECT_EQ(static_cast<uint8_t>(raw[5][5]), 1);
}

}  // namespace
}  // namespace zerotail::exfat
