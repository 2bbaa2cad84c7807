#include "zerotail/exfat/upcase_table.h"

#include <gtest/gtest.h>

namespace zerotail::exfat {
namespace {

TEST(UpcaseTable, HasTheSizeAndChecksumOfTheSpecification) {
  const std::vector<std::byte> table = default_upcase_table();
  EXPECT_EQ(table.size(), kDefaultUpcaseLength.value());
  EXPECT_EQ(upcase_checksum(table), kDefaultUpcaseChecksum);
}

TEST(UpcaseTable, MapsEveryUnitAndKeepsTheForbiddenCharacters) {
  const std::vector<uint16_t> mapping = default_upcase_mapping();
  ASSERT_EQ(mapping.size(), kUpcaseUnits);
  for (const char16_t unit : {u'"', u'*', u'/', u':', u'<', u'>', u'?', u'\\', u'|'}) {
    EXPECT_EQ(mapping[unit], unit);
  }
}

TEST(UpcaseTable, FoldsWhatTheNameComparisonOfTheSpecificationFolds) {
  const std::vector<uint16_t> mapping = default_upcase_mapping();
  EXPECT_EQ(mapping[u'a'], u'A');
  EXPECT_EQ(mapping[u'z'], u'Z');
  EXPECT_EQ(mapping[0x00E9], 0x00C9);  // e with acute
  EXPECT_EQ(mapping[0x00DF], 0x00DF);  // sharp s has no single capital
  EXPECT_EQ(mapping[0x00B5], 0x00B5);  // the micro sign does not become a capital mu
  EXPECT_EQ(mapping[0x03C2], 0x03A3);  // final sigma
  EXPECT_EQ(mapping[0x044F], 0x042F);  // Cyrillic ya
  EXPECT_EQ(mapping[0x0131], 0x0131);  // dotless i stays apart from i
}

TEST(UpcaseTable, LongIdentityRunsAreCompressedAndShortOnesSpelledOut) {
  std::vector<uint16_t> mapping(2000);
  for (size_t unit = 0; unit < mapping.size(); ++unit) mapping[unit] = static_cast<uint16_t>(unit);
  mapping[100] = 7;
  const std::vector<std::byte> table = compress_upcase(mapping);
  ASSERT_EQ(table.size(), 2 * (101 + 2));
  EXPECT_EQ(table[200], std::byte{7});
  EXPECT_EQ(table[202], std::byte{0xFF});
  EXPECT_EQ(table[203], std::byte{0xFF});
  EXPECT_EQ(table[204], std::byte{1899 & 0xFF});
  EXPECT_EQ(table[205], std::byte{1899 >> 8});
}

TEST(UpcaseTable, ChecksumRotatesRight) {
  const std::byte bytes[] = {std::byte{1}, std::byte{2}};
  EXPECT_EQ(upcase_checksum(bytes), 0x80000002U);
}

}  // namespace
}  // namespace zerotail::exfat
