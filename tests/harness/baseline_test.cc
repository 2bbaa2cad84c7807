#include "zerotail/harness/baseline.h"

#include <gtest/gtest.h>

namespace zerotail::harness {
namespace {

constexpr const char* kText =
    "# zerotail baseline 1\n"
    "# a comment\n"
    "0123456789abcdef\tconsistent\t2026-01-02\tzt1:a:vc512:iomap-linux:s1:p3+\ta leak\n"
    "00000000000000aa\tdurable\t2026-01-02\tzt1:b:vc512:iomap-linux:s1:p1+\tsync does not flush\n";

TEST(Baseline, PrintsInAStableOrderAndParsesItself) {
  const auto baseline = Baseline::parse(kText, "b");
  ASSERT_TRUE(baseline.ok()) << baseline.error().message();
  const std::string printed = baseline->print();
  EXPECT_LT(printed.find("durable"), printed.find("consistent"));
  const auto again = Baseline::parse(printed, "c");
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(again->print(), printed);
}

TEST(Baseline, FindsByFingerprint) {
  const auto baseline = Baseline::parse(kText, "b");
  ASSERT_TRUE(baseline.ok());
  ASSERT_NE(baseline->find("00000000000000aa"), nullptr);
  EXPECT_EQ(baseline->find("00000000000000aa")->reason, "sync does not flush");
  EXPECT_EQ(baseline->find("00000000000000ab"), nullptr);
}

TEST(Baseline, AnAcceptedEntryKeepsItsDateAndReason) {
  auto baseline = Baseline::parse(kText, "b");
  ASSERT_TRUE(baseline.ok());
  baseline->add({"00000000000000aa", Contract::kDurable, "2027-01-01", "other state", "other"});
  EXPECT_EQ(baseline->find("00000000000000aa")->date, "2026-01-02");
  EXPECT_EQ(baseline->find("00000000000000aa")->state, "other state");
}

struct BadLine {
  const char* line;
  const char* complaint;
};

class BadBaseline : public testing::TestWithParam<BadLine> {};

TEST_P(BadBaseline, NamesFileAndLine) {
  const auto baseline =
      Baseline::parse(std::string("# zerotail baseline 1\n") + GetParam().line + "\n", "file");
  ASSERT_FALSE(baseline.ok());
  EXPECT_EQ(baseline.error().where().rfind("file:2: ", 0), 0u) << baseline.error().where();
  EXPECT_NE(baseline.error().where().find(GetParam().complaint), std::string::npos)
      << baseline.error().where();
}

INSTANTIATE_TEST_SUITE_P(
    Lines, BadBaseline,
    testing::Values(BadLine{"0123456789abcdef durable", "1 fields"},
                    BadLine{"0123456789abcdeg\tdurable\t2026-01-02\ts\tr", "16 hexadecimal"},
                    BadLine{"0123456789abcdef\tdurability\t2026-01-02\ts\tr", "unknown contract"},
                    BadLine{"0123456789abcdef\tdurable\tyesterday\ts\tr", "YYYY-MM-DD"},
                    BadLine{"0123456789abcdef\tdurable\t2026-01-02\ts\t", "reason is empty"}));

TEST(Baseline, AnotherFirstLineIsRefused) {
  const auto baseline = Baseline::parse("fingerprint\n", "file");
  ASSERT_FALSE(baseline.ok());
  EXPECT_EQ(baseline.error().where().rfind("file:1: ", 0), 0u);
}

TEST(Baseline, AFingerprintStandsOnce) {
  const std::string line = "0123456789abcdef\tdurable\t2026-01-02\ts\tr\n";
  const auto baseline = Baseline::parse("# zerotail baseline 1\n" + line + line, "file");
  ASSERT_FALSE(baseline.ok());
  EXPECT_NE(baseline.error().where().find("stands twice"), std::string::npos);
}

}  // namespace
}  // namespace zerotail::harness
