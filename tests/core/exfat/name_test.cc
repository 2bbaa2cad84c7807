#include "zerotail/exfat/name.h"

#include <gtest/gtest.h>

#include "zerotail/exfat/upcase_table.h"

namespace zerotail::exfat {
namespace {

using sim::Errno;

const Upcase& upcase() {
  static const Upcase table = *Upcase::parse(default_upcase_table(), kDefaultUpcaseChecksum);
  return table;
}
Name name(std::string_view text) {
  const auto parsed = Name::parse(text, upcase());
  EXPECT_TRUE(parsed.ok()) << text;
  return *parsed;
}
Errno error(std::string_view text) { return Name::parse(text, upcase()).code(); }
std::string repeat(std::string_view part, size_t times) {
  std::string text;
  for (size_t i = 0; i < times; ++i) text += part;
  return text;
}

TEST(Name, KeepsItsUnitsAndComparesFolded) {
  const Name mixed = name("AbÉé");
  EXPECT_EQ(mixed.units(), u"AbÉé");
  EXPECT_EQ(mixed.folded(), u"ABÉÉ");
  EXPECT_TRUE(mixed.same_as(name("aBéÉ")));
  EXPECT_FALSE(name("straße").same_as(name("STRASSE")));
}

TEST(Name, DropsTrailingDotsOnly) {
  EXPECT_EQ(name("a..").units(), u"a");
  EXPECT_EQ(name(".a").units(), u".a");
  EXPECT_EQ(name(" a ").units(), u" a ");
  EXPECT_EQ(error("..."), Errno::kNoEnt);
  EXPECT_EQ(error(""), Errno::kNoEnt);
}

TEST(Name, Has255UnitsAtMost) {
  EXPECT_EQ(name(repeat("x", 255)).length(), 255U);
  EXPECT_EQ(error(repeat("x", 256)), Errno::kNameTooLong);
  EXPECT_EQ(name(repeat("😀", 127)).length(), 254U);
  EXPECT_EQ(error(repeat("😀", 128)), Errno::kNameTooLong);
  EXPECT_EQ(name(repeat("x", 255) + "...").length(), 255U);
  EXPECT_EQ(error("a" + repeat(".", 1530)), Errno::kNameTooLong);
}

TEST(Name, CountsTheEntriesOfItsSet) {
  EXPECT_EQ(name("a").entries(), 3U);
  EXPECT_EQ(name(repeat("x", 15)).entries(), 3U);
  EXPECT_EQ(name(repeat("x", 16)).entries(), 4U);
  EXPECT_EQ(name(repeat("x", 255)).entries(), 19U);
}

TEST(Name, RefusesToCreateInvalidCharactersButParsesThem) {
  for (const std::string_view text : {"a\"", "a*", "a:", "a<", "a>", "a?", "a\\", "a|", "a\x1f"}) {
    EXPECT_FALSE(name(text).creatable()) << text;
  }
  for (const std::string_view text : {"a\x7f", " ", "a.b", "%", "\xC2\x80"}) {
    EXPECT_TRUE(name(text).creatable()) << text;
  }
}

TEST(Name, RefusesWhatIsNoUtf8) {
  for (const std::string_view text :
       {"\x80", "\xC3", "\xC0\xAF", "\xE0\x80\xAF", "\xED\xA0\x80", "\xF0\x80\x80\x80",
        "\xF4\x90\x80\x80", "\xFF", "\xC3\x28", "a\xE2\x82"}) {
    EXPECT_EQ(error(text), Errno::kInval);
  }
}

TEST(Name, ComesBackFromUtf16) {
  for (const std::string_view text : {"a", "é", "€", "😀x", "\xEF\xBF\xBF"}) {
    EXPECT_EQ(to_utf8(name(text).units()), text);
  }
}

TEST(Name, LeavesUnpairedSurrogatesOut) {
  const char16_t units[] = {u'a', 0xD800, u'b', 0xDC00, 0xD83D, u'c', 0xD83D, 0xDE00, 0xDBFF};
  EXPECT_EQ(to_utf8({units, std::size(units)}), "abc😀");
}

TEST(Name, HashIsTheSpecificationsOverFoldedUnits) {
  // Worked by hand: rotate right by one within 16 bits, add the byte; low byte first.
  EXPECT_EQ(name_hash(u""), 0);
  EXPECT_EQ(name_hash(u"A"), 0x8020);  // 0x41, then (0x41 >> 1 | 0x8000) + 0
  EXPECT_EQ(name("a").hash(), name("A").hash());
}

}  // namespace
}  // namespace zerotail::exfat
