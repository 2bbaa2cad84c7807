// Volumes whose upcase table is not the recommended one: names are compared and hashed through the
// table that the volume has, stored compressed or not.
#include <gtest/gtest.h>

#include "core/exfat/volume_fixture.h"
#include "zerotail/exfat/upcase_table.h"

namespace zerotail::exfat {
namespace {

// One cluster holds a table that is not compressed.
constexpr VolumeFixture::Shape kShape{.mebibytes = 32, .sector = 512, .cluster = 131072};
constexpr char16_t kSmallE = u'\u00E9';  // é
constexpr char16_t kOne = u'\u4E00';
constexpr char16_t kTwo = u'\u4E8C';

class OwnUpcase : public ::testing::TestWithParam<bool>, public VolumeFixture {
 protected:
  OwnUpcase() : VolumeFixture(kShape) {
    // é is a letter of its own, and two units that the recommended table keeps apart are one name.
    std::vector<uint16_t> mapping = default_upcase_mapping();
    mapping[kSmallE] = kSmallE;
    mapping[kOne] = kTwo;
    put_table(GetParam() ? compress_upcase(mapping) : uncompressed(mapping));
    mount();
  }
  static std::vector<std::byte> uncompressed(const std::vector<uint16_t>& mapping) {
    std::vector<std::byte> table(mapping.size() * sizeof(Le16));
    for (size_t i = 0; i < mapping.size(); ++i) {
      store(std::span(table).subspan(i * sizeof(Le16)), Le16(mapping[i]));
    }
    return table;
  }
  void put_table(const std::vector<std::byte>& table) {
    ASSERT_LE(table.size(), kShape.cluster);
    disk.write(cluster_pos(layout.upcase.value()), table);
    // The third entry of the root, as mkfs makes it.
    const sim::DevPos pos = cluster_pos(layout.root.value()) + sim::ByteCount{2 * kDentrySize};
    auto entry = disk_value<UpcaseDentry>(pos);
    entry.table_checksum = upcase_checksum(table);
    entry.data_length = table.size();
    put(pos, entry);
  }
};

TEST_P(OwnUpcase, ItsFoldsDecideWhichNamesAreOne) {
  create("caf\u00E9");
  EXPECT_EQ(lookup_error("CAF\u00E9"), sim::Errno::kOk);
  EXPECT_EQ(lookup_error("CAF\u00C9"), sim::Errno::kNoEnt);
  create("CAF\u00C9");
  create("\u4E00");
  EXPECT_EQ(lookup_error("\u4E8C"), sim::Errno::kOk);
  EXPECT_EQ(fs->create(*fs->root(), "\u4E8C").code(), sim::Errno::kExist);
}

TEST_P(OwnUpcase, NameHashIsMadeWithIt) {
  const uint32_t entry = create("\u4E00")->entry_index();
  unmount();
  const sim::DevPos stream =
      cluster_pos(layout.root.value()) + sim::ByteCount{uint64_t{entry + 1} * kDentrySize};
  EXPECT_EQ(disk_value<StreamDentry>(stream).name_hash, name_hash(u"\u4E8C"));
  mount();
  EXPECT_EQ(lookup_error("\u4E00"), sim::Errno::kOk);
}

INSTANTIATE_TEST_SUITE_P(Stored, OwnUpcase, ::testing::Bool(), [](const auto& stored) {
  return std::string(stored.param ? "Compressed" : "AsItIs");
});

}  // namespace
}  // namespace zerotail::exfat
