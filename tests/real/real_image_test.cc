// Volumes of the real mkfs.exfat under the core: mounted, changed in many ways with every answer
// compared with the reference model, unmounted; then the real fsck.exfat -n and the project's own
// checker must both call them clean.
#include <gtest/gtest.h>

#include <array>

#include "real/operations.h"
#include "real/real_volume.h"
#include "zerotail/exfat/mkfs.h"
#include "zerotail/exfat/ondisk.h"
#include "zerotail/harness/workloads.h"

namespace zerotail::real {
namespace {

using harness::TraceHeader;

TraceHeader header_of(uint64_t sector, uint64_t cluster, uint64_t size_mib) {
  TraceHeader header;
  header.sector = sector;
  header.cluster = cluster;
  header.size_mib = size_mib;
  header.mkfs.label = "real";
  return header;
}

// Sector x cluster as in the golden set, and layouts that mkfs can be asked for.
std::vector<TraceHeader> geometries() {
  std::vector<TraceHeader> all = {header_of(512, 512, 4),     header_of(512, 1024, 8),
                                  header_of(512, 4096, 16),   header_of(512, 32768, 8),
                                  header_of(512, 131072, 16), header_of(4096, 4096, 16),
                                  header_of(4096, 32768, 8),  header_of(4096, 131072, 16)};
  TraceHeader packed = header_of(512, 2048, 8);
  packed.mkfs.pack_bitmap = true;
  all.push_back(packed);
  TraceHeader dense = header_of(512, 4096, 8);  // the heap begins right behind the FAT
  dense.mkfs.boundary_align = 512;
  all.push_back(dense);
  TraceHeader mixed = header_of(4096, 8192, 16);  // 4096-byte sectors on a 512-byte device
  mixed.logical = 512;
  all.push_back(mixed);
  return all;
}

std::string describe(const TraceHeader& header) {
  std::string text = "sector " + std::to_string(header.sector) + ", cluster " +
                     std::to_string(header.cluster) + ", " + std::to_string(header.size_mib) +
                     " MiB";
  for (const std::string& word : header.mount) text += ", " + word;
  return text;
}

std::string run(const TraceHeader& header, const Operations& ops) {
  auto disk = format_with_real_mkfs(header);
  if (!disk) return disk.error().message();
  return run_and_judge(*disk, header, ops);
}

TEST(RealImage, MountingAndUnmountingWritesNothing) {
  for (const TraceHeader& header : geometries()) {
    auto disk = format_with_real_mkfs(header);
    ASSERT_TRUE(disk) << disk.error().message();
    const sim::Digest before = disk->digest();
    EXPECT_EQ(run_and_judge(*disk, header, {}), "") << describe(header);
    EXPECT_EQ(disk->digest(), before) << describe(header);
  }
}

TEST(RealImage, EveryScenarioLeavesACleanVolumeOnEveryGeometry) {
  for (const TraceHeader& header : geometries()) {
    for (const Scenario& scenario : scenarios()) {
      EXPECT_EQ(run(header, scenario.make(header.cluster)), "")
          << scenario.name << ": " << describe(header);
    }
  }
}

TEST(RealImage, EveryMountOptionLeavesACleanVolume) {
  const std::vector<std::vector<std::string>> options = {
      {"sync"}, {"dirsync"}, {"discard"}, {"sync", "discard"}};
  for (const auto& words : options) {
    TraceHeader header = header_of(512, 4096, 16);
    header.mount = words;
    for (const Scenario& scenario : scenarios()) {
      EXPECT_EQ(run(header, scenario.make(header.cluster)), "")
          << scenario.name << ": " << describe(header);
    }
  }
}

TEST(RealImage, TheBuiltInWorkloadsLeaveACleanVolume) {
  const std::vector<harness::Workload> workloads = harness::builtin_workloads();
  ASSERT_FALSE(workloads.empty());
  for (const harness::Workload& workload : workloads) {
    EXPECT_EQ(run(workload.trace.header, workload.trace.ops), "") << workload.name;
  }
}

// The canary: both judges must be able to say no.
TEST(RealImage, TheJudgesSeeALeakAndABrokenEntrySet) {
  const TraceHeader header = header_of(512, 4096, 8);
  auto disk = format_with_real_mkfs(header);
  ASSERT_TRUE(disk) << disk.error().message();
  harness::Operation create;
  create.kind = harness::OpKind::kCreate;
  create.path = "file";
  ASSERT_EQ(run_and_judge(*disk, header, {create}), "");
  const auto layout = exfat::plan_volume(sim::mib(header.size_mib),
                                         {.cluster_size = sim::ByteCount{header.cluster}});
  ASSERT_TRUE(layout);
  const sim::Snapshot good = disk->snapshot();
  const std::array used{std::byte{0x1F}};  // one cluster more than the three structures have
  disk->write(layout->heap, used);
  EXPECT_NE(judge(*disk, layout->sector_size).find("check: leak"), std::string::npos);

  disk->restore(good);
  // The first entry set stands behind label, bitmap and upcase table; its SetChecksum is at 2.
  const sim::DevPos set = layout->heap +
                          layout->cluster_size * (layout->root - layout->bitmap).value() +
                          sim::ByteCount{3 * exfat::kDentrySize + 2};
  const std::array wrong{std::byte{0x12}, std::byte{0x34}};
  disk->write(set, wrong);
  const std::string verdict = judge(*disk, layout->sector_size);
  EXPECT_NE(verdict.find("fsck.exfat -n exits with"), std::string::npos) << verdict;
  EXPECT_NE(verdict.find("check: set-checksum"), std::string::npos) << verdict;
}

// Fails with the seed; `random_mixture` makes the same operations from it again.
TEST(RealImage, RandomMixturesLeaveACleanVolumeOnEveryGeometry) {
  for (const TraceHeader& geometry : geometries()) {
    for (uint64_t seed = 1; seed <= 3; ++seed) {
      TraceHeader header = geometry;
      header.keep = seed % 2 == 1;
      sim::Prng prng(seed);
      const Operations ops = random_mixture(prng, {.count = 300,
                                                   .sector = header.sector,
                                                   .cluster = header.cluster,
                                                   .max_file = 12 * header.cluster});
      EXPECT_EQ(run(header, ops), "") << describe(header) << ", seed " << seed;
    }
  }
}

// 4 MiB with clusters of 128 KiB: sixteen clusters in all, so that space runs out again and again.
TEST(RealImage, RandomMixturesOnAFullVolumeLeaveItClean) {
  for (uint64_t seed = 101; seed <= 110; ++seed) {
    const TraceHeader header = header_of(512, 131072, 4);
    sim::Prng prng(seed);
    const Operations ops = random_mixture(prng, {.count = 200,
                                                 .sector = header.sector,
                                                 .cluster = header.cluster,
                                                 .max_file = 6 * header.cluster});
    EXPECT_EQ(run(header, ops), "") << describe(header) << ", seed " << seed;
  }
}

}  // namespace
}  // namespace zerotail::real
