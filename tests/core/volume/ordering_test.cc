// In which order a volume writes with each rule alone: what the rule waits for is on the device and
// flushed ("|") before the rest is written. "PFboot" is VolumeDirty with PREFLUSH and FUA.
#include <gtest/gtest.h>

#include "core/volume/test_volume.h"
#include "zerotail/buffer/io_kind.h"

namespace zerotail::volume {
namespace {

class OrderingRules : public VolumeTest {
 protected:
  // The files are on the volume, VolumeDirty is clear and the log is empty.
  void start(Ordering ordering, MountOptions options = {}) {
    ASSERT_TRUE(volume_->unmount().ok());
    volume_.reset();
    options.ordering = ordering;
    mount(options);
    log_.clear();
  }
  void start(Rule rule, const MountOptions& options = {}) {
    start(Ordering::kLinux.with(rule), options);
  }
  std::string log() {
    std::string text;
    for (const sim::IoRecord& record : log_.records()) {
      if (!text.empty()) text += ' ';
      if (record.op == sim::BioOp::kFlush) {
        text += '|';
      } else if (record.op == sim::BioOp::kDiscard) {
        text += "discard";
      } else {
        text += record.preflush ? "P" : "";
        text += record.fua ? "F" : "";
        text += buffer::io_kind_name(record.tag.kind);
      }
    }
    log_.clear();
    return text;
  }
  void write(Fd fd, int64_t pos, size_t length) {
    const std::vector<std::byte> data(length, std::byte{0x5A});
    ASSERT_TRUE(volume_->write(fd, pos, {.bytes = data}).ok());
  }
  // A file whose clusters are written and stored, fragmented: it has a FAT chain.
  void make_chain(const std::string& name) {
    const Fd a = open(name);
    const Fd b = open("between");
    write(a, 0, 4096);
    write(b, 0, 4096);
    write(a, 4096, 4096);
    ASSERT_TRUE(volume_->close(a).ok());
    ASSERT_TRUE(volume_->close(b).ok());
  }
};

TEST_F(OrderingRules, LinuxGrowsAFileBeforeVolumeDirtyOnASyncMount) {
  put("a", "x");
  start(Ordering::kLinux, {.sync = true});
  ASSERT_TRUE(volume_->truncate("a", 20000).ok());
  EXPECT_EQ(log(), "bitmap bitmap bitmap bitmap PFboot directory");
}

TEST_F(OrderingRules, DirtyFirstSetsVolumeDirtyBeforeAFileGrows) {
  put("a", "x");
  start(Rule::kDirtyFirst, {.sync = true});
  ASSERT_TRUE(volume_->truncate("a", 20000).ok());
  EXPECT_EQ(log(), "PFboot bitmap bitmap bitmap bitmap directory");
}

TEST_F(OrderingRules, LinuxStoresTheSetWithoutWaitingForTheDataToBeDurable) {
  const Fd fd = open("a");
  write(fd, 0, 100);
  log();
  ASSERT_TRUE(volume_->fsync(fd, false).ok());
  EXPECT_EQ(log(), "data directory bitmap |");
}

TEST_F(OrderingRules, DataFirstFlushesTheDataBeforeTheSetTellsOfIt) {
  start(Rule::kDataFirst);
  const Fd fd = open("a");
  write(fd, 0, 100);
  log();
  ASSERT_TRUE(volume_->fsync(fd, false).ok());
  EXPECT_EQ(log(), "data | directory bitmap |");
}

TEST_F(OrderingRules, DataFirstAddsNoFlushToAnOverwrite) {
  put("a", "0123456789");
  start(Rule::kDataFirst);
  const Fd fd = open("a", {.write = true});
  write(fd, 0, 5);
  ASSERT_TRUE(volume_->fsync(fd, true).ok());
  EXPECT_EQ(log(), "data |");
}

TEST_F(OrderingRules, DataFirstUsesOneFlushForAllFilesOfASync) {
  start(Rule::kDataFirst);
  for (const char* name : {"a", "b", "c"}) write(open(name), 0, 100);
  log();
  ASSERT_TRUE(volume_->sync().ok());
  EXPECT_EQ(log(), "data data data | directory directory directory bitmap");
}

// A sync in between must not store a V whose data only the cache has.
TEST_F(OrderingRules, DataFirstStoresNoMoreThanWhatIsDurable) {
  start(Ordering::kLinux.with(Rule::kDataFirst));
  const Fd fd = open("a");
  write(fd, 0, 9000);
  ASSERT_TRUE(volume_->truncate(fd, 5000).ok());  // stores the set at once, in the buffers
  ASSERT_TRUE(volume_->fsync_directory("/").ok());
  volume_.reset();  // the power fails
  mount();
  auto stat = volume_->stat("a");
  ASSERT_TRUE(stat.ok());
  EXPECT_EQ(stat->size, 5000U);
  EXPECT_EQ(get("a").find_first_not_of('\0'), std::string::npos);
}

TEST_F(OrderingRules, DataFirstKeepsWhatAPartOfAFileSyncPromised) {
  start(Rule::kDataFirst);
  const Fd fd = open("a");
  write(fd, 0, 9000);
  const Fd through = open("a", {.write = true, .data_sync = true});
  write(through, 9000, 100);  // asks for its own range only
  volume_.reset();
  mount();
  auto stat = volume_->stat("a");
  ASSERT_TRUE(stat.ok());
  EXPECT_EQ(stat->size, 9100U);
  const std::string text = get("a");
  EXPECT_EQ(text.find_first_not_of('\x5A'), std::string::npos);
}

TEST_F(OrderingRules, FatFirstFlushesTheChainBeforeTheSetNeedsIt) {
  make_chain("a");
  start(Rule::kFatFirst);
  const Fd fd = open("a", {.write = true});
  write(fd, 8192, 4096);
  log();
  ASSERT_TRUE(volume_->fsync(fd, false).ok());
  EXPECT_EQ(log(), "data fat | directory bitmap |");
}

TEST_F(OrderingRules, FatFirstAddsNothingToARun) {
  start(Rule::kFatFirst);
  const Fd fd = open("a");
  write(fd, 0, 100);
  log();
  ASSERT_TRUE(volume_->fsync(fd, false).ok());
  EXPECT_EQ(log(), "data directory bitmap |");
}

TEST_F(OrderingRules, BitmapFirstFlushesTheBitmapBeforeTheSetUsesTheClusters) {
  start(Rule::kBitmapFirst);
  const Fd fd = open("a");
  write(fd, 0, 100);
  log();
  ASSERT_TRUE(volume_->fsync(fd, false).ok());
  EXPECT_EQ(log(), "data bitmap | directory |");
}

TEST_F(OrderingRules, DataFatAndBitmapShareOneFlush) {
  make_chain("a");
  start(Ordering::kLinux.with(Rule::kDataFirst).with(Rule::kFatFirst).with(Rule::kBitmapFirst));
  const Fd fd = open("a", {.write = true});
  write(fd, 8192, 4096);
  log();
  ASSERT_TRUE(volume_->fsync(fd, false).ok());
  EXPECT_EQ(log(), "data fat bitmap | directory |");
}

TEST_F(OrderingRules, ZerosFirstFlushesANewDirectoryBeforeItsNameIsWritten) {
  start(Rule::kZerosFirst);
  ASSERT_TRUE(volume_->mkdir("d").ok());
  EXPECT_EQ(log(), "PFboot directory |");
}

TEST_F(OrderingRules, NewNameFirstFlushesTheNewNameBeforeTheOldOneGoes) {
  put("a", "x");
  ASSERT_TRUE(volume_->mkdir("d").ok());
  start(Rule::kNewNameFirst);
  ASSERT_TRUE(volume_->rename("a", "d/a", RenameMode::kReplace).ok());
  EXPECT_EQ(log(), "PFboot directory |");
  EXPECT_EQ(names("d"), "a ");
  EXPECT_EQ(names("/"), "d/ ");
}

TEST_F(OrderingRules, NewNameFirstCostsNothingWhenTheSetIsRewrittenInPlace) {
  put("a", "x");
  start(Rule::kNewNameFirst);
  ASSERT_TRUE(volume_->rename("a", "b", RenameMode::kReplace).ok());
  EXPECT_EQ(log(), "PFboot");
}

TEST_F(OrderingRules, ReplaceInPlaceLeavesOneSetOfTheNameAtEveryMoment) {
  put("a", "old");
  put("a.new", "new");
  start(Ordering::kLinux.with(Rule::kReplaceInPlace).with(Rule::kNewNameFirst));
  ASSERT_TRUE(volume_->rename("a.new", "a", RenameMode::kReplace).ok());
  EXPECT_EQ(log(), "PFboot directory |");
  volume_.reset();  // the old name is still on the disk
  mount();
  EXPECT_EQ(get("a"), "new");
  EXPECT_EQ(names("/"), "a a.new ");
}

TEST_F(OrderingRules, ReplaceInPlaceFreesTheReplacedFile) {
  const uint64_t before = free_clusters();
  put("a", "old");
  put("a.new", "new");
  start(Rule::kReplaceInPlace);
  ASSERT_TRUE(volume_->rename("a.new", "a", RenameMode::kReplace).ok());
  remount();
  EXPECT_EQ(names("/"), "a ");
  EXPECT_EQ(get("a"), "new");
  EXPECT_EQ(free_clusters(), before - 1);
}

TEST_F(OrderingRules, SetBeforeFreeWritesTheBitmapOnlyAfterAFlushOfTheDeletion) {
  put("a", "x");
  start(Rule::kSetBeforeFree);
  const uint64_t before = free_clusters();
  ASSERT_TRUE(volume_->unlink("a").ok());
  EXPECT_EQ(free_clusters(), before + 1);
  log();
  ASSERT_TRUE(volume_->sync().ok());
  EXPECT_EQ(log(), "directory | bitmap");
}

TEST_F(OrderingRules, SetBeforeFreeTurnsTheOrderOfADirsyncShrink) {
  put("a", std::string(9000, 'x'));
  start(Rule::kSetBeforeFree, {.dirsync = true});
  ASSERT_TRUE(volume_->truncate("a", 10).ok());
  EXPECT_EQ(log(), "PFboot directory | bitmap");
}

TEST_F(OrderingRules, SetBeforeFreeKeepsTheOldChainUntilTheShorterSetIsDurable) {
  make_chain("a");
  start(Rule::kSetBeforeFree);
  ASSERT_TRUE(volume_->truncate("a", 100).ok());
  log();
  // Growing again would link over what the set on disk still needs.
  const Fd fd = open("a", {.write = true});
  write(fd, 100, 9000);
  EXPECT_EQ(log(), "directory |");
}

TEST_F(OrderingRules, SetBeforeFreeLeavesABitThatHasANewOwner) {
  put("a", "x");
  start(Rule::kSetBeforeFree);
  const uint64_t before = free_clusters();
  ASSERT_TRUE(volume_->unlink("a").ok());
  // Only one cluster is free for the rest, so it is the one that waits.
  const Fd fd = open("b");
  write(fd, 0, (before + 1) * 4096);
  EXPECT_EQ(free_clusters(), 0U);
  ASSERT_TRUE(volume_->sync().ok());
  remount();
  EXPECT_EQ(free_clusters(), 0U);
}

TEST_F(OrderingRules, LateReuseTakesOtherClustersUntilTheDeletionIsDurable) {
  const auto first_cluster = [this](std::string_view path) {
    return volume_->inspect(path)->runs.at(0).first;
  };
  for (const bool late : {false, true}) {
    put("a", "x");
    start(late ? Ordering::kLinux.with(Rule::kLateReuse) : Ordering::kLinux);
    const sim::Cluster old = first_cluster("a");
    // The search for free clusters starts at the first one after a mount.
    ASSERT_TRUE(volume_->unlink("a").ok());
    write(open("b"), 0, 1);
    EXPECT_EQ(first_cluster("b") != old, late);
    ASSERT_TRUE(volume_->unlink("b").ok());
  }
}

TEST_F(OrderingRules, LateReuseGivesEveryClusterWhenNothingElseIsLeft) {
  put("a", "x");
  start(Ordering::kCareful);
  ASSERT_TRUE(volume_->unlink("a").ok());
  log();
  const Fd fd = open("b");
  write(fd, 0, free_clusters() * 4096);
  EXPECT_EQ(free_clusters(), 0U);
  EXPECT_EQ(log(), "directory |");
}

TEST_F(OrderingRules, LateReuseDiscardsOnlyAfterTheFlush) {
  put("a", "x");
  start(Rule::kLateReuse, {.discard = true});
  ASSERT_TRUE(volume_->unlink("a").ok());
  EXPECT_EQ(log(), "PFboot");
  ASSERT_TRUE(volume_->sync().ok());
  EXPECT_EQ(log(), "bitmap directory | discard");
}

TEST_F(OrderingRules, SyncFlushEndsSyncWithAFlush) {
  start(Rule::kSyncFlush);
  put("a", "");
  log();
  ASSERT_TRUE(volume_->sync().ok());
  EXPECT_EQ(log(), "directory |");
}

TEST_F(OrderingRules, OneSectorKeepsASetOfSeveralEntriesTogether) {
  start(Rule::kOneSector);
  // Three system entries; sets of three entries each: the fifth would cross into sector two.
  for (const char* name : {"a", "b", "c", "d", "e"}) put(name, "");
  ASSERT_TRUE(volume_->sync().ok());
  volume_.reset();
  mount();
  EXPECT_EQ(names("/"), "a b c d e ");
}

TEST_F(OrderingRules, ADirectoryOfAnotherOrderingIsExtended) {
  for (const char* name : {"a", "b", "c"}) put(name, "");
  start(Rule::kOneSector);
  // Five entries are wanted, four are left in the sector.
  put("a-name-of-forty-units-takes-five-entries", "");
  put("d", "");
  remount();
  EXPECT_EQ(names("/"), "a a-name-of-forty-units-takes-five-entries b c d ");
}

}  // namespace
}  // namespace zerotail::volume
