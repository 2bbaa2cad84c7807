#include "zerotail/fault/scratch_disk.h"

#include <gtest/gtest.h>

#include <vector>

#include "zerotail/sim/mem_disk.h"
#include "zerotail/sim/world.h"

namespace zerotail::fault {
namespace {

using sim::Errno;
using sim::Sector;
using sim::SectorCount;

std::vector<std::byte> filled(size_t sectors, int value) {
  return std::vector<std::byte>(sectors * sim::kSectorSize.value(), static_cast<std::byte>(value));
}

class ScratchDiskTest : public testing::Test {
 protected:
  ScratchDiskTest() : below_({.capacity = SectorCount{16}}), disk_(below_, below_.info()) {
    below_.write(sim::DevPos{0}, filled(16, 1));
  }
  [[nodiscard]] int byte_at(uint64_t sector) const {
    return std::to_integer<int>(*disk_.sector(Sector{sector}));
  }
  sim::World world_{1};
  sim::MemDisk below_;
  ScratchDisk disk_;
};

TEST_F(ScratchDiskTest, WritesLieOverTheReaderBelow) {
  ASSERT_EQ(write_sectors(world_.scheduler, disk_, Sector{3}, filled(2, 9)), Errno::kOk);
  EXPECT_EQ(byte_at(2), 1);
  EXPECT_EQ(byte_at(3), 9);
  EXPECT_EQ(byte_at(4), 9);
  EXPECT_EQ(byte_at(5), 1);
  std::vector<std::byte> read(4 * 512);
  ASSERT_EQ(read_sectors(world_.scheduler, disk_, Sector{2}, read), Errno::kOk);
  EXPECT_EQ(std::to_integer<int>(read[511]), 1);
  EXPECT_EQ(std::to_integer<int>(read[512]), 9);
  EXPECT_EQ(std::to_integer<int>(read[3 * 512]), 1);
}

TEST_F(ScratchDiskTest, TheReaderBelowIsNotChanged) {
  const sim::Digest before = below_.digest();
  ASSERT_EQ(write_sectors(world_.scheduler, disk_, Sector{3}, filled(2, 9)), Errno::kOk);
  EXPECT_EQ(below_.digest(), before);
}

TEST_F(ScratchDiskTest, ResetForgetsTheWrites) {
  ASSERT_EQ(write_sectors(world_.scheduler, disk_, Sector{3}, filled(1, 9)), Errno::kOk);
  disk_.reset();
  EXPECT_EQ(byte_at(3), 1);
}

TEST_F(ScratchDiskTest, SegmentsMayEndInsideASector) {
  std::vector<std::byte> first = filled(1, 7);
  first.resize(100);
  std::vector<std::byte> second(412, std::byte{8});
  sim::Bio bio;
  bio.op = sim::BioOp::kWrite;
  bio.sector = Sector{1};
  bio.count = SectorCount{1};
  bio.segments = {first, second};
  disk_.submit(bio);
  ASSERT_EQ(bio.status, Errno::kOk);
  EXPECT_EQ(std::to_integer<int>(disk_.sector(Sector{1})[99]), 7);
  EXPECT_EQ(std::to_integer<int>(disk_.sector(Sector{1})[100]), 8);
}

TEST_F(ScratchDiskTest, RecordsTheSectorsReadBySubmit) {
  std::vector<Sector> reads;
  disk_.record_reads(&reads);
  std::vector<std::byte> read(1024);
  ASSERT_EQ(read_sectors(world_.scheduler, disk_, Sector{7}, read), Errno::kOk);
  disk_.record_reads(nullptr);
  ASSERT_EQ(read_sectors(world_.scheduler, disk_, Sector{1}, read), Errno::kOk);
  EXPECT_EQ(reads, (std::vector<Sector>{Sector{7}, Sector{8}}));
}

TEST_F(ScratchDiskTest, RangesAreChecked) {
  EXPECT_EQ(write_sectors(world_.scheduler, disk_, Sector{15}, filled(2, 9)), Errno::kIo);
  EXPECT_EQ(byte_at(15), 1);
}

TEST_F(ScratchDiskTest, FlushAndDiscardSucceed) {
  EXPECT_EQ(sim::flush(world_.scheduler, disk_), Errno::kOk);
  sim::Bio bio;
  bio.op = sim::BioOp::kDiscard;
  bio.count = SectorCount{4};
  disk_.submit(bio);
  EXPECT_EQ(bio.status, Errno::kOk);
  EXPECT_EQ(byte_at(0), 1);
}

}  // namespace
}  // namespace zerotail::fault
