#include "zerotail/harness/pattern.h"

#include <gtest/gtest.h>

namespace zerotail::harness {
namespace {

std::vector<std::byte> bytes_of(const std::string& text) {
  std::vector<std::byte> out;
  for (const char c : text) out.push_back(static_cast<std::byte>(c));
  return out;
}

// Recorded: the first bytes that seed 1 writes.
TEST(Pattern, BytesAreThoseOfTheRecordedTraces) {
  EXPECT_EQ(hex(pattern(1, 0, 10)), "c15c0289ec2d0a91afcd");
}

TEST(Pattern, AnyPartIsThatPartOfTheWhole) {
  const auto whole = pattern(7, 0, 100);
  const auto part = pattern(7, 37, 40);
  for (size_t i = 0; i < part.size(); ++i) {
    EXPECT_EQ(part[i], whole[37 + i]);
    EXPECT_EQ(part[i], pattern_byte(7, 37 + i));
  }
}

TEST(Pattern, NoByteIsZero) {
  for (const std::byte b : pattern(3, 0, 65536)) ASSERT_NE(b, std::byte{0});
}

TEST(Fnv, MatchesThePublishedVectors) {
  EXPECT_EQ(fnv1a64({}), 0xcbf29ce484222325U);
  EXPECT_EQ(fnv1a64(bytes_of("a")), 0xaf63dc4c8601ec8cU);
  EXPECT_EQ(fnv1a64(bytes_of("foobar")), 0x85944171f73967e8U);
}

TEST(ByteMap, TellsDataZerosAndPoison) {
  const std::byte poison{0xDB};
  std::vector<std::byte> bytes(7, std::byte{1});
  bytes.resize(8);
  bytes.resize(16, poison);
  bytes.resize(23, poison);
  bytes.push_back(std::byte{2});
  EXPECT_EQ(byte_map(bytes, poison), "d7z1p15d1");
}

TEST(ByteMap, SevenPoisonBytesAreData) {
  const std::byte poison{0xDB};
  std::vector<std::byte> bytes(1, std::byte{1});
  bytes.resize(8, poison);
  bytes.push_back(std::byte{1});
  EXPECT_EQ(byte_map(bytes, poison), "d9");
  EXPECT_EQ(byte_map({}, poison), "");
}

TEST(DescribeBytes, HexIsGivenByWhatWasAskedFor) {
  OpResult small;
  describe_bytes(small, {}, 256);
  EXPECT_NE(small.find("hex"), nullptr);
  OpResult large;
  describe_bytes(large, {}, 257);
  EXPECT_EQ(large.find("hex"), nullptr);
  EXPECT_EQ(std::get<std::string>(*large.find("fnv")), "cbf29ce484222325");
}

}  // namespace
}  // namespace zerotail::harness
