#include "zerotail/exfat/dentry_set.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>

#include "zerotail/exfat/upcase_table.h"

namespace zerotail::exfat {
namespace {

Name name(std::string_view text) {
  static const Upcase upcase = *Upcase::parse(default_upcase_table(), kDefaultUpcaseChecksum);
  return *Name::parse(text, upcase);
}

DentrySet sealed(std::string_view text) {
  DentrySet set = DentrySet::make(name(text), kAttributeArchive, {.seconds = 1767225600});
  set.seal();
  return set;
}

void add_vendor_entry(DentrySet& set, uint8_t mark) {
  const unsigned count = set.count();
  DentrySet::Raw raw{};
  raw[0] = std::byte{0xE0};
  raw[5] = std::byte{mark};
  set.storage()[count] = raw;
  set.set_count(count + 1);
  set.seal();
}

std::string name_of(const DentrySet& set) {
  DentrySet::NameUnits units;
  return to_utf8(set.name(units));
}

TEST(DentrySet, ASealedSetIsSound) {
  const DentrySet set = sealed("hello world, a longer name");
  EXPECT_EQ(set.count(), 4U);
  EXPECT_TRUE(set.check_structure().ok());
  EXPECT_TRUE(set.check_checksum().ok());
  EXPECT_EQ(name_of(set), "hello world, a longer name");
  EXPECT_EQ(set.stream().name_hash, name("HELLO WORLD, A LONGER NAME").hash());
}

TEST(DentrySet, AnyFlippedBitBreaksTheChecksum) {
  for (size_t bit = 0; bit < 3 * kDentrySize * 8; ++bit) {
    DentrySet set = sealed("a");
    set.entries()[bit / 256][bit % 256 / 8] ^= static_cast<std::byte>(1U << (bit % 8));
    EXPECT_FALSE(set.check_checksum().ok()) << bit;
  }
}

TEST(DentrySet, NamesWhatIsOutOfPlace) {
  const auto why = [](void (*damage)(DentrySet&)) {
    DentrySet set = sealed("a name of more than fifteen");
    damage(set);
    const sim::Status status = set.check_structure();
    EXPECT_EQ(status.code(), sim::Errno::kIo);
    return status.ok() ? std::string() : status.error().where();
  };
  EXPECT_EQ(why([](DentrySet& set) { set.set_count(2); }), "dentry set: fewer than three entries");
  EXPECT_EQ(why([](DentrySet& set) { set.entries()[0][0] = std::byte{5}; }),
            "dentry set: no file entry");
  EXPECT_EQ(why([](DentrySet& set) { set.entries()[0][1] = std::byte{9}; }),
            "dentry set: SecondaryCount does not fit");
  EXPECT_EQ(why([](DentrySet& set) { set.entries()[1][0] = std::byte{0x40}; }),
            "dentry set: the second entry is no stream extension");
  EXPECT_EQ(why([](DentrySet& set) { set.entries()[1][3] = std::byte{0}; }),
            "dentry set: NameLength is 0");
  EXPECT_EQ(why([](DentrySet& set) { set.entries()[1][3] = std::byte{31}; }),
            "dentry set: NameLength needs more name entries");
  EXPECT_EQ(why([](DentrySet& set) { set.entries()[3][0] = std::byte{0x85}; }),
            "dentry set: entry 3 of the set has EntryType 133");
  EXPECT_EQ(why([](DentrySet& set) { set.entries()[1][3] = std::byte{15}; }),
            "dentry set: entry 3 of the set has EntryType 193");
}

TEST(DentrySet, RenamingKeepsEverythingElse) {
  DentrySet set = sealed("short");
  set.set_stream({.general_secondary_flags = 3,
                  .first_cluster = 9,
                  .valid_data_length = 100,
                  .data_length = 5000});
  add_vendor_entry(set, 1);
  add_vendor_entry(set, 2);
  for (const std::string_view text :
       {"a name of more than fifteen units", "b", "exactly fifteen"}) {
    ASSERT_TRUE(set.set_name(name(text)).ok());
    set.seal();
    EXPECT_TRUE(set.check_structure().ok());
    EXPECT_EQ(name_of(set), text);
    EXPECT_EQ(set.benign_entries(), 2U);
    EXPECT_EQ(set.entries()[set.count() - 1][5], std::byte{2});
    EXPECT_EQ(set.entries()[set.count() - 2][5], std::byte{1});
    EXPECT_EQ(set.stream().data_length, 5000U);
    EXPECT_EQ(set.stream().valid_data_length, 100U);
  }
}

TEST(DentrySet, RefusesANameThatLeavesNoRoomForVendorEntries) {
  DentrySet set = sealed("a");
  while (set.count() < DentrySet::kMaxEntries) add_vendor_entry(set, 3);
  EXPECT_EQ(set.set_name(name("a name of more than fifteen units")).code(), sim::Errno::kInval);
  EXPECT_EQ(name_of(set), "a");
}

TEST(DentrySet, UnusedUnitsOfAShorterNameAreZero) {
  DentrySet set = sealed("a name of more than fifteen units");
  ASSERT_TRUE(set.set_name(name("b")).ok());
  const auto entry = load<NameDentry>(set.entries()[2]);
  for (size_t i = 1; i < entry.file_name.size(); ++i) EXPECT_EQ(entry.file_name[i], 0) << i;
}

}  // namespace
}  // namespace zerotail::exfat
