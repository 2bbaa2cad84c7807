// clang-format off
// Made by `zerotail minimize`: atomic neither after rename.
//   during operation 1: umount
//   epoch 1; pending units kept (first sector): 4128; lost: none
//   repro: zerotail repro zt1:trace-adee99a675b763ff:vc512:iomap-linux:s1:p2- --trace rename-other-directory-atomic-neither-e-a.trace
#include "regressions/regression.h"

namespace zerotail::regressions {
namespace {

constexpr const char* kTrace =
    R"trace({"trace":"rename-other-directory","sector":512,"cluster":4096,"size_mib":3,"setup":3}
{"op":"mkdir","path":"d"}
{"op":"mkdir","path":"e"}
{"op":"create","path":"d/a"}
{"op":"rename","path":"d/a","to":"e/a"}
)trace";

const Regression kRegression{
    .trace = kTrace,
    .device = "vc512",
    .seed = 1,
    .contract = "atomic",
    .kind = "neither",
    .path = "e/a",
    .circumstances = {"", "rename"}};

TEST(RenameOtherDirectory, ShowsAtomicNeitherEAUnderLinux) { EXPECT_TRUE(shows(kRegression)); }

TEST(RenameOtherDirectory, HasNoAtomicNeitherEAUnderNewNameFirst) {
  EXPECT_FALSE(shows(kRegression, "new-name-first"));
}

}  // namespace
}  // namespace zerotail::regressions
