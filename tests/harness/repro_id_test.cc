#include "zerotail/harness/repro_id.h"

#include <gtest/gtest.h>

namespace zerotail::harness {
namespace {

TEST(ReproId, RoundTrips) {
  for (const char* text :
       {"zt1:append-fsync:vc512:iomap-linux:s1:p7+3,5-8",
        "zt1:trace-0123456789abcdef:wt4096:iomap-linux:s18446744073709551615:p0-",
        "zt1:a:vc512.noflush.nofua:buffer-head-careful:s7:p1+2v1",
        "zt1:a:vc512:iomap-linux.page65536.large:s1:p1+2v1",
        "zt1:a:vc512:iomap-linux.single:s1:p1+2v1"}) {
    const auto id = parse_repro_id(text);
    ASSERT_TRUE(id.ok()) << id.error().message();
    EXPECT_EQ(print(*id), text);
  }
}

struct BadId {
  const char* text;
  const char* complaint;
};

class BadReproId : public testing::TestWithParam<BadId> {};

TEST_P(BadReproId, NamesTheField) {
  const auto id = parse_repro_id(GetParam().text);
  ASSERT_FALSE(id.ok());
  EXPECT_NE(id.error().where().find(GetParam().complaint), std::string::npos) << id.error().where();
}

INSTANTIATE_TEST_SUITE_P(
    Ids, BadReproId,
    testing::Values(BadId{"", "1 fields instead of 6"}, BadId{"zt1:a:vc512", "3 fields"},
                    BadId{"zt9:a:vc512:iomap-linux:s1:p0+", "version 'zt9'"},
                    BadId{"zt1::vc512:iomap-linux:s1:p0+", "workload is empty"},
                    BadId{"zt1:a:xx512:iomap-linux:s1:p0+", "device 'xx512'"},
                    BadId{"zt1:a:vc500:iomap-linux:s1:p0+", "no power of two"},
                    BadId{"zt1:a:vc512.slow:iomap-linux:s1:p0+", "unknown property 'slow'"},
                    BadId{"zt1:a:vc512:iomap:s1:p0+", "'iomap' is no I/O path"},
                    BadId{"zt1:a:vc512:iomap-linux.page512:s1:p0+", "page size '512'"},
                    BadId{"zt1:a:vc512:iomap-linux.page12288:s1:p0+", "page size '12288'"},
                    BadId{"zt1:a:vc512:iomap-linux.huge:s1:p0+", "folios 'huge'"},
                    BadId{"zt1:a:vc512:iomap-linux:1:p0+", "seed '1'"},
                    BadId{"zt1:a:vc512:iomap-linux:s1:", "state is empty"}));

}  // namespace
}  // namespace zerotail::harness
