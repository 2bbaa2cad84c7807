// Every contract and kind of docs/CONTRACTS.md, broken on purpose: the oracle names exactly that.
#include "zerotail/harness/oracle.h"

#include <gtest/gtest.h>

#include "damaged_volume.h"
#include "zerotail/harness/explore.h"

namespace zerotail::harness::testing {
namespace {

// 6 lines: a kept file, a directory with a file.
const std::string kStart = R"({"op":"create","path":"keep"}
{"op":"write","path":"keep","off":0,"len":9000,"seed":91}
{"op":"mkdir","path":"d"}
{"op":"create","path":"d/inside"}
{"op":"write","path":"d/inside","off":0,"len":5000,"seed":92}
{"op":"sync"}
)";
constexpr size_t kStartLines = 6;

const std::string kSavedFile = kStart + R"({"op":"create","path":"a"}
{"op":"write","path":"a","off":0,"len":6000,"seed":1}
{"op":"truncate","path":"a","size":9000}
{"op":"fsync","path":"a"}
)";

constexpr const char* kLeak = "consistent leak <clusters>\n";

std::vector<std::byte> filled(size_t length, uint8_t value) {
  return std::vector<std::byte>(length, std::byte{value});
}

TEST(Oracle, NothingIsWrongWithAnUndamagedDisk) {
  EXPECT_EQ(DamagedVolume(kSavedFile, kStartLines).verdict(), "");
}

// durable

TEST(Oracle, DurableALostFile) {
  DamagedVolume volume(kSavedFile, kStartLines);
  volume.set_dirty();
  volume.remove("a");
  EXPECT_EQ(volume.verdict(), std::string(kLeak) + "durable lost a\n");
}

TEST(Oracle, DurableALostByte) {
  DamagedVolume volume(kSavedFile, kStartLines);
  volume.flip("a", 1234);
  EXPECT_EQ(volume.verdict(), "durable bytes a [1234,1235)\n");
}

TEST(Oracle, DurableTheLastValidByte) {
  DamagedVolume volume(kSavedFile, kStartLines);
  volume.flip("a", 5999);
  EXPECT_EQ(volume.verdict(), "durable bytes a [5999,6000)\n");
}

TEST(Oracle, DurablePoisonOverPromisedBytes) {
  DamagedVolume volume(kSavedFile, kStartLines);
  volume.put("a", 513, filled(3, 0xDB));
  EXPECT_EQ(volume.verdict(), "durable bytes a [513,516)\n");
}

TEST(Oracle, DurableAnotherSize) {
  DamagedVolume volume(kSavedFile, kStartLines);
  volume.set_length("a", 8999);
  EXPECT_EQ(volume.verdict(), "durable size a\n");
}

TEST(Oracle, DurableValidSizeTooSmall) {
  DamagedVolume volume(kSavedFile, kStartLines);
  volume.set_valid("a", 5999);
  EXPECT_EQ(volume.verdict(), "durable bytes a [5999,6000)\ndurable valid-size a\n");
}

TEST(Oracle, DurableValidSizeTooLargeShowsWhatShouldBeZero) {
  DamagedVolume volume(kSavedFile, kStartLines);
  volume.set_valid("a", 8200);  // the disk was filled with poison before
  EXPECT_EQ(volume.verdict(), "durable bytes a [6144,8200)\ndurable valid-size a\n");
}

TEST(Oracle, DurableARemovedNameIsBack) {
  DamagedVolume volume(kStart + R"({"op":"unlink","path":"keep"}
{"op":"sync"}
)",
                       kStartLines);
  volume.set_dirty();
  volume.resurrect("keep");
  EXPECT_EQ(volume.verdict(), "consistent unmarked keep\ndurable back keep\n");
}

TEST(Oracle, DurableTheOldNameOfARenameIsBack) {
  DamagedVolume volume(kStart + R"({"op":"rename","path":"keep","to":"d/kept"}
{"op":"sync"}
)",
                       kStartLines);
  volume.set_dirty();
  volume.resurrect("keep");
  const std::string verdict = volume.verdict();
  EXPECT_NE(verdict.find("durable back keep\n"), std::string::npos) << verdict;
}

TEST(Oracle, DurableAWriteLeavesPromisedOrLaterBytes) {
  DamagedVolume volume(kSavedFile + R"({"op":"write","path":"a","off":1000,"len":100,"seed":2}
)",
                       kStartLines);
  volume.flip("a", 1050);
  EXPECT_EQ(volume.verdict(), "durable bytes a [1050,1051)\nno-stale stale-bytes a [1050,1051)\n");
}

