// Tasks that work on one file at the same time, on a device that takes its time, under schedules
// drawn from a seed: nothing may deadlock, no byte that was never written may show, and what the
// cache says must be what the disk says.
#include <gtest/gtest.h>

#include "core/io/test_mount.h"

namespace zerotail::io {
namespace {

class SlowDevice : public sim::BlockDevice {
 public:
  SlowDevice(sim::BlockDevice& below, sim::EventLoop& loop, sim::Prng prng)
      : below_(below), loop_(loop), prng_(prng) {}
  [[nodiscard]] const sim::DeviceInfo& info() const override { return below_.info(); }
  void submit(sim::Bio& bio) override {
    const uint64_t delay = prng_.between(1, 200);
    loop_.schedule_after(sim::micros(delay), [this, &bio] { below_.submit(bio); });
  }

 private:
  sim::BlockDevice& below_;
  sim::EventLoop& loop_;
  sim::Prng prng_;
};

struct Shape {
  uint64_t sector;
  uint64_t cluster;
};

class ConcurrencyTest : public ::testing::TestWithParam<Shape> {
 protected:
  static constexpr uint64_t kReach = 60000;
  static constexpr int kTasks = 4;
  static constexpr int kSteps = 40;

  void step(FileNode& node, int value, sim::Prng& prng) {
    const uint64_t pos = prng.below(kReach);
    const uint64_t length = prng.between(1, 9000);
    const uint64_t sector = GetParam().sector;
    const uint64_t aligned = sim::round_down(pos, sector);
    const std::vector<std::byte> data(length, std::byte{static_cast<uint8_t>(value)});
    std::vector<std::byte> out(length);
    iomap::ReadaheadState readahead;
    ErrorSample errors = node.cache().errors().sample();
    switch (prng.below(11)) {
      case 0:
      case 1:
      case 2: {
        const WriteMode mode{.append = prng.chance(1, 4), .sync = prng.chance(1, 8)};
        if (node.size() > sim::FilePos{4 * kReach}) return;
        const auto count =
            io::write(node, sim::FilePos{pos}, {.bytes = data, .fault_at = {}}, mode, errors);
        if (count.ok()) {
          EXPECT_EQ(*count, length);
        } else {
          expect_collision(count.code());
        }
        return;
      }
      case 3: {
        const std::vector<std::byte> blocks(sim::round_up(length, sector), data[0]);
        if (prng.chance(1, 3)) return submit(node, aligned, blocks);
        const iomap::CopySource source{.bytes = blocks, .fault_at = {}};
        const auto count = io::direct_write(node, sim::FilePos{aligned}, source, {}, {}, errors);
        EXPECT_EQ(*count, blocks.size());
        return;
      }
      case 4:
        EXPECT_TRUE(io::truncate(node, sim::FilePos{pos}).ok());
        return;
      case 5:
        expect_collision(io::fsync(node, sim::FilePos{0}, iomap::kNoLimit, false, errors).code());
        return;
      case 6: {
        out.resize(sim::round_up(length, sector));
        EXPECT_TRUE(io::direct_read(node, sim::FilePos{aligned}, out, true).ok());
        expect_no_poison(out);
        return;
      }
      case 7:
        static_cast<void>(io::store(node, sim::FilePos{pos}, data));
        return;
      case 8:
        static_cast<void>(io::load(node, sim::FilePos{pos}, out));
        expect_no_poison(out);
        return;
      case 9:
        static_cast<void>(node.cache().invalidate(sim::FilePos{0}, iomap::kNoLimit, false));
        return;
      default:
        EXPECT_TRUE(io::read(node, readahead, sim::FilePos{pos}, out).ok());
        expect_no_poison(out);
        return;
    }
  }

  // A direct write that this task does not wait for.
  static void submit(FileNode& node, uint64_t pos, const std::vector<std::byte>& blocks) {
    node.mount().world().scheduler.spawn("submitted", [&node, pos, blocks] {
      ErrorSample errors = node.cache().errors().sample();
      const iomap::CopySource source{.bytes = blocks, .fault_at = {}};
      const auto count = io::direct_write(node, sim::FilePos{pos}, source, {}, {}, errors, [] {});
      EXPECT_EQ(*count, blocks.size());
    });
  }

  // A page that was stored to while a direct write to it was on its way cannot be dropped after it:
  // the next fsync says EIO, as the kernel's does. The device itself never fails here.
  static void expect_collision(sim::Errno code) {
    EXPECT_TRUE(code == sim::Errno::kOk || code == sim::Errno::kIo) << sim::errno_name(code);
  }

  static void expect_no_poison(const std::vector<std::byte>& bytes) {
    for (const std::byte byte : bytes) {
      ASSERT_LE(byte, std::byte{kTasks}) << TestFile::runs(bytes);
    }
  }
};

TEST_P(ConcurrencyTest, TheCacheAndTheDiskAgreeUnderAnySchedule) {
  for (uint64_t seed = 1; seed <= 25; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const sim::Prng prng(seed);
    TestVolume volume({.sector = sim::ByteCount{GetParam().sector},
                       .cluster = sim::ByteCount{GetParam().cluster}});
    SlowDevice slow(volume.device, volume.world.loop, prng.fork("latency"));
    volume.mount.reset();
    auto opened = Mount::open(volume.world, slow, {}, {});
    ASSERT_TRUE(opened.ok());
    volume.mount = std::move(*opened);
    // The flusher is always about, and writers wait for it now and then.
    volume.mount->flusher().set_tuning({.expire = sim::micros(500),
                                        .interval = sim::micros(700),
                                        .background = sim::kib(64),
                                        .limit = sim::kib(160)});
    {
      TestFile file(volume, "a");
      TestFile other(volume, "b");  // breaks the contiguity of the first
      volume.world.scheduler.set_policy(sim::random_policy(prng.fork("schedule")));
      for (int task = 1; task <= kTasks; ++task) {
        sim::Prng draws = prng.fork(static_cast<uint64_t>(task));
        volume.world.scheduler.spawn("task", [this, task, draws, &file, &other]() mutable {
          for (int i = 0; i < kSteps && !HasFailure(); ++i) {
            step(draws.chance(1, 5) ? other.node() : file.node(), task, draws);
          }
        });
      }
      volume.world.scheduler.run();
      volume.world.scheduler.set_policy(sim::fifo_policy());
      unmap_all(file.node());
      const uint64_t size = file.inode().size().value();
      const std::string cached = file.read(0, size);
      file.make_cold();
      EXPECT_EQ(file.read(0, size), cached);
      EXPECT_EQ(cached.find("219x"), std::string::npos) << cached;
      EXPECT_LE(file.inode().valid_size(), file.inode().size());
      EXPECT_EQ(file.clusters(),
                volume.mount->fs().geometry().clusters(sim::ByteCount{size}).value());
    }
    volume.mount.reset();
    if (HasFailure()) return;
  }
}

INSTANTIATE_TEST_SUITE_P(Shapes, ConcurrencyTest,
                         ::testing::Values(Shape{512, 4096}, Shape{512, 512}, Shape{4096, 4096},
                                           Shape{512, 32768}));

}  // namespace
}  // namespace zerotail::io
