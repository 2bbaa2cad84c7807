// The mapping table, row by row.
#include <gtest/gtest.h>

#include "core/io/test_mount.h"

namespace zerotail::io {
namespace {

using iomap::Intent;
using iomap::Mapping;
using iomap::MappingType;

class IomapOps : public ::testing::Test {
 protected:
  Mapping map(uint64_t pos, uint64_t length, Intent intent) {
    const iomap::MapRequest request{
        .pos = sim::FilePos{pos}, .length = sim::ByteCount{length}, .intent = intent};
    auto mapping = file_.node().map_begin(request);
    EXPECT_TRUE(mapping.ok());
    if (!mapping.ok()) return {};
    EXPECT_TRUE(file_.node().map_end(request, *mapping, sim::ByteCount{0}).ok());
    return *mapping;
  }
  TestVolume volume_;
  TestFile file_{volume_, "a"};
};

TEST_F(IomapOps, PastTheSizeIsAHoleOfTheWholeLength) {
  ASSERT_TRUE(file_.truncate(5000).ok());
  const Mapping mapping = map(5000, 100000, Intent::kRead);
  EXPECT_EQ(mapping.type, MappingType::kHole);
  EXPECT_EQ(mapping.length, sim::ByteCount{100000});
}

TEST_F(IomapOps, ARangeThatCrossesTheSizeEndsWithItsBlock) {
  ASSERT_TRUE(file_.write(0, 5000, 1).ok());
  EXPECT_EQ(map(4096, 4096, Intent::kRead).length, sim::ByteCount{1024});
}

TEST_F(IomapOps, AtTheValidSizeReadsAreUnwrittenWithAnAddress) {
  ASSERT_TRUE(file_.write(0, 512, 1).ok());
  ASSERT_TRUE(file_.truncate(8192).ok());
  const Mapping mapping = map(512, 4096, Intent::kRead);
  EXPECT_EQ(mapping.type, MappingType::kUnwritten);
  EXPECT_EQ(mapping.addr, map(0, 512, Intent::kRead).addr + sim::ByteCount{512});
}

TEST_F(IomapOps, ARangeThatCrossesTheValidSizeEndsWithItsBlock) {
  ASSERT_TRUE(file_.write(0, 700, 1).ok());
  ASSERT_TRUE(file_.truncate(8192).ok());
  for (const Intent intent : {Intent::kRead, Intent::kWriteback, Intent::kDirectRead}) {
    const Mapping mapping = map(0, 8192, intent);
    EXPECT_EQ(mapping.type, MappingType::kMapped);
    EXPECT_EQ(mapping.length, sim::ByteCount{1024});
    EXPECT_EQ(mapping.valid_end, sim::FilePos{700});
  }
}

TEST_F(IomapOps, AReportEndsDataAtTheValidSizeToTheByte) {
  ASSERT_TRUE(file_.write(0, 700, 1).ok());
  ASSERT_TRUE(file_.truncate(8192).ok());
  EXPECT_EQ(map(0, 8192, Intent::kReport).length, sim::ByteCount{700});
  EXPECT_EQ(map(700, 100, Intent::kReport).type, MappingType::kHole);
}

TEST_F(IomapOps, AWriteGetsTheExistingRunFirst) {
  ASSERT_TRUE(file_.write(0, 8192, 1).ok());
  const Mapping mapping = map(4096, 100000, Intent::kWrite);
  EXPECT_EQ(mapping.length, sim::ByteCount{4096});
  EXPECT_FALSE(mapping.fresh);
  EXPECT_TRUE(mapping.zero_tail);
  EXPECT_EQ(file_.clusters(), 2U);
}

TEST_F(IomapOps, NewClustersAreFresh) {
  const Mapping mapping = map(100, 5000, Intent::kWrite);
  EXPECT_TRUE(mapping.fresh);
  EXPECT_FALSE(mapping.zero_tail);
  EXPECT_EQ(mapping.length, sim::ByteCount{5000});
  EXPECT_EQ(file_.clusters(), 2U);
}

TEST_F(IomapOps, ALengthCountsClustersFromThePlaceInsideTheFirst) {
  // Two bytes that straddle two clusters need both.
  const Mapping mapping = map(4095, 2, Intent::kWrite);
  EXPECT_EQ(mapping.length, sim::ByteCount{2});
  EXPECT_EQ(file_.clusters(), 2U);
}

TEST_F(IomapOps, ARunEndsWhereTheNextClusterIsForeign) {
  ASSERT_TRUE(file_.write(0, 4096, 1).ok());
  TestFile other(volume_, "b");
  ASSERT_TRUE(other.write(0, 4096, 2).ok());
  ASSERT_TRUE(file_.write(4096, 4096, 1).ok());
  EXPECT_EQ(map(2048, 4096, Intent::kRead).length, sim::ByteCount{2048});
}

TEST_F(IomapOps, AnOverwriteFarBelowTheValidSizeHasNoZeroTail) {
  ASSERT_TRUE(file_.write(0, 8192, 1).ok());
  EXPECT_FALSE(map(0, 8191, Intent::kWrite).zero_tail);
  EXPECT_TRUE(map(0, 8192, Intent::kWrite).zero_tail);
}

TEST_F(IomapOps, AStoreFaultNeverAllocates) {
  ASSERT_TRUE(file_.write(0, 100, 1).ok());
  EXPECT_EQ(map(4096, 4096, Intent::kFault).type, MappingType::kHole);
  EXPECT_EQ(file_.clusters(), 1U);
}

TEST_F(IomapOps, ADirectWriteThatFailsGivesTheValidSizeBack) {
  ASSERT_TRUE(file_.write(0, 512, 1).ok());
  static_cast<void>(map(512, 1024, Intent::kDirectWrite));
  EXPECT_EQ(file_.inode().valid_size(), sim::FilePos{512});
}

}  // namespace
}  // namespace zerotail::io
