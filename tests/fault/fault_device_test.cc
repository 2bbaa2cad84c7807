// What each kind of fault does to a request, and which requests a rule strikes.
#include "zerotail/fault/fault_device.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "zerotail/sim/mem_disk.h"

namespace zerotail::fault {
namespace {

using sim::Errno;
constexpr size_t kSize = sim::kSectorSize.value();

class FaultDeviceTest : public testing::Test {
 protected:
  FaultDeviceTest() : disk_({.capacity = sim::SectorCount{64}}) {}

  // Every sector holds its number, then the plan begins.
  void use(const std::string& plan) {
    for (uint64_t s = 0; s < 64; ++s) put(s, static_cast<int>(s));
    auto parsed = parse_fault_plan(plan);
    ASSERT_TRUE(parsed.ok()) << parsed.error().message();
    device_ = std::make_unique<FaultDevice>(disk_, loop_, *parsed);
  }
  void put(uint64_t sector, int value) {
    const std::vector<std::byte> data(kSize, static_cast<std::byte>(value));
    disk_.write(sim::dev_pos(sim::Sector{sector}), data);
  }
  Errno submit(sim::BioOp op, uint64_t sector, std::vector<std::byte>& data,
               bool preflush = false) {
    sim::Bio bio;
    bio.op = op;
    bio.preflush = preflush;
    bio.sector = sim::Sector{sector};
    bio.count = sim::SectorCount{data.size() / kSize};
    if (!data.empty()) bio.segments = {data};
    device_->submit(bio);
    loop_.run();
    EXPECT_TRUE(bio.done);
    return bio.status;
  }
  Errno write(uint64_t sector, int value, size_t count = 1) {
    std::vector<std::byte> data(count * kSize, static_cast<std::byte>(value));
    return submit(sim::BioOp::kWrite, sector, data);
  }
  Errno flush() {
    std::vector<std::byte> none;
    return submit(sim::BioOp::kFlush, 0, none);
  }
  Errno discard(uint64_t sector) {
    sim::Bio bio;
    bio.op = sim::BioOp::kDiscard;
    bio.sector = sim::Sector{sector};
    bio.count = sim::SectorCount{1};
    device_->submit(bio);
    return bio.status;
  }
  // The first byte of each sector, or the error.
  std::vector<int> read(uint64_t sector, size_t count = 1) {
    std::vector<std::byte> data(count * kSize);
    const Errno status = submit(sim::BioOp::kRead, sector, data);
    if (status != Errno::kOk) return {-static_cast<int>(status)};
    std::vector<int> bytes;
    for (size_t i = 0; i < count; ++i) bytes.push_back(std::to_integer<int>(data[i * kSize]));
    return bytes;
  }
  [[nodiscard]] int on_medium(uint64_t sector, size_t byte = 0) const {
    return std::to_integer<int>(disk_.sector(sim::Sector{sector})[byte]);
  }
  using Bytes = std::vector<int>;

