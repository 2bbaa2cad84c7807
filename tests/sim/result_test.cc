#include "zerotail/sim/result.h"

#include <gtest/gtest.h>

#include <memory>

namespace zerotail::sim {
namespace {

Status fail_if(bool wanted) {
  if (wanted) return Error(Errno::kNoSpc, "bitmap: no free cluster");
  return {};
}

Result<int> doubled(Result<int> from) {
  ZT_ASSIGN(const int value, std::move(from));
  return 2 * value;
}

Result<int> one_after(bool failing) {
  ZT_TRY(fail_if(failing));
  return 1;
}

TEST(Result, HoldsAValueOrAnError) {
  const Result<int> good = 7;
  ASSERT_TRUE(good.ok());
  EXPECT_EQ(*good, 7);
  EXPECT_EQ(good.code(), Errno::kOk);
  const Result<int> bad = Error(Errno::kIo, "fat: entry of cluster 77");
  ASSERT_FALSE(bad.ok());
  EXPECT_EQ(bad.code(), Errno::kIo);
  EXPECT_EQ(bad.error().negative(), -5);
}

TEST(Result, MovesItsValueOut) {
  Result<std::unique_ptr<int>> result = std::make_unique<int>(3);
  const std::unique_ptr<int> value = std::move(result).value();
  EXPECT_EQ(*value, 3);
}

TEST(Result, TryReturnsTheErrorOrGoesOn) {
  EXPECT_EQ(*one_after(false), 1);
  EXPECT_EQ(one_after(true).error().where(), "bitmap: no free cluster");
}

TEST(Result, AssignDeclaresTheValueOrReturnsTheError) {
  EXPECT_EQ(*doubled(4), 8);
  EXPECT_EQ(doubled(Error(Errno::kNxio)).code(), Errno::kNxio);
}

TEST(ResultDeathTest, TheValueOfAnErrorIsAProgrammersError) {
  const Result<int> bad = Error(Errno::kIo);
  EXPECT_DEATH((void)bad.value(), "assertion failed");
  const Result<int> good = 1;
  EXPECT_DEATH((void)good.error(), "assertion failed");
}

TEST(Error, SaysTheErrnoAndThePlace) {
  EXPECT_EQ(Error(Errno::kIo, "fat: entry of cluster 77").message(),
            "EIO: fat: entry of cluster 77");
  EXPECT_EQ(Error(Errno::kNotEmpty).message(), "ENOTEMPTY");
}

TEST(Errno, HasItsLinuxName) {
  EXPECT_EQ(errno_name(Errno::kNoSpc), "ENOSPC");
  EXPECT_EQ(errno_name(Errno::kOpNotSupp), "EOPNOTSUPP");
  EXPECT_EQ(errno_name(Errno::kOk), "OK");
  EXPECT_EQ(errno_name(static_cast<Errno>(71)), "E71");
}

}  // namespace
}  // namespace zerotail::sim