TEST(Oracle, DurableASectorIsThePromisedOrALaterOneAsAWhole) {
  DamagedVolume before(kSavedFile, kStartLines);
  DamagedVolume volume(kSavedFile + R"({"op":"write","path":"a","off":1024,"len":512,"seed":2}
)",
                       kStartLines);
  volume.put("a", 1024, before.bytes("a", 1024, 256));
  EXPECT_EQ(volume.verdict(), "durable bytes a [1024,1536)\n");
}

TEST(Oracle, DurableAPromisedByteIsNotZeroAfterAWriteElsewhere) {
  DamagedVolume volume(kSavedFile + R"({"op":"write","path":"a","off":7000,"len":100,"seed":2}
)",
                       kStartLines);
  volume.put("a", 3000, filled(5, 0));
  EXPECT_EQ(volume.verdict(), "durable bytes a [3000,3005)\n");
}

TEST(Oracle, DurableAWrittenFileIsStillThereAndAsLong) {
  const std::string lines = kSavedFile + R"({"op":"write","path":"a","off":7000,"len":100,"seed":2}
)";
  DamagedVolume lost(lines, kStartLines);
  lost.set_dirty();
  lost.remove("a");
  EXPECT_EQ(lost.verdict(), std::string(kLeak) + "durable lost a\n");
  DamagedVolume shorter(lines, kStartLines);
  shorter.set_length("a", 8999);
  EXPECT_EQ(shorter.verdict(), "atomic size a\ndurable size a\n");
}

TEST(Oracle, DurableNamesOfAnFsyncedDirectory) {
  const std::string lines = kStart + R"({"op":"create","path":"d/new"}
{"op":"write","path":"d/new","off":0,"len":100,"seed":1}
{"op":"rename","path":"d/new","to":"d/inside"}
{"op":"unlink","path":"keep"}
{"op":"fsync_dir","path":"d"}
{"op":"fsync_dir","path":""}
)";
  DamagedVolume lost(lines, kStartLines);
  lost.set_dirty();
  lost.remove("d/inside");
  const std::string verdict = lost.verdict();
  EXPECT_NE(verdict.find("durable lost d/inside\n"), std::string::npos) << verdict;
  DamagedVolume back(lines, kStartLines);
  back.set_dirty();
  back.resurrect("keep");
  const std::string again = back.verdict();
  EXPECT_NE(again.find("durable back keep\n"), std::string::npos) << again;
}

// contained, reachable

const std::string kElsewhere = kStart + R"({"op":"write","path":"keep","off":0,"len":10,"seed":5}
)";

TEST(Oracle, ContainedAnUntouchedFileBelowUntouchedDirectories) {
  DamagedVolume lost(kElsewhere, kStartLines);
  lost.set_dirty();
  lost.remove("d/inside");
  EXPECT_EQ(lost.verdict(), std::string(kLeak) + "contained lost d/inside\n");
  DamagedVolume bytes(kElsewhere, kStartLines);
  bytes.flip("d/inside", 4999);
  EXPECT_EQ(bytes.verdict(), "contained bytes d/inside [4999,5000)\n");
  DamagedVolume size(kElsewhere, kStartLines);
  size.set_length("d/inside", 5001);
  EXPECT_EQ(size.verdict(), "contained size d/inside\n");
  DamagedVolume valid(kElsewhere, kStartLines);
  valid.set_valid("d/inside", 4096);
  EXPECT_EQ(valid.verdict(),
            "contained bytes d/inside [4096,5000)\ncontained valid-size d/inside\n");
}

TEST(Oracle, ContainedALostDirectory) {
  DamagedVolume volume(kElsewhere, kStartLines);
  volume.set_dirty();
  volume.remove("d");
  EXPECT_EQ(volume.verdict(), std::string(kLeak) + "contained lost d\ncontained lost d/inside\n");
}

TEST(Oracle, ContainedABrokenChecksum) {
  DamagedVolume volume(kElsewhere, kStartLines);
  volume.set_dirty();
  volume.break_checksum("d/inside");
  EXPECT_EQ(volume.verdict(), "consistent set-checksum d/inside\ncontained set d/inside\n");
}

TEST(Oracle, ContainedASharedClusterEvenWithTheRightBytes) {
  DamagedVolume volume(kElsewhere, kStartLines);
  volume.set_dirty();
  volume.set_cluster("keep", "d/inside");
  const std::string verdict = volume.verdict();
  EXPECT_NE(verdict.find("contained shared d/inside\n"), std::string::npos) << verdict;
}

TEST(Oracle, ReachableAnUntouchedFileBelowATouchedDirectory) {
  const std::string lines = kStart + R"({"op":"create","path":"d/new"}
)";
  DamagedVolume lost(lines, kStartLines);
  lost.set_dirty();
  lost.remove("d/inside");
  EXPECT_EQ(lost.verdict(), std::string(kLeak) + "reachable lost d/inside\n");
  DamagedVolume bytes(lines, kStartLines);
  bytes.flip("d/inside", 0);
  EXPECT_EQ(bytes.verdict(), "durable bytes d/inside [0,1)\n");
}

