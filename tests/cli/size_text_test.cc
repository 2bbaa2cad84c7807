#include "zerotail/cli/size_text.h"

#include <gtest/gtest.h>

namespace zerotail::cli {
namespace {

uint64_t parsed(std::string_view text) {
  const auto size = parse_size(text);
  EXPECT_TRUE(size.ok()) << text;
  return size ? size->value() : 0;
}

TEST(SizeText, ParsesBytesAndUnits) {
  EXPECT_EQ(parsed("512"), 512U);
  EXPECT_EQ(parsed("4K"), 4096U);
  EXPECT_EQ(parsed("64m"), uint64_t{64} << 20);
  EXPECT_EQ(parsed("1GiB"), uint64_t{1} << 30);
  EXPECT_EQ(parsed("2T"), uint64_t{2} << 40);
  EXPECT_EQ(parsed("0"), 0U);
}

TEST(SizeText, RefusesWhatIsNoSizeAndSaysWhy) {
  for (const char* text : {"", "M", "-1", "4X", "4MB", "4 M", "1.5G", "99999999999999999999"}) {
    const auto size = parse_size(text);
    ASSERT_FALSE(size.ok()) << text;
    EXPECT_NE(size.error().where().find(text), std::string::npos);
  }
}

TEST(SizeText, RefusesWhatAFileOffsetCannotHold) {
  EXPECT_EQ(parsed("9223372036854775807"), uint64_t{INT64_MAX});
  EXPECT_FALSE(parse_size("9223372036854775808").ok());
  EXPECT_FALSE(parse_size("8192P").ok());
  EXPECT_EQ(parsed("8191P"), uint64_t{8191} << 50);
}

TEST(SizeText, PrintsTheShortestExactForm) {
  EXPECT_EQ(size_text(sim::ByteCount{0}), "0 bytes");
  EXPECT_EQ(size_text(sim::ByteCount{1984}), "1984 bytes");
  EXPECT_EQ(size_text(sim::mib(64)), "64 MiB");
  EXPECT_EQ(size_text(sim::mib(64) + sim::kSectorSize), "67109376 bytes");
}

}  // namespace
}  // namespace zerotail::cli
