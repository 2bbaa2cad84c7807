// What a device accepts (check_range), and a bio's completion.
#include "zerotail/sim/block_device.h"

#include <gtest/gtest.h>

#include <memory>
#include <vector>

namespace zerotail::sim {
namespace {

class CheckRange : public testing::Test {
 protected:
  Errno check(BioOp op, uint64_t sector, uint64_t count, size_t length) {
    Bio bio;
    bio.op = op;
    bio.sector = Sector{sector};
    bio.count = SectorCount{count};
    data_.resize(length);
    if (length > 0) bio.segments = {data_};
    return check_range(info_, bio);
  }
  DeviceInfo info_{.capacity = SectorCount{64}};
  std::vector<std::byte> data_;
};

TEST_F(CheckRange, TakesWhatFits) {
  EXPECT_EQ(check(BioOp::kRead, 0, 64, 64 * 512), Errno::kOk);
  EXPECT_EQ(check(BioOp::kWrite, 63, 1, 512), Errno::kOk);
  EXPECT_EQ(check(BioOp::kDiscard, 8, 8, 0), Errno::kOk);
  EXPECT_EQ(check(BioOp::kFlush, 0, 0, 0), Errno::kOk);
  EXPECT_EQ(check(BioOp::kWrite, 0, 0, 0), Errno::kOk);  // an empty PREFLUSH
}

TEST_F(CheckRange, RefusesWhatEndsPastTheDisk) {
  EXPECT_EQ(check(BioOp::kRead, 63, 2, 1024), Errno::kIo);
  EXPECT_EQ(check(BioOp::kRead, 64, 1, 512), Errno::kIo);
  EXPECT_EQ(check(BioOp::kDiscard, 0, 65, 0), Errno::kIo);
}

TEST_F(CheckRange, RefusesAnEndThatWrapsAround) {
  EXPECT_EQ(check(BioOp::kDiscard, UINT64_MAX, 2, 0), Errno::kIo);
  EXPECT_EQ(check(BioOp::kDiscard, 1, UINT64_MAX, 0), Errno::kIo);
}

TEST_F(CheckRange, RefusesSegmentsOfAnotherLength) {
  EXPECT_EQ(check(BioOp::kRead, 0, 2, 512), Errno::kIo);
  EXPECT_EQ(check(BioOp::kWrite, 0, 1, 1024), Errno::kIo);
  EXPECT_EQ(check(BioOp::kWrite, 0, 1, 511), Errno::kIo);
  EXPECT_EQ(check(BioOp::kDiscard, 0, 1, 512), Errno::kIo);
  EXPECT_EQ(check(BioOp::kFlush, 0, 1, 512), Errno::kIo);
}

TEST_F(CheckRange, RefusesWhatIsMisalignedToTheLogicalBlock) {
  info_.logical_block = ByteCount{4096};
  EXPECT_EQ(check(BioOp::kRead, 8, 8, 4096), Errno::kOk);
  EXPECT_EQ(check(BioOp::kRead, 4, 8, 4096), Errno::kIo);
  EXPECT_EQ(check(BioOp::kWrite, 8, 1, 512), Errno::kIo);
  EXPECT_EQ(check(BioOp::kDiscard, 8, 4, 0), Errno::kIo);
}

TEST(Bio, CompleteStoresTheOutcomeThenCallsEndIo) {
  Bio bio;
  Errno seen = Errno::kOk;
  bio.end_io = [&](Bio& done) {
    EXPECT_TRUE(done.done);
    seen = done.status;
  };
  bio.complete(Errno::kIo);
  EXPECT_EQ(seen, Errno::kIo);
}

TEST(Bio, EndIoMayDestroyTheBio) {
  auto bio = std::make_unique<Bio>();
  std::vector<int> captured(100, 1);  // too large for the function object itself
  int sum = 0;
  Bio& submitted = *bio;
  submitted.end_io = [&bio, &sum, captured](Bio&) {
    bio.reset();
    for (const int i : captured) sum += i;
  };
  submitted.complete(Errno::kOk);
  EXPECT_EQ(sum, 100);
}

TEST(BioDeathTest, ASecondCompletionIsAProgrammersError) {
  Bio bio;
  bio.complete(Errno::kOk);
  EXPECT_DEATH(bio.complete(Errno::kOk), "completed twice");
}

}  // namespace
}  // namespace zerotail::sim
