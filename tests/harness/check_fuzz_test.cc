// Hostile volumes: the checker ends, follows nothing outside the heap, and says that it gave up
// where it did. Run under the sanitizers of the debug preset to be worth the most.
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "harness/check_volume_builder.h"
#include "zerotail/harness/check_incremental.h"
#include "zerotail/sim/prng.h"

namespace zerotail::harness {
namespace {

using testing::Populated;
using testing::VolumeBuilder;

bool has(const CheckResult& result, CheckClass kind) {
  return std::any_of(result.problems.begin(), result.problems.end(),
                     [kind](const CheckProblem& p) { return p.kind == kind; });
}

void expect_inside(const CheckGeometry& g, const Chain& chain) {
  uint64_t clusters = 0;
  for (const ClusterRun& run : chain.runs) {
    EXPECT_TRUE(g.contains(run.first));
    EXPECT_LE(run.first.value() + run.count.value(), g.cluster_limit());
    clusters += run.count.value();
  }
  EXPECT_EQ(clusters, chain.clusters.value());
}

// Visits each directory once, reads the ends of every file.
void use_directory(const sim::SectorReader& disk, const CheckGeometry& g,
                   const DirectoryView& directory, std::set<const DirectoryView*>& seen) {
  if (!seen.insert(&directory).second) return;
  for (const auto& node : directory.nodes) {
    if (node->chain == nullptr) continue;
    expect_inside(g, *node->chain);
    std::vector<std::byte> bytes(600);
    const uint64_t size = node->set->data_length;
    static_cast<void>(read_file(disk, g, *node, sim::FilePos{}, bytes));
    static_cast<void>(
        read_file(disk, g, *node, sim::FilePos{size - std::min<uint64_t>(size, 300)}, bytes));
    if (node->child != nullptr) use_directory(disk, g, *node->child, seen);
  }
}

void use(const sim::SectorReader& disk, const CheckResult& result) {
  EXPECT_TRUE(std::is_sorted(result.problems.begin(), result.problems.end()));
  for (const CheckProblem& p : result.problems) EXPECT_FALSE(p.describe().empty());
  if (!result.view->mountable()) {
    EXPECT_TRUE(has_group(result.problems, CheckGroup::kMount));
    return;
  }
  std::set<const DirectoryView*> seen;
  use_directory(disk, *result.view->geometry, *result.view->root, seen);
}

TEST(CheckFuzz, RandomBytesInTheMetadata) {
  sim::Prng prng{42};
  for (int round = 0; round < 40; ++round) {
    Populated p = testing::populate({.size = sim::mib(4), .cluster = sim::ByteCount{1024}}, 40);
    VolumeBuilder& v = p.volume;
    const uint64_t used = v.cluster_pos(v.free_cluster());
    for (int i = 0; i < 60; ++i) {
      const bool fat = prng.chance(1, 3);
      const uint64_t pos =
          fat ? v.fat_pos(0) + prng.below(1200) : prng.between(v.cluster_pos(2), used);
      v.put(pos, prng.next(), 1u << prng.below(4));
      use(v.disk(), check_volume(v.disk()));
    }
  }
}

TEST(CheckFuzz, RandomBytesInTheBootSector) {
  sim::Prng prng{43};
  for (int round = 0; round < 600; ++round) {
    Populated p = testing::populate({.size = sim::mib(4), .cluster = sim::ByteCount{512}}, 8);
    VolumeBuilder& v = p.volume;
    for (uint64_t i = prng.between(1, 3); i > 0; --i) {
      v.put(prng.between(64, 111), prng.next() >> prng.below(64), 1u << prng.below(4));
    }
    // With a right checksum the fields themselves must be seen through.
    v.fix_boot();
    use(v.disk(), check_volume(v.disk()));
  }
}

TEST(CheckFuzz, EveryEntryOfADirectoryIsGarbage) {
  sim::Prng prng{44};
  for (int round = 0; round < 200; ++round) {
    Populated p = testing::populate({.size = sim::mib(4), .cluster = sim::ByteCount{512}}, 8);
    VolumeBuilder& v = p.volume;
    constexpr uint8_t kTypes[] = {0x85, 0xC0, 0xC1, 0xC1, 0xE1, 0xA0, 0x05, 0x83, 0x81, 0x87};
    const uint64_t begin = v.cluster_pos(v.directory_cluster(1));
    for (uint64_t entry = 0; entry < 16; ++entry) {
      const uint64_t pos = begin + entry * 32;
      for (uint64_t at = 0; at < 32; at += 8) v.put(pos + at, prng.next() >> prng.below(64), 8);
      v.put(pos, kTypes[prng.below(10)], 1);
      if (prng.chance(1, 2)) v.put(pos + 1, prng.below(4), 1);
    }
    use(v.disk(), check_volume(v.disk()));
  }
}

TEST(CheckFuzz, AnyDiskAtAll) {
  sim::Prng prng{45};
  for (uint64_t sectors = 1; sectors < 64; ++sectors) {
    sim::MemDisk disk{{.capacity = sim::SectorCount{sectors}}};
    const CheckResult empty = check_volume(disk);
    EXPECT_TRUE(has(empty, CheckClass::kNotExfat));
    std::vector<std::byte> bytes(512);
    for (std::byte& b : bytes) b = static_cast<std::byte>(prng.next());
    const char name[] = "EXFAT   ";
    for (int i = 0; i < 8; ++i) bytes[static_cast<size_t>(3 + i)] = static_cast<std::byte>(name[i]);
    disk.write(sim::DevPos{}, bytes);
    use(disk, check_volume(disk));
  }
}

// Every level has two sets that point to the one directory of the next level: 2^30 paths.
TEST(CheckFuzz, ADirectoryWithManyPathsIsReadOnce) {
  VolumeBuilder v{VolumeBuilder::Options{}};
  uint32_t parent = 0;
  for (int level = 0; level < 30; ++level) {
    const uint32_t one = v.add_directory(parent, "a");
    const uint32_t two = v.add_directory(parent, "b");
    v.put(v.stream(v.directory_set(two)) + 20, v.directory_cluster(one), 4);
    v.fix_set(v.directory_set(two));
    parent = one;
  }
  const CheckResult result = check_volume(v.disk());
  EXPECT_TRUE(has(result, CheckClass::kCrossLink));
  EXPECT_FALSE(has(result, CheckClass::kGivenUp));
  use(v.disk(), result);
  // The list of differences between two such trees would have 2^30 entries.
  const sim::Snapshot base = v.disk().snapshot();
  IncrementalChecker checker{base};
  v.delete_set(v.directory_set(1));
  const sim::Snapshot now = v.disk().snapshot();
  const CheckJudgement judged = checker.judge(now, now.difference(base));
  EXPECT_EQ(judged.problems, check_volume(now).problems);
}

TEST(CheckFuzz, DirectoriesBelowTheDepthLimitAreNotFollowed) {
  VolumeBuilder v{VolumeBuilder::Options{}};
  uint32_t parent = 0;
  for (int level = 0; level < 300; ++level) parent = v.add_directory(parent, "d");
  const CheckResult result = check_volume(v.disk());
  EXPECT_TRUE(has(result, CheckClass::kGivenUp));
  use(v.disk(), result);
}

TEST(CheckFuzz, FilesThatAllClaimTheWholeHeapAreNotAllFollowed) {
  VolumeBuilder v{VolumeBuilder::Options{}};
  for (int i = 0; i < 500; ++i) {
    const auto set = v.add_file(0, "f" + std::to_string(i), {});
    v.put(v.stream(set) + 1, 3, 1);
    v.put(v.stream(set) + 20, 2, 4);
    v.put(v.stream(set) + 24, uint64_t{v.cluster_count()} * v.cluster_size(), 8);
    v.fix_set(set);
  }
  const CheckResult result = check_volume(v.disk());
  EXPECT_TRUE(has(result, CheckClass::kGivenUp));
  EXPECT_TRUE(has(result, CheckClass::kCrossLink));
  use(v.disk(), result);
}

// A directory entry set in a directory that is read as 300 directories, each a cluster further on.
TEST(CheckFuzz, OverlappingDirectoriesAreBounded) {
  VolumeBuilder v{VolumeBuilder::Options{}};
  const uint32_t holder = v.add_directory(0, "holder");
  for (uint32_t i = 0; i < 300; ++i) {
    const uint32_t d = v.add_directory(holder, "d" + std::to_string(i));
    const uint64_t left = v.cluster_count() + 2 - v.directory_cluster(d);
    v.put(v.stream(v.directory_set(d)) + 8, left * v.cluster_size(), 8);
    v.put(v.stream(v.directory_set(d)) + 24, left * v.cluster_size(), 8);
    v.fix_set(v.directory_set(d));
  }
  const CheckResult result = check_volume(v.disk());
  EXPECT_TRUE(has(result, CheckClass::kGivenUp));
  use(v.disk(), result);
}

}  // namespace
}  // namespace zerotail::harness