// sync-mount

TEST(Oracle, SyncMountKeepsWhatTheOptionPromises) {
  const SceneOptions sync{.mount = "\"sync\"", .write_through = true};
  const std::string lines = kStart + R"({"op":"create","path":"a"}
{"op":"write","path":"a","off":0,"len":600,"seed":1}
)";
  DamagedVolume bytes(lines, kStartLines, sync);
  bytes.flip("a", 599);
  EXPECT_EQ(bytes.verdict(), "sync-mount bytes a [599,600)\n");
  DamagedVolume lost(lines, kStartLines, sync);
  lost.set_dirty();
  lost.remove("a");
  EXPECT_EQ(lost.verdict(), std::string(kLeak) + "sync-mount lost a\n");
  DamagedVolume back(kStart + R"({"op":"unlink","path":"keep"}
)",
                     kStartLines, sync);
  back.set_dirty();
  back.resurrect("keep");
  EXPECT_EQ(back.verdict(),
            "consistent unmarked keep\nsync-mount back keep\nsync-mount unmarked keep\n");
}

TEST(Oracle, DirsyncMountPromisesNames) {
  const SceneOptions dirsync{.mount = "\"dirsync\"", .write_through = true};
  DamagedVolume lost(kStart + R"({"op":"create","path":"a"}
)",
                     kStartLines, dirsync);
  lost.set_dirty();
  lost.remove("a");
  EXPECT_EQ(lost.verdict(), "sync-mount lost a\n");
  DamagedVolume back(kStart + R"({"op":"unlink","path":"keep"}
)",
                     kStartLines, dirsync);
  back.set_dirty();
  back.resurrect("keep");
  EXPECT_EQ(back.verdict(), "consistent unmarked keep\nsync-mount back keep\n");
}

// Nothing of the write has reached the disk when the rename returns.
TEST(Oracle, DirsyncMountPromisesNoBytes) {
  const std::string lines = kStart + R"({"op":"write","path":"keep","off":0,"len":600,"seed":1}
{"op":"rename","path":"keep","to":"kept"}
)";
  EXPECT_EQ(
      DamagedVolume(lines, kStartLines, {.mount = "\"dirsync\"", .write_through = true}).verdict(),
      "");
}

TEST(Oracle, SyncMountMarksTheClustersInUse) {
  const std::string lines = kStart + R"({"op":"write","path":"keep","off":9000,"len":9000,"seed":1}
)";
  DamagedVolume volume(lines, kStartLines, {.mount = "\"sync\"", .write_through = true});
  volume.set_dirty();
  volume.unmark("keep");
  EXPECT_EQ(volume.verdict(), "consistent unmarked keep\nsync-mount unmarked keep\n");
  DamagedVolume cached(lines, kStartLines, {.mount = "\"sync\""});
  cached.set_dirty();
  cached.unmark("keep");
  EXPECT_EQ(cached.verdict(), "consistent unmarked keep\n");
}

TEST(Oracle, SyncMountDoesNotPromiseAMappedStore) {
  DamagedVolume volume(kSavedFile + R"({"op":"mwrite","path":"a","off":0,"len":10,"seed":3}
)",
                       kStartLines, {.mount = "\"sync\"", .write_through = true});
  DamagedVolume before(kSavedFile, kStartLines);
  volume.put("a", 0, before.bytes("a", 0, 512));
  EXPECT_EQ(volume.verdict(), "");
}

TEST(Oracle, ADescriptorThatWasClosedIsNotSynchronousAnyMore) {
  DamagedVolume volume(kSavedFile + R"({"op":"open_sync","path":"a","mode":1}
{"op":"close","path":"a"}
{"op":"write","path":"a","off":0,"len":10,"seed":3}
)",
                       kStartLines);
  DamagedVolume before(kSavedFile, kStartLines);
  volume.put("a", 0, before.bytes("a", 0, 512));
  EXPECT_EQ(volume.verdict(), "");
}

// no-stale

TEST(Oracle, NoStaleBytesOfAnotherFile) {
  DamagedVolume volume(kStart + R"({"op":"create","path":"a"}
{"op":"write","path":"a","off":0,"len":6000,"seed":1}
)",
                       kStartLines);
  volume.put("a", 5903, volume.bytes("keep", 0, 7));
  EXPECT_EQ(volume.verdict(), "no-stale stale-bytes a [5903,5910)\n");
  volume.put("a", 5903, filled(7, 0xDB));
  EXPECT_EQ(volume.verdict(), "no-stale poison a [5903,5910)\n");
  volume.put("a", 5903, filled(7, 0));
  EXPECT_EQ(volume.verdict(), "");
}

