#include "zerotail/exfat/upcase.h"

#include <gtest/gtest.h>

#include "zerotail/exfat/ondisk.h"
#include "zerotail/exfat/upcase_table.h"

namespace zerotail::exfat {
namespace {

using sim::Errno;

std::vector<std::byte> table(const std::vector<uint16_t>& units) {
  std::vector<std::byte> bytes(units.size() * 2);
  for (size_t i = 0; i < units.size(); ++i) store(std::span(bytes).subspan(2 * i), Le16(units[i]));
  return bytes;
}
sim::Result<Upcase> parse(const std::vector<std::byte>& bytes) {
  return Upcase::parse(bytes, upcase_checksum(bytes));
}

TEST(Upcase, TheRecommendedTableFoldsAsItSays) {
  const auto upcase = Upcase::parse(default_upcase_table(), kDefaultUpcaseChecksum);
  ASSERT_TRUE(upcase.ok()) << upcase.error().message();
  const std::vector<uint16_t> mapping = default_upcase_mapping();
  for (uint32_t unit = 0; unit < kUpcaseUnits; ++unit) {
    ASSERT_EQ(upcase->fold(static_cast<char16_t>(unit)), mapping[unit]) << unit;
  }
}

TEST(Upcase, AnUncompressedTableMayEndInTheRunMark) {
  std::vector<uint16_t> units(kUpcaseUnits);
  for (uint32_t unit = 0; unit < kUpcaseUnits; ++unit) units[unit] = static_cast<uint16_t>(unit);
  units['a'] = 'A';
  const auto upcase = parse(table(units));
  ASSERT_TRUE(upcase.ok()) << upcase.error().message();
  EXPECT_EQ(upcase->fold(u'a'), u'A');
  EXPECT_EQ(upcase->fold(u'\uFFFF'), u'\uFFFF');
}

TEST(Upcase, WhatAShortTableLeavesOutIsItself) {
  const auto upcase = parse(table({0xFFFF, 'a', 'X'}));
  ASSERT_TRUE(upcase.ok());
  EXPECT_EQ(upcase->fold(u'a'), u'X');
  EXPECT_EQ(upcase->fold(u'b'), u'b');
  EXPECT_EQ(upcase->fold(u'\uABCD'), u'\uABCD');
}

TEST(Upcase, RefusesABrokenTable) {
  EXPECT_EQ(parse({}).code(), Errno::kInval);
  EXPECT_EQ(parse(std::vector<std::byte>(3)).code(), Errno::kInval);
  EXPECT_EQ(parse(table({0xFFFF})).code(), Errno::kInval);               // no length
  EXPECT_EQ(parse(table({0xFFFF, 0xFFFF, 0xFFFF})).code(), Errno::kOk);  // U+FFFF is itself
  EXPECT_EQ(parse(table({0xFFFF, 0xFFFF, 0xFFFF, 2})).code(), Errno::kInval);
  EXPECT_EQ(parse(table({0xFFFF, 0xFF00, 0xFFFF, 0xFF00})).code(), Errno::kInval);
  EXPECT_EQ(Upcase::parse(table({0, 1}), 12345).code(), Errno::kInval);  // checksum
}

}  // namespace
}  // namespace zerotail::exfat
