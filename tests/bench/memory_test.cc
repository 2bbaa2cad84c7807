// What a mounted volume takes of memory, and what the hot paths do for a MiB: counts that are the
// same on every machine.
#include <gtest/gtest.h>

#include "zerotail/bench/core_volume.h"

namespace zerotail::bench {
namespace {

constexpr uint64_t kMib = uint64_t{1} << 20;

TEST(Memory, ATebibyteWith128KiBClustersTakesLessThan64MiB) {
  const uint64_t before = allocated_bytes();
  CoreVolume volume({.size = sim::gib(1024), .cluster = sim::kib(128)});
  must(volume->close(volume.make_file("a", kMib, 0)), "close");
  must(volume->sync(), "sync");
  const uint64_t taken = allocated_bytes() - before;
  // At least the file, on the disk and in the cache.
  EXPECT_GT(volume.disk_bytes(), kMib);
  EXPECT_GT(taken, volume.disk_bytes() + kMib);
  EXPECT_LT(taken, 64 * kMib);
}

TEST(Memory, ASparseFileTakesWhatIsWritten) {
  CoreVolume volume({.size = sim::gib(64), .cluster = sim::kib(128)});
  const volume::Fd fd = volume.open("a");
  must(volume->truncate(fd, static_cast<int64_t>(sim::gib(32).value())), "truncate");
  const uint64_t before = allocated_bytes();
  const std::vector<std::byte> data(kMib, std::byte{1});
  volume.write(fd, 0, data);
  EXPECT_LT(allocated_bytes() - before, 3 * kMib);
}

TEST(Memory, AFilesPagesCostLittleMoreThanTheirContent) {
  CoreVolume volume({.size = sim::gib(1), .cluster = sim::kib(32)});
  const uint64_t before = allocated_bytes();
  static_cast<void>(volume.make_file("a", 128 * kMib, 0));
  // Besides the content: the tree, one Folio a page, bits; and slabs, which grow in steps of up to
  // 16 MiB, each aligned to a huge page of 2 MiB.
  EXPECT_LT(allocated_bytes() - before, (128 + 48) * kMib);
}

TEST(Memory, UnlinkedFilesGiveTheirPagesBack) {
  CoreVolume volume({.size = sim::gib(1), .cluster = sim::kib(32)});
  const auto once = [&volume] {
    must(volume->close(volume.make_file("a", 32 * kMib, 0)), "close");
    must(volume->unlink("a"), "unlink");
    must(volume->sync(), "sync");
    return allocated_bytes();
  };
  const uint64_t first = once();
  uint64_t last = first;
  for (int round = 0; round < 4; ++round) last = once();
  EXPECT_LT(last, first + kMib);
}

}  // namespace
}  // namespace zerotail::bench
