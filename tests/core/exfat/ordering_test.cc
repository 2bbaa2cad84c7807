// The names of the rules, and sets of them as text.
#include "zerotail/exfat/ordering.h"

#include <gtest/gtest.h>

namespace zerotail::exfat {
namespace {

TEST(Ordering, EveryRuleIsItsOwnText) {
  for (const RuleInfo& info : all_rules()) {
    const Ordering one = Ordering::kLinux.with(info.rule);
    EXPECT_EQ(print(one), info.name);
    const auto parsed = parse_ordering(info.name);
    ASSERT_TRUE(parsed.ok()) << info.name;
    EXPECT_EQ(*parsed, one);
    EXPECT_EQ(&rule_info(info.rule), &info);
  }
}

TEST(Ordering, RulesPrintInTheirOwnOrder) {
  const auto parsed = parse_ordering("late-reuse,dirty-first,late-reuse");
  ASSERT_TRUE(parsed.ok());
  EXPECT_EQ(print(*parsed), "dirty-first,late-reuse");
}

TEST(Ordering, AllRulesAreCareful) {
  Ordering all;
  for (const RuleInfo& info : all_rules()) all = all.with(info.rule);
  EXPECT_EQ(all, Ordering::kCareful);
  EXPECT_EQ(print(all), "careful");
  EXPECT_EQ(print(all.without(Rule::kSyncFlush)).find("sync-flush"), std::string::npos);
}

TEST(Ordering, AnUnknownRuleIsNamed) {
  for (const char* text : {"", "tidy", "dirty-first,", "dirty-first,tidy", "linux,dirty-first"}) {
    EXPECT_FALSE(parse_ordering(text).ok()) << text;
  }
  EXPECT_NE(parse_ordering("dirty-first,tidy").error().where().find("'tidy'"), std::string::npos);
}

}  // namespace
}  // namespace zerotail::exfat
