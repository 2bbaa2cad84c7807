#include "zerotail/sim/mem_disk.h"

#include <gtest/gtest.h>

#include <array>
#include <cstring>
#include <vector>

#include "zerotail/sim/prng.h"

namespace zerotail::sim {
namespace {

constexpr std::byte kPoison{0xDB};

MemDisk::Options options(SectorCount capacity, std::byte fill = std::byte{0}) {
  return {.capacity = capacity, .fill = fill};
}

std::vector<std::byte> pattern(size_t length, uint8_t seed) {
  std::vector<std::byte> data(length);
  for (size_t i = 0; i < length; ++i) data[i] = static_cast<std::byte>(seed + i * 7 + i / 512);
  return data;
}

std::vector<std::byte> read(const SectorReader& disk, DevPos pos, size_t length) {
  std::vector<std::byte> data(length);
  disk.read(pos, data);
  return data;
}

// The digest's definition, without a tree or a cache.
Digest sum_of_sectors(const SectorReader& disk, std::byte fill) {
  const std::vector<std::byte> empty(kSectorSize.value(), fill);
  Digest sum;
  for (Sector s{0}; s < Sector{0} + disk.capacity(); s += SectorCount{1}) {
    if (std::memcmp(disk.sector(s), empty.data(), empty.size()) == 0) continue;
    sum += sector_digest(s, disk.sector(s));
  }
  return sum;
}

TEST(MemDisk, ReadsAsTheFillByteUntilWritten) {
  const MemDisk disk(options(SectorCount{100}, kPoison));
  EXPECT_EQ(read(disk, DevPos{0}, 100 * 512), std::vector<std::byte>(100 * 512, kPoison));
}

TEST(MemDisk, ReadsBackWhatWasWrittenAtAnyAlignment) {
  MemDisk disk(options(SectorCount{64}, kPoison));
  std::vector<std::byte> mirror(64 * 512, kPoison);
  Prng prng(3);
  for (int i = 0; i < 200; ++i) {
    const size_t length = 1 + prng.below(9000);
    const size_t pos = prng.below(mirror.size() - length + 1);
    const std::vector<std::byte> data = pattern(length, static_cast<uint8_t>(i));
    disk.write(DevPos{pos}, data);
    std::memcpy(mirror.data() + pos, data.data(), length);
  }
  EXPECT_EQ(read(disk, DevPos{0}, mirror.size()), mirror);
}

TEST(MemDisk, BiosReadAndWriteTheirSegments) {
  MemDisk disk(options(SectorCount{16}));
  std::vector<std::byte> first = pattern(700, 1);
  std::vector<std::byte> second = pattern(324, 2);
  Bio write;
  write.op = BioOp::kWrite;
  write.sector = Sector{3};
  write.count = SectorCount{2};
  write.segments = {first, second};
  disk.submit(write);
  ASSERT_TRUE(write.done);
  ASSERT_EQ(write.status, Errno::kOk);
  std::vector<std::byte> a(100);
  std::vector<std::byte> b(924);
  Bio back;
  back.op = BioOp::kRead;
  back.sector = Sector{3};
  back.count = SectorCount{2};
  back.segments = {a, b};
  disk.submit(back);
  ASSERT_EQ(back.status, Errno::kOk);
  a.insert(a.end(), b.begin(), b.end());
  first.insert(first.end(), second.begin(), second.end());
  EXPECT_EQ(a, first);
}

TEST(MemDisk, ABioPastTheEndFailsAndChangesNothing) {
  MemDisk disk(options(SectorCount{16}));
  std::vector<std::byte> data = pattern(1024, 1);
  Bio write;
  write.op = BioOp::kWrite;
  write.sector = Sector{15};
  write.count = SectorCount{2};
  write.segments = {data};
  disk.submit(write);
  EXPECT_EQ(write.status, Errno::kIo);
  EXPECT_EQ(disk.digest(), Digest{});
}

TEST(MemDisk, ASnapshotDoesNotSeeLaterWrites) {
  MemDisk disk(options(SectorCount{64}));
  disk.write(DevPos{512}, pattern(5000, 1));
  const Snapshot before = disk.snapshot();
  const std::vector<std::byte> old = read(before, DevPos{0}, 64 * 512);
  disk.write(DevPos{1024}, pattern(20000, 9));
  disk.discard(Sector{0}, SectorCount{64});
  EXPECT_EQ(read(before, DevPos{0}, 64 * 512), old);
}

TEST(MemDisk, RestoreGoesBack) {
  MemDisk disk(options(SectorCount{64}));
  disk.write(DevPos{0}, pattern(8192, 1));
  const Snapshot before = disk.snapshot();
  disk.write(DevPos{4096}, pattern(8192, 2));
  disk.restore(before);
  EXPECT_EQ(disk.digest(), before.digest());
  EXPECT_TRUE(disk.snapshot().difference(before).empty());
}

TEST(MemDisk, ADiskOnASnapshotLeavesTheSnapshotAlone) {
  MemDisk first(options(SectorCount{64}, kPoison));
  first.write(DevPos{0}, pattern(4096, 1));
  const Snapshot base = first.snapshot();
  MemDisk second(base, {});
  second.write(DevPos{100}, pattern(10, 3));
  EXPECT_EQ(read(base, DevPos{0}, 4096), pattern(4096, 1));
  EXPECT_EQ(second.info().capacity, SectorCount{64});
  EXPECT_EQ(std::to_integer<int>(*second.sector(Sector{63})), 0xDB);
}

TEST(MemDisk, DiscardedSectorsReadAsTheDiscardFill) {
  MemDisk disk({.capacity = SectorCount{64}, .fill = kPoison, .discard_fill = std::byte{0}});
  disk.write(DevPos{0}, pattern(64 * 512, 1));
  std::vector<std::byte> mirror = pattern(64 * 512, 1);
  disk.discard(Sector{3}, SectorCount{30});
  std::memset(mirror.data() + 3 * 512, 0, 30 * 512);
  EXPECT_EQ(read(disk, DevPos{0}, mirror.size()), mirror);
}

TEST(MemDisk, DiscardGivesWholeChunksBack) {
  MemDisk disk({.capacity = SectorCount{64}, .fill = kPoison, .discard_fill = kPoison});
  disk.write(DevPos{0}, pattern(64 * 512, 1));
  disk.discard(Sector{3}, SectorCount{30});  // chunks 1 to 3 as a whole, 0 and 4 in part
  std::vector<uint64_t> chunks;
  disk.snapshot().for_each_chunk([&](DevPos pos, std::span<const std::byte> data) {
    chunks.push_back(pos.value() / 4096);
    EXPECT_EQ(data.size(), 4096U);
  });
  EXPECT_EQ(chunks, (std::vector<uint64_t>{0, 4, 5, 6, 7}));
  std::vector<std::byte> mirror = pattern(64 * 512, 1);
  std::memset(mirror.data() + 3 * 512, 0xDB, 30 * 512);
  EXPECT_EQ(read(disk, DevPos{0}, mirror.size()), mirror);
}

TEST(MemDisk, TheLastChunkEndsWithTheDisk) {
  MemDisk disk(options(SectorCount{9}));
  disk.write(DevPos{4096}, pattern(512, 1));
  disk.snapshot().for_each_chunk([&](DevPos pos, std::span<const std::byte> data) {
    EXPECT_EQ(pos, DevPos{4096});
    EXPECT_EQ(data.size(), 512U);
  });
}

TEST(MemDisk, DigestEqualsTheSumOverSectors) {
  for (const std::byte fill : {std::byte{0}, kPoison}) {
    MemDisk disk({.capacity = SectorCount{300}, .fill = fill, .discard_fill = fill});
    Prng prng(11);
    for (int i = 0; i < 60; ++i) {
      const size_t length = 1 + prng.below(6000);
      const uint64_t pos = prng.below(300 * 512 - length + 1);
      disk.write(DevPos{pos}, pattern(length, static_cast<uint8_t>(i)));
      const uint64_t first = prng.below(280);
      if (prng.chance(1, 3)) disk.discard(Sector{first}, SectorCount{prng.below(20)});
      ASSERT_EQ(disk.digest(), sum_of_sectors(disk, fill)) << "after write " << i;
    }
  }
}

TEST(MemDisk, DigestDoesNotDependOnTheOrderOfWrites) {
  MemDisk forward(options(SectorCount{64}));
  MemDisk backward(options(SectorCount{64}));
  for (uint64_t s = 0; s < 64; ++s) {
    forward.write(dev_pos(Sector{s}), pattern(512, static_cast<uint8_t>(s)));
    const uint64_t t = 63 - s;
    backward.write(dev_pos(Sector{t}), pattern(512, static_cast<uint8_t>(t)));
    (void)backward.digest();
  }
  EXPECT_EQ(forward.digest(), backward.digest());
}

TEST(MemDisk, DigestTellsSwappedSectorsApart) {
  MemDisk one(options(SectorCount{8}));
  MemDisk other(options(SectorCount{8}));
  one.write(dev_pos(Sector{1}), pattern(512, 1));
  one.write(dev_pos(Sector{2}), pattern(512, 2));
  other.write(dev_pos(Sector{2}), pattern(512, 1));
  other.write(dev_pos(Sector{1}), pattern(512, 2));
  EXPECT_NE(one.digest(), other.digest());
}

TEST(MemDisk, DigestReturnsToZeroWhenTheFillReturns) {
  MemDisk disk(options(SectorCount{64}, kPoison));
  disk.write(DevPos{5000}, pattern(3000, 1));
  EXPECT_NE(disk.digest(), Digest{});
  disk.write(DevPos{5000}, std::vector<std::byte>(3000, kPoison));
  EXPECT_EQ(disk.digest(), Digest{});
}

TEST(MemDisk, DigestOfAForkHashesTheChangedChunksOnly) {
  MemDisk disk(options(sectors(mib(64))));
  disk.write(DevPos{0}, pattern(mib(4).value(), 1));
  uint64_t hashed = 0;
  const Digest before = disk.snapshot().digest(&hashed);
  EXPECT_EQ(hashed, sectors(mib(4)).value());
  MemDisk fork(disk.snapshot(), {});
  fork.write(DevPos{0}, pattern(512, 9));
  fork.write(DevPos{mib(2).value()}, pattern(512, 9));
  hashed = 0;
  const Digest after = fork.snapshot().digest(&hashed);
  EXPECT_EQ(hashed, 16U);
  EXPECT_NE(after, before);
  hashed = 0;
  EXPECT_EQ(disk.snapshot().digest(&hashed), before);
  EXPECT_EQ(hashed, 0U);
}

TEST(Snapshot, DifferenceListsTheSectorsThatDiffer) {
  MemDisk disk(options(sectors(mib(64)), kPoison));
  disk.write(DevPos{0}, pattern(mib(1).value(), 1));
  const Snapshot before = disk.snapshot();
  disk.write(dev_pos(Sector{7}), pattern(512, 200));
  disk.write(dev_pos(Sector{100000}), pattern(1024, 3));
  const std::vector<std::byte> poison(512, kPoison);
  disk.write(dev_pos(Sector{50000}), poison);  // a chunk is made, its content does not change
  const std::vector<Sector> expected{Sector{7}, Sector{100000}, Sector{100001}};
  EXPECT_EQ(disk.snapshot().difference(before), expected);
  EXPECT_EQ(before.difference(disk.snapshot()), expected);
}

TEST(Snapshot, IsCheapOnATebibyte) {
  MemDisk disk({.capacity = sectors(gib(1024))});
  const std::array<uint64_t, 4> places{0, 4096, gib(512).value(), gib(1024).value() - 512};
  for (const uint64_t pos : places) disk.write(DevPos{pos}, pattern(512, 1));
  const Snapshot before = disk.snapshot();
  disk.write(DevPos{gib(700).value()}, pattern(512, 1));
  EXPECT_EQ(disk.snapshot().difference(before).size(), 1U);
  uint64_t hashed = 0;
  (void)disk.snapshot().digest(&hashed);
  EXPECT_EQ(hashed, 40U);
  disk.discard(Sector{8}, SectorCount{sectors(gib(1024)).value() - 16});
  hashed = 0;
  disk.snapshot().for_each_chunk([&](DevPos, std::span<const std::byte>) { ++hashed; });
  EXPECT_EQ(hashed, 2U);
}

TEST(SnapshotDeathTest, AskingPastTheEndIsAProgrammersError) {
  const MemDisk disk(options(SectorCount{9}));
  EXPECT_DEATH((void)disk.sector(Sector{9}), "assertion failed");
}

}  // namespace
}  // namespace zerotail::sim