  sim::EventLoop loop_;
  sim::MemDisk disk_;
  std::unique_ptr<FaultDevice> device_;
};

// ---- the kinds

TEST_F(FaultDeviceTest, AReadErrorLeavesNothingBehind) {
  use("read-error once");
  EXPECT_EQ(read(3), Bytes{-5});
  EXPECT_EQ(read(3), Bytes{3});
}

TEST_F(FaultDeviceTest, AWriteErrorWritesNothing) {
  use("write-error once");
  EXPECT_EQ(write(3, 77), Errno::kIo);
  EXPECT_EQ(on_medium(3), 3);
  EXPECT_EQ(write(3, 77), Errno::kOk);
  EXPECT_EQ(on_medium(3), 77);
}

TEST_F(FaultDeviceTest, AFlushErrorAlsoStopsTheWriteBehindAPreflush) {
  use("flush-error");
  EXPECT_EQ(flush(), Errno::kIo);
  std::vector<std::byte> data(kSize, std::byte{77});
  EXPECT_EQ(submit(sim::BioOp::kWrite, 3, data, true), Errno::kIo);
  EXPECT_EQ(on_medium(3), 3);
  EXPECT_EQ(write(3, 77), Errno::kOk);
}

TEST_F(FaultDeviceTest, ATornWriteEndsInTheMiddleAndSaysThatItSucceeded) {
  use("torn-write");
  EXPECT_EQ(write(4, 77, 4), Errno::kOk);
  EXPECT_EQ(read(4, 4), (Bytes{77, 77, 6, 7}));
}

TEST_F(FaultDeviceTest, ATornWriteOfOneSectorIsTornInsideIt) {
  use("torn-write");
  EXPECT_EQ(write(4, 77), Errno::kOk);
  EXPECT_EQ(on_medium(4, 0), 77);
  EXPECT_EQ(on_medium(4, 255), 77);
  EXPECT_EQ(on_medium(4, 256), 4);
}

TEST_F(FaultDeviceTest, ALostWriteSaysThatItSucceeded) {
  use("lost-write once");
  EXPECT_EQ(write(4, 77), Errno::kOk);
  EXPECT_EQ(on_medium(4), 4);
}

TEST_F(FaultDeviceTest, AMisdirectedWriteLandsElsewhere) {
  use("misdirected-write by=3");
  EXPECT_EQ(write(4, 77, 2), Errno::kOk);
  EXPECT_EQ(read(4, 5), (Bytes{4, 5, 6, 77, 77}));
}

TEST_F(FaultDeviceTest, AMisdirectedRequestStaysOnTheDevice) {
  use("misdirected-write by=8; misdirected-read by=100");
  EXPECT_EQ(write(62, 77, 2), Errno::kOk);
  EXPECT_EQ(on_medium(54), 77);
  EXPECT_EQ(on_medium(62), 62);
  EXPECT_EQ(read(1), Bytes{0});
}

TEST_F(FaultDeviceTest, AMisdirectedReadAnswersWithOtherSectors) {
  use("misdirected-read by=3 once");
  EXPECT_EQ(read(4, 2), (Bytes{7, 8}));
  EXPECT_EQ(read(4, 2), (Bytes{4, 5}));
}

TEST_F(FaultDeviceTest, BitRotIsTheSameOnEachReadUntilTheSectorIsWritten) {
  use("bit-rot at=5 once");
  std::vector<std::byte> first(4 * kSize);
  std::vector<std::byte> again(4 * kSize);
  EXPECT_EQ(submit(sim::BioOp::kRead, 4, first), Errno::kOk);
  EXPECT_EQ(submit(sim::BioOp::kRead, 4, again), Errno::kOk);
  EXPECT_EQ(first, again);
  int flipped = 0;
  for (size_t i = 0; i < first.size(); ++i) {
    const auto wrong = std::to_integer<unsigned>(first[i]) ^ (4 + i / kSize);
    if (wrong == 0) continue;
    ++flipped;
    EXPECT_EQ(wrong & (wrong - 1), 0U);  // one bit
    EXPECT_EQ(i / kSize, 1U);
  }
  EXPECT_EQ(flipped, 1);
  EXPECT_EQ(on_medium(5), 5);
  device_->replug();
  EXPECT_EQ(submit(sim::BioOp::kRead, 4, again), Errno::kOk);
  EXPECT_EQ(first, again);
  EXPECT_EQ(write(5, 5), Errno::kOk);
  EXPECT_TRUE(device_->state().rotten.empty());
}

TEST_F(FaultDeviceTest, AStuckRequestIsAbortedAfterItsTime) {
  use("stuck once by=1500ms");
  EXPECT_EQ(write(4, 77), Errno::kIo);
  EXPECT_EQ(loop_.now(), sim::millis(1500));
  EXPECT_EQ(on_medium(4), 4);
}

TEST_F(FaultDeviceTest, ALatencySpikeOnlyTakesTime) {
  use("latency-spike once by=250us");
  EXPECT_EQ(read(4), Bytes{4});
  EXPECT_EQ(loop_.now(), sim::micros(250));
}

TEST_F(FaultDeviceTest, ABadSectorCanBeReadAgainOnceItWasWritten) {
  use("bad-sector at=5 once");
  EXPECT_EQ(read(4, 4), Bytes{-5});
  EXPECT_EQ(read(4, 1), Bytes{4});
  EXPECT_EQ(read(5), Bytes{-5});
  EXPECT_EQ(write(5, 77), Errno::kOk);
  EXPECT_EQ(read(4, 4), (Bytes{4, 77, 6, 7}));
}

TEST_F(FaultDeviceTest, AFlakyWindowFailsEverythingForAWhile) {
  use("flaky at=5 once by=2");
  EXPECT_EQ(read(4), Bytes{4});
  EXPECT_EQ(read(5), Bytes{-5});
  EXPECT_EQ(write(9, 77), Errno::kIo);
  EXPECT_EQ(read(5), Bytes{5});
}

TEST_F(FaultDeviceTest, APartialRequestIsDoneInPartAndFails) {
  use("partial once");
  EXPECT_EQ(write(4, 77, 4), Errno::kIo);
  EXPECT_EQ(read(4, 4), (Bytes{77, 77, 6, 7}));
}

TEST_F(FaultDeviceTest, AReadOnlyDeviceStillReads) {
  use("read-only nth=2");
  EXPECT_EQ(write(4, 77), Errno::kOk);
  EXPECT_EQ(write(5, 77), Errno::kIo);
  EXPECT_EQ(write(6, 77), Errno::kIo);
  EXPECT_EQ(discard(6), Errno::kIo);
  EXPECT_EQ(read(4, 3), (Bytes{77, 5, 6}));
  device_->replug();
  EXPECT_EQ(write(5, 77), Errno::kOk);
}

TEST_F(FaultDeviceTest, ARemovedDeviceAnswersNothingUntilItIsPluggedInAgain) {
  use("removal at=5 once");
  EXPECT_EQ(read(5), Bytes{-19});
  EXPECT_EQ(write(9, 77), Errno::kNoDev);
  EXPECT_EQ(flush(), Errno::kNoDev);
  device_->replug();
  EXPECT_EQ(read(5), Bytes{5});
}

TEST_F(FaultDeviceTest, AFullThinDeviceTakesOverwritesOnlyUntilADiscard) {
  use("no-space at=40 once");
  device_->set_allocated([](sim::Sector s) { return s.value() < 32; });
  EXPECT_EQ(write(40, 77), Errno::kNoSpc);
  EXPECT_EQ(write(31, 77), Errno::kOk);
  EXPECT_EQ(write(31, 77, 2), Errno::kNoSpc);
  EXPECT_EQ(discard(0), Errno::kOk);
  EXPECT_EQ(write(40, 77), Errno::kOk);
}

// ---- which requests a rule strikes

TEST_F(FaultDeviceTest, ARuleStrikesRequestsThatTouchItsSectors) {
  use("read-error at=5-6");
  EXPECT_EQ(read(3, 2), (Bytes{3, 4}));
  EXPECT_EQ(read(3, 3), Bytes{-5});
  EXPECT_EQ(read(6, 4), Bytes{-5});
  EXPECT_EQ(read(7), Bytes{7});
}

TEST_F(FaultDeviceTest, PhasesCountTheRequestsThatMatch) {
  use("read-error at=5 phases=ok*1,fail*2,ok");
  EXPECT_EQ(read(5), Bytes{5});
  EXPECT_EQ(read(9), Bytes{9});
  EXPECT_EQ(read(5), Bytes{-5});
  EXPECT_EQ(read(5), Bytes{-5});
  EXPECT_EQ(read(5), Bytes{5});
}

TEST_F(FaultDeviceTest, ARuleCanBeAboutOperations) {
  use("read-error op=2-3");
  device_->set_operation(1, 0);
  EXPECT_EQ(read(5), Bytes{5});
  device_->set_operation(2, 0);
  EXPECT_EQ(read(5), Bytes{-5});
  EXPECT_EQ(device_->hits().back().operation, 2U);
  device_->set_operation(4, 0);
  EXPECT_EQ(read(5), Bytes{5});
}

TEST_F(FaultDeviceTest, RegionsAreBytesAndMove) {
  use("bit-rot in=table once");
  const auto at = [](uint64_t begin, uint64_t end) {
    return Region{"table", {{sim::DevPos{begin}, sim::DevPos{end}}}};
  };
  ASSERT_TRUE(device_->set_regions({at(8 * kSize, 9 * kSize)}).ok());
  EXPECT_EQ(read(5), Bytes{5});
  ASSERT_TRUE(device_->set_regions({at(5 * kSize + 100, 5 * kSize + 101)}).ok());
  EXPECT_EQ(read(5), Bytes{5});
  EXPECT_EQ(device_->state().rotten.at(5) / 8, 100U);
}

TEST_F(FaultDeviceTest, AnUnknownRegionIsRefusedByName) {
  use("bit-rot in=tabel");
  const auto status = device_->set_regions({{"table", {}}});
  ASSERT_FALSE(status.ok());
  EXPECT_NE(status.error().message().find("'bit-rot in=tabel': there is no such region; the "
                                          "regions are table"),
            std::string::npos);
}

TEST_F(FaultDeviceTest, AFlushIsAboutSectorsThatWereWrittenBeforeIt) {
  use("flush-error at=5");
  EXPECT_EQ(write(4, 77), Errno::kOk);
  EXPECT_EQ(flush(), Errno::kOk);
  EXPECT_EQ(write(5, 77), Errno::kOk);
  EXPECT_EQ(flush(), Errno::kIo);
  EXPECT_EQ(flush(), Errno::kOk);
}

TEST_F(FaultDeviceTest, DecisionsDependOnOperationAndSectorAlone) {
  use("read-error p=1/2");
  std::vector<bool> alone;
  for (uint64_t op = 0; op < 8; ++op) {
    device_->set_operation(op, op * 1000);
    for (uint64_t s = 0; s < 8; ++s) alone.push_back(read(s) == Bytes{-5});
  }
  const auto failing = std::count(alone.begin(), alone.end(), true);
  EXPECT_GT(failing, 16);
  EXPECT_LT(failing, 48);
  // The same decisions with half of the operations gone and other indices.
  use("lost-write once; read-error p=1/2");
  for (uint64_t op = 1; op < 8; op += 2) {
    device_->set_operation(op / 2, op * 1000);
    for (uint64_t s = 8; s-- > 0;) EXPECT_EQ(read(s) == Bytes{-5}, alone[op * 8 + s]);
  }
}

TEST_F(FaultDeviceTest, WithoutAStrikeARequestPassesUntouched) {
  use("read-error at=60");
  device_->set_armed(false);
  EXPECT_EQ(read(60), Bytes{60});
  device_->set_armed(true);
  EXPECT_EQ(read(60), Bytes{-5});
  sim::Bio out_of_range;
  out_of_range.sector = sim::Sector{64};
  out_of_range.count = sim::SectorCount{1};
  device_->submit(out_of_range);
  EXPECT_EQ(out_of_range.status, Errno::kIo);
  EXPECT_EQ(device_->hits().size(), 1U);
}

TEST_F(FaultDeviceTest, LargeBlocksAreTornAndCutAtBlocks) {
  sim::MemDisk large({.capacity = sim::SectorCount{64}, .logical_block = sim::kib(4)});
  FaultDevice device(large, loop_, *parse_fault_plan("torn-write once; partial on=write nth=2"));
  std::vector<std::byte> data(16 * kSize, std::byte{7});
  const auto write = [&](uint64_t sectors) {
    sim::Bio bio;
    bio.op = sim::BioOp::kWrite;
    bio.count = sim::SectorCount{sectors};
    bio.segments = {std::span(data).first(sectors * kSize)};
    device.submit(bio);
    return bio.status;
  };
  EXPECT_EQ(write(8), Errno::kOk);
  EXPECT_EQ(large.sector(sim::Sector{3})[0], std::byte{7});
  EXPECT_EQ(large.sector(sim::Sector{4})[0], std::byte{0});
  EXPECT_EQ(write(16), Errno::kIo);
  EXPECT_EQ(large.sector(sim::Sector{7})[0], std::byte{7});
  EXPECT_EQ(large.sector(sim::Sector{8})[0], std::byte{0});
}

}  // namespace
}  // namespace zerotail::fault
