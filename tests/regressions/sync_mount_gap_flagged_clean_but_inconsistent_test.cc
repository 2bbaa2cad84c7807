// clang-format off
// Made by `zerotail minimize`: flagged clean-but-inconsistent after write.
//   during operation 0: {"op":"write","path":"a","off":1,"len":1,"seed":1}
//   epoch 0; pending units kept (first sector): 4096; lost: none
//   repro: zerotail repro zt1:trace-27bbaa7edc5b2a21:vc512:iomap-linux:s1:p1- --trace sync-mount-gap-flagged-clean-but-inconsistent.trace
#include "regressions/regression.h"

namespace zerotail::regressions {
namespace {

constexpr const char* kTrace =
    R"trace({"trace":"sync-mount-gap","sector":512,"cluster":4096,"size_mib":3,"mount":["sync"],"setup":1}
{"op":"create","path":"a"}
{"op":"write","path":"a","off":1,"len":1,"seed":1}
)trace";

const Regression kRegression{
    .trace = kTrace,
    .device = "vc512",
    .seed = 1,
    .contract = "flagged",
    .kind = "clean-but-inconsistent",
    .path = "<volume>",
    .circumstances = {"", "write"}};

TEST(SyncMountGap, ShowsFlaggedCleanButInconsistentUnderLinux) { EXPECT_TRUE(shows(kRegression)); }

TEST(SyncMountGap, HasNoFlaggedCleanButInconsistentUnderDirtyFirst) {
  EXPECT_FALSE(shows(kRegression, "dirty-first"));
}

}  // namespace
}  // namespace zerotail::regressions
