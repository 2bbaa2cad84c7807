// seek, fiemap, bmap, zero_range and the walk they share.
#include <gtest/gtest.h>

#include "core/iomap/test_file.h"
#include "zerotail/iomap/bmap.h"
#include "zerotail/iomap/buffered_read.h"
#include "zerotail/iomap/buffered_write.h"
#include "zerotail/iomap/fiemap.h"
#include "zerotail/iomap/iter.h"
#include "zerotail/iomap/seek.h"
#include "zerotail/iomap/zero_range.h"

namespace zerotail::iomap {
namespace {

using sim::FilePos;

TEST(Seek, TheHoleBeginsAtTheValidSizeToTheByte) {
  TestBench bench;
  bench.file.set(8192, 519);
  EXPECT_EQ(*seek_hole(bench.file, FilePos{0}), FilePos{519});
  EXPECT_EQ(*seek_hole(bench.file, FilePos{600}), FilePos{600});
  EXPECT_EQ(*seek_data(bench.file, FilePos{518}), FilePos{518});
  EXPECT_EQ(seek_data(bench.file, FilePos{519}).code(), sim::Errno::kNxio);
}

TEST(Seek, TheEndOfTheFileIsAHole) {
  TestBench bench;
  bench.file.set(1000, 1000);
  EXPECT_EQ(*seek_hole(bench.file, FilePos{10}), FilePos{1000});
  EXPECT_EQ(seek_hole(bench.file, FilePos{1000}).code(), sim::Errno::kNxio);
}

TEST(Seek, FragmentsAreOneStretchOfData) {
  TestBench bench;
  bench.file.set_contiguous(false);
  bench.file.set(20000, 10000);
  EXPECT_EQ(*seek_hole(bench.file, FilePos{5}), FilePos{10000});
}

TEST(Fiemap, GivesTheValidExtents) {
  TestBench bench;
  bench.file.set_contiguous(false);
  bench.file.set(20000, 5000);
  auto extents = fiemap(bench.file, FilePos{0}, sim::ByteCount{20000});
  ASSERT_TRUE(extents.ok());
  ASSERT_EQ(extents->size(), 2U);
  EXPECT_EQ((*extents)[1].addr, sim::DevPos{8192});
  EXPECT_EQ((*extents)[1].length, sim::ByteCount{904});
}

TEST(Bmap, AnswersWhatIsValidOnly) {
  TestBench bench;
  bench.file.set(8192, 4096);
  EXPECT_EQ(bmap(bench.file, FilePos{512}), sim::DevPos{512});
  EXPECT_EQ(bmap(bench.file, FilePos{4096}), std::nullopt);
  EXPECT_EQ(bmap(bench.file, FilePos{9000}), std::nullopt);
}

TEST(Bmap, WritesDirtyDataBackFirst) {
  TestBench bench;
  const std::vector<std::byte> data(100, std::byte{1});
  ASSERT_EQ(buffered_write(bench.file, FilePos{0}, {.bytes = data, .fault_at = {}}).written, 100U);
  ASSERT_TRUE(bmap(bench.file, FilePos{0}).has_value());
  EXPECT_EQ(runs(bench.on_disk(0, 100)), "1x100 ");
}

TEST(ZeroRange, ZeroesInsideBlocksAndKeepsTheRest) {
  TestBench bench;
  bench.put_on_disk(0, 8192, std::byte{7});
  bench.file.set(8192, 8192);
  ASSERT_TRUE(zero_range(bench.file, FilePos{4000}, sim::ByteCount{200}).ok());
  std::vector<std::byte> out(8192);
  ReadaheadState readahead;
  ASSERT_TRUE(buffered_read(bench.file, readahead, FilePos{0}, out).ok());
  EXPECT_EQ(runs(out), "7x4000 0x200 7x3992 ");
}

TEST(ZeroRange, DoesNotGrowTheFile) {
  TestBench bench;
  bench.file.set(1000, 1000);
  ASSERT_TRUE(zero_range(bench.file, FilePos{900}, sim::ByteCount{5000}).ok());
  EXPECT_EQ(bench.file.size(), FilePos{1000});
}

// The part of a block that is kept cannot be read: the block is left alone.
TEST(ZeroRange, AFailedReadZeroesNothing) {
  TestBench bench;
  bench.file.set(4096, 4096);
  bench.put_on_disk(0, 4096, std::byte{7});
  bench.device.fail_reads = true;
  EXPECT_EQ(zero_range(bench.file, FilePos{100}, sim::ByteCount{50}).code(), sim::Errno::kIo);
  EXPECT_FALSE(bench.file.cache().any_dirty());
  bench.device.fail_reads = false;
  std::vector<std::byte> out(4096);
  ReadaheadState readahead;
  ASSERT_TRUE(buffered_read(bench.file, readahead, FilePos{0}, out).ok());
  EXPECT_EQ(runs(out), "7x4096 ");
}

TEST(Iter, EndsTheMappingOfAFailedRound) {
  TestBench bench;
  bench.file.set(4096, 4096);
  Iter iter(bench.file, Intent::kRead, FilePos{0}, sim::ByteCount{4096});
  ASSERT_TRUE(iter.next());
  iter.advance(sim::ByteCount{512});
  iter.fail(sim::Error(sim::Errno::kIo));
  EXPECT_FALSE(iter.next());
  EXPECT_EQ(iter.done(), sim::ByteCount{512});
  EXPECT_EQ(iter.status().code(), sim::Errno::kIo);
}

TEST(Iter, ARoundThatDoesNotAdvanceIsTheLast) {
  TestBench bench;
  bench.file.set(4096, 4096);
  Iter iter(bench.file, Intent::kRead, FilePos{0}, sim::ByteCount{4096});
  ASSERT_TRUE(iter.next());
  EXPECT_FALSE(iter.next());
  EXPECT_TRUE(iter.status().ok());
}

}  // namespace
}  // namespace zerotail::iomap
