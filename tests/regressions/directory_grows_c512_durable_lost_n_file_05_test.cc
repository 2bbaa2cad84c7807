// clang-format off
// Made by `zerotail minimize`: durable lost promised by fsync.
//   after operation 1 has returned: {"op":"fsync","path":"n/file-05"}
//   epoch 2; pending units kept (first sector): none; lost: none
//   repro: zerotail repro zt1:trace-34fb4742cae2491a:vc512:iomap-linux:s1:p5+ --trace directory-grows-c512-durable-lost-n-file-05.trace
#include "regressions/regression.h"

namespace zerotail::regressions {
namespace {

constexpr const char* kTrace =
    R"trace({"trace":"directory-grows-c512","sector":512,"cluster":512,"size_mib":3,"setup":6}
{"op":"mkdir","path":"n"}
{"op":"create","path":"n/a"}
{"op":"create","path":"n/b"}
{"op":"create","path":"n/c"}
{"op":"create","path":"n/d"}
{"op":"create","path":"n/e"}
{"op":"create","path":"n/file-05"}
{"op":"fsync","path":"n/file-05"}
)trace";

const Regression kRegression{
    .trace = kTrace,
    .device = "vc512",
    .seed = 1,
    .contract = "durable",
    .kind = "lost",
    .path = "n/file-05",
    .circumstances = {"fsync", ""}};

TEST(DirectoryGrowsC512, ShowsDurableLostNFile05UnderLinux) { EXPECT_TRUE(shows(kRegression)); }

TEST(DirectoryGrowsC512, HasNoDurableLostNFile05UnderParentSize) {
  EXPECT_FALSE(shows(kRegression, "parent-size"));
}

}  // namespace
}  // namespace zerotail::regressions