TEST(Oracle, NoStaleBytesFromBeforeAPromisedTruncate) {
  const std::string lines = kStart + R"({"op":"create","path":"a"}
{"op":"write","path":"a","off":0,"len":6000,"seed":1}
{"op":"fsync","path":"a"}
{"op":"truncate","path":"a","size":700}
{"op":"fsync","path":"a"}
{"op":"write","path":"a","off":2000,"len":10,"seed":2}
)";
  DamagedVolume volume(lines, kStartLines);
  DamagedVolume full(kSavedFile, kStartLines);
  volume.put("a", 700, full.bytes("a", 700, 100));
  EXPECT_EQ(volume.verdict(), "no-stale stale-bytes a [700,800)\n");
}

TEST(Oracle, NoStaleBytesOfTheFileThatHadTheNameBefore) {
  const std::string lines = kStart + R"({"op":"unlink","path":"keep"}
{"op":"create","path":"keep"}
{"op":"write","path":"keep","off":0,"len":500,"seed":7}
)";
  DamagedVolume volume(lines, kStartLines);
  DamagedVolume before(kStart, kStartLines);
  volume.put("keep", 100, before.bytes("keep", 100, 50));
  EXPECT_EQ(volume.verdict(), "no-stale stale-bytes keep [100,150)\n");
}

TEST(Oracle, NoStaleNames) {
  DamagedVolume volume(kSavedFile, kStartLines);
  volume.spell("a", 'q');
  EXPECT_EQ(volume.verdict(), "durable lost a\nno-stale stale-name q\n");
}

// atomic

TEST(Oracle, AtomicARenameLeavesOneName) {
  const std::string lines = kStart + R"({"op":"rename","path":"keep","to":"d/kept"}
)";
  DamagedVolume both(lines, kStartLines);
  both.set_dirty();
  both.resurrect("keep");
  const std::string verdict = both.verdict();
  EXPECT_NE(verdict.find("atomic both d/kept\n"), std::string::npos) << verdict;
  DamagedVolume neither(lines, kStartLines);
  neither.set_dirty();
  neither.remove("d/kept");
  EXPECT_EQ(neither.verdict(), "atomic neither d/kept\n" + std::string(kLeak));
}

TEST(Oracle, AtomicANameInAnotherCaseIsTheSameName) {
  DamagedVolume volume(kStart + R"({"op":"rename","path":"keep","to":"other"}
{"op":"rename","path":"other","to":"KEEP"}
)",
                       kStartLines);
  EXPECT_EQ(volume.verdict(), "");
  volume.set_dirty();
  volume.remove("KEEP");
  EXPECT_EQ(volume.verdict(), "atomic neither KEEP\n" + std::string(kLeak));
}

TEST(Oracle, AtomicATruncateLeavesTheOldOrTheNewSize) {
  DamagedVolume volume(kStart + R"({"op":"truncate","path":"keep","size":5000}
)",
                       kStartLines);
  volume.set_length("keep", 6000);
  EXPECT_EQ(volume.verdict(), "atomic size keep\n");
}

TEST(Oracle, AtomicASizeThatNoFileOfTheNameHad) {
  DamagedVolume volume(kStart + R"({"op":"unlink","path":"keep"}
{"op":"create","path":"keep"}
{"op":"write","path":"keep","off":0,"len":500,"seed":7}
)",
                       kStartLines);
  volume.set_length("keep", 600);
  EXPECT_EQ(volume.verdict(), "atomic size keep\n");
}

TEST(Oracle, AtomicASetIsNotAMixture) {
  DamagedVolume volume(kStart + R"({"op":"create","path":"a"}
)",
                       kStartLines);
  volume.set_dirty();
  volume.break_checksum("a");
  EXPECT_EQ(volume.verdict(), "atomic mixed-set a\nconsistent set-checksum a\n");
}

// flagged, mountable, consistent

TEST(Oracle, FlaggedALeakOnACleanVolume) {
  DamagedVolume volume(kSavedFile, kStartLines);
  volume.leak();
  EXPECT_EQ(volume.verdict(), std::string(kLeak) + "flagged clean-but-inconsistent <volume>\n");
  volume.set_dirty();
  EXPECT_EQ(volume.verdict(), kLeak);
}

TEST(Oracle, MountableABrokenBootSector) {
  DamagedVolume volume(kSavedFile, kStartLines);
  volume.break_boot();
  EXPECT_EQ(volume.verdict(), "mountable no-mount <volume>\n");
}

}  // namespace
}  // namespace zerotail::harness::testing
