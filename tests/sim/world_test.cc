#include "zerotail/sim/world.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "sim/test_disk.h"
#include "zerotail/sim/mem_disk.h"

namespace zerotail::sim {
namespace {

// Takes a microsecond a bio, one at a time.
class OneAtATime : public BlockDevice {
 public:
  OneAtATime(BlockDevice& below, EventLoop& loop) : below_(below), loop_(loop) {}
  [[nodiscard]] const DeviceInfo& info() const override { return below_.info(); }
  void submit(Bio& bio) override {
    free_at_ = (free_at_ > loop_.now() ? free_at_ : loop_.now()) + micros(1);
    loop_.schedule_at(free_at_, [this, &bio] { below_.submit(bio); });
  }

 private:
  BlockDevice& below_;
  EventLoop& loop_;
  Nanos free_at_;
};

class WorldTest : public testing::Test {
 protected:
  WorldTest() : disk_({.capacity = SectorCount{64}}), slow_(disk_, world_.loop) {}
  World world_{1};
  MemDisk disk_;
  OneAtATime slow_;
};

TEST_F(WorldTest, WritesAndReadsSectors) {
  ASSERT_EQ(write_sectors(world_.scheduler, disk_, Sector{4}, filled(3, 9)), Errno::kOk);
  std::vector<std::byte> data(3 * 512);
  ASSERT_EQ(read_sectors(world_.scheduler, disk_, Sector{4}, data), Errno::kOk);
  EXPECT_EQ(data, filled(3, 9));
  EXPECT_EQ(flush(world_.scheduler, disk_), Errno::kOk);
}

TEST_F(WorldTest, WaitsInVirtualTime) {
  ASSERT_EQ(write_sectors(world_.scheduler, slow_, Sector{4}, filled(1, 9)), Errno::kOk);
  EXPECT_EQ(world_.loop.now(), micros(1));
  EXPECT_EQ(byte_at(disk_, 4), 9);
}

TEST_F(WorldTest, TasksOverlapTheirWaits) {
  std::string order;
  for (const char name : {'a', 'b'}) {
    world_.scheduler.spawn(std::string(1, name), [&, name] {
      for (uint64_t i = 0; i < 2; ++i) {
        ASSERT_EQ(write_sectors(world_.scheduler, slow_, Sector{i}, filled(1, name)), Errno::kOk);
        order += name;
      }
    });
  }
  world_.scheduler.run();
  EXPECT_EQ(order, "abab");
  EXPECT_EQ(world_.loop.now(), micros(4));
}

TEST_F(WorldTest, ErrorsOfTheDeviceAreReturned) {
  EXPECT_EQ(write_sectors(world_.scheduler, slow_, Sector{64}, filled(1, 9)), Errno::kIo);
  std::vector<std::byte> data(512);
  EXPECT_EQ(read_sectors(world_.scheduler, disk_, Sector{64}, data), Errno::kIo);
}

TEST_F(WorldTest, ABioCanBeSubmittedAgain) {
  std::vector<std::byte> data = filled(1, 5);
  Bio bio;
  bio.op = BioOp::kWrite;
  bio.count = SectorCount{1};
  bio.segments = {data};
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(submit_and_wait(world_.scheduler, slow_, bio), Errno::kOk);
  }
  EXPECT_EQ(world_.loop.now(), micros(3));
}

TEST_F(WorldTest, APowerFailureLeavesTasksAndEventsBehind) {
  world_.scheduler.spawn("writer", [&] {
    (void)write_sectors(world_.scheduler, slow_, Sector{4}, filled(1, 9));
    FAIL() << "the power was gone";
  });
  world_.scheduler.yield();
  world_.scheduler.abandon();
  world_.loop.clear();
  world_.scheduler.run();
  world_.loop.run();
  EXPECT_EQ(byte_at(disk_, 4), 0);
}

}  // namespace
}  // namespace zerotail::sim
