#include "zerotail/sim/digest.h"

#include <gtest/gtest.h>

#include <array>
#include <vector>

namespace zerotail::sim {
namespace {

TEST(Digest, AddsAndSubtractsModulo2To128) {
  const Digest one{.low = 1, .high = 0};
  const Digest top{.low = UINT64_MAX, .high = UINT64_MAX};
  EXPECT_EQ(top + one, Digest{});
  EXPECT_EQ(Digest{} - one, top);
  EXPECT_EQ((Digest{.low = UINT64_MAX, .high = 4} + one), (Digest{.low = 0, .high = 5}));
  EXPECT_EQ((Digest{.low = 0, .high = 5} - one), (Digest{.low = UINT64_MAX, .high = 4}));
}

TEST(Digest, AddingToItselfDoubles) {
  Digest digest{.low = uint64_t{1} << 63, .high = 1};
  const Digest& itself = digest;
  digest += itself;
  EXPECT_EQ(digest, (Digest{.low = 0, .high = 3}));
  digest -= itself;
  EXPECT_EQ(digest, Digest{});
}

TEST(Digest, PrintsItsHighPartFirst) {
  EXPECT_EQ((Digest{.low = 0x2, .high = 0xAB}).hex(), "00000000000000ab0000000000000002");
}

// Pins the hash: digests are printed, stored and compared between versions.
TEST(Digest, IsXxh3WithTheAddressAsItsSeed) {
  EXPECT_EQ(bytes_digest("", 0).hex(), "99aa06d3014798d86001c324468d497f");
  const std::array<std::byte, 512> zeros{};
  EXPECT_EQ(sector_digest(Sector{7}, zeros.data()), bytes_digest(zeros.data(), 512, 7));
  EXPECT_NE(sector_digest(Sector{7}, zeros.data()), sector_digest(Sector{8}, zeros.data()));
}

TEST(Digest, ASectorOfTheFillByteAddsNothing) {
  std::vector<std::byte> content(512, std::byte{0xDB});
  EXPECT_EQ(disk_digest(Sector{7}, content.data(), std::byte{0xDB}), Digest{});
  EXPECT_EQ(disk_digest(Sector{7}, content.data(), std::byte{0}),
            sector_digest(Sector{7}, content.data()));
  for (const size_t i : {0U, 1U, 255U, 511U}) {
    content.assign(512, std::byte{0xDB});
    content[i] = std::byte{0};
    EXPECT_EQ(disk_digest(Sector{7}, content.data(), std::byte{0xDB}),
              sector_digest(Sector{7}, content.data()));
  }
}

}  // namespace
}  // namespace zerotail::sim
