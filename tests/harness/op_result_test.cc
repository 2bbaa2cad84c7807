#include "zerotail/harness/op_result.h"

#include <gtest/gtest.h>

namespace zerotail::harness {
namespace {

TEST(OpResult, RoundTripsInOrder) {
  const std::string line = R"({"i":3,"ret":2,"names":["a","É/"],"x":-1,"hex":""})";
  const auto result = parse_result(line);
  ASSERT_TRUE(result.ok()) << result.error().message();
  EXPECT_EQ(print_result(result.value(), 3), line);
}

TEST(OpResult, BrokenResultsAreRefused) {
  EXPECT_FALSE(parse_result("{}").ok());
  EXPECT_FALSE(parse_result(R"({"ret":"0"})").ok());
  EXPECT_FALSE(parse_result(R"({"ret":0,"x":1.5})").ok());
  EXPECT_FALSE(parse_result(R"({"ret":0,"x":[1]})").ok());
  EXPECT_FALSE(parse_result("").ok());
}

TEST(OpResult, DifferenceNamesEachField) {
  OpResult want;
  want.set("map", std::string("d10"));
  want.set("size", int64_t{1});
  OpResult got;
  got.ret = -28;
  got.set("size", int64_t{2});
  got.set("sigbus", int64_t{1});
  EXPECT_EQ(difference(want, got),
            "ret: want 0, got -28; map: want \"d10\", got nothing; size: want 1, got 2; "
            "sigbus: want nothing, got 1");
  EXPECT_EQ(difference(want, want), "");
}

TEST(OpResult, IgnoredFieldsAreNotCompared) {
  OpResult want;
  want.set("runs", int64_t{1});
  OpResult got;
  got.set("nofat", int64_t{1});
  EXPECT_EQ(difference(want, got, {"runs", "nofat"}), "");
}

TEST(OpResult, AFailureKeepsItsReasonAsideFromTheResult) {
  const OpResult result = failure(sim::Error(sim::Errno::kNoSpc, "bitmap"));
  EXPECT_EQ(print_result(result, std::nullopt), R"({"ret":-28})");
  EXPECT_EQ(result.note, "bitmap");
  EXPECT_TRUE(result.failed_with(sim::Errno::kNoSpc));
}

}  // namespace
}  // namespace zerotail::harness
