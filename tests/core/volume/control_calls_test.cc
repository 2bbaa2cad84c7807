#include <algorithm>

#include "core/volume/test_volume.h"
#include "zerotail/exfat/ondisk.h"

namespace zerotail::volume {
namespace {

using sim::Errno;

class ControlCallsTest : public VolumeTest {
 protected:
  uint16_t attributes(std::string_view path) {
    const auto found = volume_->attributes(path);
    EXPECT_TRUE(found.ok());
    return found.ok() ? *found : 0;
  }
  void remount_as(const MountOptions& options) {
    ASSERT_TRUE(volume_->unmount().ok());
    volume_.reset();
    mount(options);
  }
  uint64_t writes() const {
    uint64_t count = 0;
    for (const sim::IoRecord& record : log_.records()) {
      if (record.op == sim::BioOp::kWrite || record.op == sim::BioOp::kDiscard) ++count;
    }
    return count;
  }
  uint64_t discarded() const {
    uint64_t bytes = 0;
    for (const sim::IoRecord& record : log_.records()) {
      if (record.op == sim::BioOp::kDiscard) bytes += sim::bytes(record.count).value();
    }
    return bytes;
  }
  bool dirty_on_disk() const {
    std::array<std::byte, sizeof(exfat::BootSector)> raw;
    disk_.read(sim::DevPos{0}, raw);
    return (exfat::load<exfat::BootSector>(raw).volume_flags & exfat::kVolumeDirty) != 0;
  }
};

// ---- attributes

TEST_F(ControlCallsTest, AttributesSurviveARemount) {
  put("a", "text");
  EXPECT_EQ(attributes("a"), exfat::kAttributeArchive);
  const uint32_t wanted = exfat::kAttributeReadOnly | exfat::kAttributeHidden;
  ASSERT_TRUE(volume_->set_attributes("a", wanted).ok());
  remount();
  EXPECT_EQ(attributes("a"), wanted);
  EXPECT_EQ(volume_->stat("a")->attributes, wanted);
}

TEST_F(ControlCallsTest, ADirectoryStaysADirectoryAndAFileAFile) {
  put("a", "");
  ASSERT_TRUE(volume_->mkdir("d").ok());
  ASSERT_TRUE(volume_->set_attributes("a", 0xFFFFFFFF).ok());
  ASSERT_TRUE(volume_->set_attributes("d", exfat::kAttributeHidden).ok());
  EXPECT_EQ(attributes("a"), exfat::kAttributeReadOnly | exfat::kAttributeHidden |
                                 exfat::kAttributeSystem | exfat::kAttributeArchive);
  EXPECT_EQ(attributes("d"), exfat::kAttributeDirectory | exfat::kAttributeHidden);
  remount();
  EXPECT_EQ(names(""), "a d/ ");
}

TEST_F(ControlCallsTest, TheRootHasNoAttributesToSet) {
  EXPECT_EQ(volume_->set_attributes("", exfat::kAttributeHidden).code(), Errno::kInval);
  EXPECT_TRUE(volume_->set_attributes("", 0).ok());
  EXPECT_TRUE(volume_->set_attributes("", exfat::kAttributeDirectory).ok());
  EXPECT_EQ(attributes(""), exfat::kAttributeDirectory);
}

TEST_F(ControlCallsTest, SystemFilesTakeAPrivilege) {
  put("a", "");
  EXPECT_EQ(volume_->set_attributes("a", exfat::kAttributeSystem, false).code(), Errno::kPerm);
  ASSERT_TRUE(volume_->set_attributes("a", exfat::kAttributeSystem, true).ok());
  EXPECT_EQ(volume_->set_attributes("a", 0, false).code(), Errno::kPerm);
  EXPECT_TRUE(volume_->set_attributes("a", 0, true).ok());
}

TEST_F(ControlCallsTest, AReadOnlyFileIsStillWrittenByRoot) {
  put("a", "old");
  ASSERT_TRUE(volume_->set_attributes("a", exfat::kAttributeReadOnly).ok());
  put("a", "new");
  EXPECT_EQ(get("a"), "new");
  EXPECT_TRUE(volume_->unlink("a").ok());
}

TEST_F(ControlCallsTest, AReadOnlyMountRefusesWhatChanges) {
  put("a", "");
  remount_as({.read_only = true});
  EXPECT_EQ(volume_->set_attributes("a", 0).code(), Errno::kRofs);
  EXPECT_EQ(volume_->set_label("x").code(), Errno::kRofs);
  EXPECT_EQ(volume_->set_times("a", FileTime{}, {}).code(), Errno::kRofs);
  EXPECT_TRUE(volume_->attributes("a").ok());
  EXPECT_TRUE(volume_->label().ok());
}

// ---- times

TEST_F(ControlCallsTest, TimesAreKeptAsFarAsTheFormatHoldsThem) {
  put("a", "");
  ASSERT_TRUE(volume_
                  ->set_times("a", FileTime{.seconds = 1'000'000'001, .nanoseconds = 5},
                              FileTime{.seconds = 1'000'000'003, .nanoseconds = 987'654'321})
                  .ok());
  remount();
  const auto stat = volume_->stat("a");
  ASSERT_TRUE(stat.ok());
  EXPECT_EQ(stat->accessed, (FileTime{.seconds = 1'000'000'000, .nanoseconds = 0}));
  EXPECT_EQ(stat->modified, (FileTime{.seconds = 1'000'000'003, .nanoseconds = 980'000'000}));
}

TEST_F(ControlCallsTest, TimesOutsideTheFormatBecomeItsFirstAndLast) {
  put("a", "");
  ASSERT_TRUE(
      volume_->set_times("a", FileTime{.seconds = -5}, FileTime{.seconds = INT64_MAX}).ok());
  remount();
  const auto stat = volume_->stat("a");
  EXPECT_EQ(stat->accessed.seconds, 315532800);
  EXPECT_EQ(stat->modified.seconds, 4354819199);
  EXPECT_EQ(stat->modified.nanoseconds, 990'000'000U);
}

TEST_F(ControlCallsTest, ANewFileHasTheTimeOfTheVirtualClock) {
  put("a", "");
  const auto stat = volume_->stat("a");
  EXPECT_EQ(stat->created.seconds, 1767225600);
  EXPECT_EQ(stat->created, stat->modified);
}

// ---- label

TEST_F(ControlCallsTest, ALabelIsReadBackAndSurvivesARemount) {
  EXPECT_EQ(*volume_->label(), "");
  ASSERT_TRUE(volume_->set_label("Größe").ok());
  EXPECT_EQ(*volume_->label(), "Größe");
  remount();
  EXPECT_EQ(*volume_->label(), "Größe");
}

TEST_F(ControlCallsTest, ALabelHasElevenUtf16Units) {
  EXPECT_TRUE(volume_->set_label("elevenunits").ok());
  EXPECT_EQ(volume_->set_label("twelve units").code(), Errno::kInval);
  // Five pairs of surrogates and one unit; six pairs are twelve.
  EXPECT_TRUE(volume_->set_label("😀😀😀😀😀x").ok());
  EXPECT_EQ(volume_->set_label("😀😀😀😀😀😀").code(), Errno::kInval);
  EXPECT_EQ(*volume_->label(), "😀😀😀😀😀x");
}

TEST_F(ControlCallsTest, ALabelTakesNoCharacterThatANameMayNotHave) {
  ASSERT_TRUE(volume_->set_label("before").ok());
  for (const char* label : {"a/b", "a:b", "a\nb", "\xFF", "a*"}) {
    EXPECT_EQ(volume_->set_label(label).code(), Errno::kInval) << label;
  }
  EXPECT_EQ(*volume_->label(), "before");
}

TEST_F(ControlCallsTest, AnEmptyLabelIsNone) {
  ASSERT_TRUE(volume_->set_label("x").ok());
  ASSERT_TRUE(volume_->set_label("").ok());
  remount();
  EXPECT_EQ(*volume_->label(), "");
}

TEST_F(ControlCallsTest, WithoutAnEntryTheLabelGetsOneAndNamesStay) {
  put("a", "text");
  ASSERT_TRUE(volume_->unmount().ok());
  volume_.reset();
  // mkfs puts the label first into the root directory: it becomes a deleted entry.
  exfat::MkfsOptions mkfs;
  mkfs.cluster_size = sim::kib(4);
  const auto layout = exfat::plan_volume(sim::bytes(disk_.capacity()), mkfs);
  const sim::DevPos root = layout->heap + layout->cluster_size * (layout->root.value() - 2);
  disk_.write(root, std::vector<std::byte>{std::byte{0x03}});
  mount();
  EXPECT_EQ(*volume_->label(), "");
  ASSERT_TRUE(volume_->set_label("again").ok());
  remount();
  EXPECT_EQ(*volume_->label(), "again");
  EXPECT_EQ(names(""), "a ");
}

TEST_F(ControlCallsTest, ADirsyncMountWritesTheLabelBeforeItReturns) {
  remount_as({.dirsync = true});
  ASSERT_TRUE(volume_->set_label("durable").ok());
  volume_.reset();  // a power failure
  mount();
  EXPECT_EQ(*volume_->label(), "durable");
}

// ---- readdir

TEST_F(ControlCallsTest, ReadingADirectoryGoesOnWhereItEnded) {
  put("first", "");
  put("second", "");
  ASSERT_TRUE(volume_->mkdir("third").ok());
  const auto all = volume_->read_directory("", 0);
  ASSERT_TRUE(all.ok());
  ASSERT_EQ(all->entries.size(), 3U);
  EXPECT_EQ(all->entries[0].name, "first");
  EXPECT_TRUE(all->entries[2].directory);
  EXPECT_TRUE(volume_->read_directory("", all->next)->entries.empty());
  // Label, bitmap and upcase table come first; a name of one entry makes a set of three.
  const uint64_t second = (3 + 3) * 32;
  EXPECT_EQ(volume_->read_directory("", second)->entries.size(), 2U);
  EXPECT_EQ(volume_->read_directory("", second - 31)->entries.size(), 2U) << "rounded up";
  EXPECT_EQ(volume_->read_directory("", second + 1)->entries.size(), 1U) << "inside a set";
}

TEST_F(ControlCallsTest, APositionPastTheEndOfADirectoryGivesNothing) {
  ASSERT_TRUE(volume_->mkdir("d").ok());
  put("d/a", "");
  for (const uint64_t pos : {uint64_t{4096}, uint64_t{1} << 32, UINT64_MAX}) {
    const auto listing = volume_->read_directory("d", pos);
    ASSERT_TRUE(listing.ok()) << pos;
    EXPECT_TRUE(listing->entries.empty()) << pos;
  }
  EXPECT_EQ(volume_->read_directory("d/a", 0).code(), Errno::kNotDir);
}

// ---- FITRIM

TEST_F(ControlCallsTest, TrimDiscardsAllThatIsFreeAndNothingElse) {
  put("a", "kept");
  ASSERT_TRUE(volume_->sync().ok());
  log_.clear();
  const auto trimmed = volume_->trim({});
  ASSERT_TRUE(trimmed.ok());
  EXPECT_EQ(*trimmed, free_clusters() * 4096);
  EXPECT_EQ(discarded(), *trimmed);
  remount();
  EXPECT_EQ(get("a"), "kept");
}

TEST_F(ControlCallsTest, TrimStaysInsideItsRange) {
  const uint64_t first_free = 7;  // bitmap, upcase table of two clusters, root; then free
  const auto part = volume_->trim({.start = first_free * 4096, .length = 3 * 4096 + 5});
  ASSERT_TRUE(part.ok());
  EXPECT_EQ(*part, 3U * 4096);
  const uint64_t heap_end = (volume_->statfs()->blocks + 2) * 4096;
  EXPECT_EQ(*volume_->trim({.start = heap_end - 4096, .length = UINT64_MAX}), 4096U);
}

TEST_F(ControlCallsTest, TrimSkipsRunsThatAreTooShort) {
  // Single free clusters between files of one cluster.
  for (const char* name : {"a", "b", "c", "d", "e"}) put(name, "x");
  ASSERT_TRUE(volume_->unlink("b").ok());
  ASSERT_TRUE(volume_->unlink("d").ok());
  const uint64_t all = *volume_->trim({});
  EXPECT_EQ(*volume_->trim({.min_length = 2 * 4096}), all - 2 * 4096);
  EXPECT_EQ(*volume_->trim({.min_length = UINT64_MAX}), 0U);
}

TEST_F(ControlCallsTest, TrimRefusesRangesThatAreNone) {
  EXPECT_EQ(volume_->trim({.start = 0, .length = 4095}).code(), Errno::kInval);
  const uint64_t heap_end = (volume_->statfs()->blocks + 2) * 4096;
  EXPECT_EQ(volume_->trim({.start = heap_end}).code(), Errno::kInval);
  EXPECT_EQ(volume_->trim({.start = UINT64_MAX}).code(), Errno::kInval);
}

// ---- forced shutdown

TEST_F(ControlCallsTest, AfterAShutdownEverythingIsEio) {
  put("a", "text");
  const Fd fd = open("a");
  const auto map = volume_->mmap(fd);
  ASSERT_TRUE(map.ok());
  ASSERT_TRUE(volume_->shutdown(kShutdownDefault).ok());
  std::vector<std::byte> bytes(4);
  EXPECT_EQ(volume_->open("a", {}).code(), Errno::kIo);
  EXPECT_EQ(volume_->read(fd, 0, bytes).code(), Errno::kIo);
  EXPECT_EQ(volume_->write(fd, 0, {.bytes = bytes}).code(), Errno::kIo);
  EXPECT_EQ(volume_->truncate(fd, 0).code(), Errno::kIo);
  EXPECT_EQ(volume_->fallocate(fd, 0, 0, 100).code(), Errno::kIo);
  EXPECT_EQ(volume_->fsync(fd, false).code(), Errno::kIo);
  EXPECT_EQ(volume_->seek(fd, 0, Whence::kData).code(), Errno::kIo);
  EXPECT_EQ(volume_->mmap(fd).code(), Errno::kIo);
  EXPECT_EQ(volume_->msync(*map).code(), Errno::kIo);
  EXPECT_TRUE(volume_->load(*map, 0, bytes)->sigbus);
  EXPECT_TRUE(volume_->store(*map, 0, bytes)->sigbus);
  EXPECT_EQ(volume_->mkdir("d").code(), Errno::kIo);
  EXPECT_EQ(volume_->unlink("a").code(), Errno::kIo);
  EXPECT_EQ(volume_->rename("a", "b", RenameMode::kReplace).code(), Errno::kIo);
  EXPECT_EQ(volume_->stat("a").code(), Errno::kIo);
  EXPECT_EQ(volume_->stat(fd).code(), Errno::kIo);
  EXPECT_EQ(volume_->statfs().code(), Errno::kIo);
  EXPECT_EQ(volume_->list("").code(), Errno::kIo);
  EXPECT_EQ(volume_->syncfs().code(), Errno::kIo);
  EXPECT_EQ(volume_->remount({}).code(), Errno::kIo);
  EXPECT_EQ(volume_->label().code(), Errno::kIo);
  EXPECT_EQ(volume_->set_label("x").code(), Errno::kIo);
  EXPECT_EQ(volume_->attributes("a").code(), Errno::kIo);
  EXPECT_EQ(volume_->trim({}).code(), Errno::kIo);
  EXPECT_TRUE(volume_->sync().ok());
  EXPECT_TRUE(volume_->munmap(*map).ok());
  EXPECT_TRUE(volume_->close(fd).ok());
  EXPECT_TRUE(volume_->shutdown(kShutdownNoSync).ok());
  EXPECT_TRUE(volume_->unmount().ok());
}

TEST_F(ControlCallsTest, AShutdownWritesEverythingBackUnlessToldNotTo) {
  for (const uint32_t mode : {kShutdownDefault, kShutdownFullSync, kShutdownNoSync}) {
    put("kept", "before");
    ASSERT_TRUE(volume_->sync().ok());
    put("kept", "after!");
    ASSERT_TRUE(volume_->shutdown(mode).ok());
    ASSERT_TRUE(volume_->unmount().ok());
    volume_.reset();
    mount();
    EXPECT_EQ(get("kept"), mode == kShutdownNoSync ? "before" : "after!") << mode;
  }
}

TEST_F(ControlCallsTest, NothingIsWrittenAfterAShutdownAndTheVolumeStaysDirty) {
  put("a", "dirty");
  ASSERT_TRUE(volume_->shutdown(kShutdownNoSync).ok());
  log_.clear();
  ASSERT_TRUE(volume_->sync().ok());
  ASSERT_TRUE(volume_->background_writeback().ok());
  ASSERT_TRUE(volume_->unmount().ok());
  EXPECT_EQ(writes(), 0U);
  EXPECT_TRUE(dirty_on_disk());
}

TEST_F(ControlCallsTest, AFullShutdownLeavesTheVolumeDirtyToo) {
  put("a", "text");
  ASSERT_TRUE(volume_->shutdown(kShutdownFullSync).ok());
  ASSERT_TRUE(volume_->unmount().ok());
  EXPECT_TRUE(dirty_on_disk());
}

TEST_F(ControlCallsTest, AnUnknownShutdownModeChangesNothing) {
  EXPECT_EQ(volume_->shutdown(3).code(), Errno::kInval);
  put("a", "text");
  EXPECT_EQ(get("a"), "text");
}

TEST_F(ControlCallsTest, ClosingAnUnlinkedFileAfterAShutdownFreesNothing) {
  remount_as({.discard = true});
  put("a", "text");
  const Fd fd = open("a");
  ASSERT_TRUE(volume_->unlink("a").ok());
  ASSERT_TRUE(volume_->shutdown(kShutdownDefault).ok());
  log_.clear();
  EXPECT_TRUE(volume_->close(fd).ok());
  EXPECT_TRUE(volume_->unmount().ok());
  EXPECT_EQ(writes(), 0U);
}

}  // namespace
}  // namespace zerotail::volume
