// What must not compile stands in compile_fail/units.cc.
#include "zerotail/sim/units.h"

#include <gtest/gtest.h>

namespace zerotail::sim {
namespace {

TEST(Units, PointsAndQuantitiesAddUp) {
  EXPECT_EQ(Sector{8} + SectorCount{2}, Sector{10});
  EXPECT_EQ(Sector{8} - SectorCount{2}, Sector{6});
  EXPECT_EQ(Sector{8} - Sector{2}, SectorCount{6});
  EXPECT_EQ(ByteCount{3} * 4, 4 * ByteCount{3});
  EXPECT_EQ(ByteCount{13} / ByteCount{4}, 3U);
  EXPECT_EQ(ByteCount{13} / 4, ByteCount{3});
  EXPECT_EQ(ByteCount{13} % ByteCount{4}, ByteCount{1});
}

TEST(Units, SectorsAndBytesConvertByName) {
  EXPECT_EQ(bytes(SectorCount{3}), ByteCount{1536});
  EXPECT_EQ(dev_pos(Sector{3}), DevPos{1536});
  EXPECT_EQ(sector_at(DevPos{1535}), Sector{2});
  EXPECT_EQ(sectors(ByteCount{0}), SectorCount{0});
  EXPECT_EQ(sectors(ByteCount{1}), SectorCount{1});
  EXPECT_EQ(sectors(ByteCount{1024}), SectorCount{2});
}

TEST(Units, RoundingKeepsTheUnit) {
  EXPECT_EQ(round_up(FilePos{4097}, ByteCount{4096}), FilePos{8192});
  EXPECT_EQ(round_up(FilePos{4096}, ByteCount{4096}), FilePos{4096});
  EXPECT_EQ(round_down(FilePos{4095}, ByteCount{4096}), FilePos{0});
  EXPECT_EQ(round_up(ByteCount{1}, ByteCount{512}), ByteCount{512});
  EXPECT_EQ(offset_in(DevPos{4100}, ByteCount{4096}), ByteCount{4});
  EXPECT_EQ(offset_in(FilePos{8192}, ByteCount{4096}), ByteCount{0});
}

TEST(Units, TimesAndSizesHaveTheirMultiples) {
  EXPECT_EQ(seconds(1), micros(1000000));
  EXPECT_EQ(millis(2), Nanos{2000000});
  EXPECT_EQ(mib(1), kib(1024));
  EXPECT_EQ(gib(1), ByteCount{1073741824});
}

}  // namespace
}  // namespace zerotail::sim
