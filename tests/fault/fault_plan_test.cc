#include "zerotail/fault/fault_plan.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

#include "zerotail/fault/faults.h"
#include "zerotail/sim/prng.h"

namespace zerotail::fault {
namespace {

std::string round_trip(const std::string& text) {
  const auto plan = parse_fault_plan(text);
  EXPECT_TRUE(plan.ok()) << plan.error().message();
  if (!plan.ok()) return {};
  const std::string printed = print(*plan);
  const auto again = parse_fault_plan(printed);
  EXPECT_TRUE(again.ok()) << printed;
  EXPECT_TRUE(again.ok() && *again == *plan) << printed;
  return printed;
}

TEST(FaultPlan, PrintsWhatAPersonWouldWrite) {
  for (const char* text : {
           "read-error",
           "write-error in=fat once",
           "bit-rot at=24-31 p=1/4",
           "seed=7; lost-write on=write,fua in=data op=3-5 nth=2; flush-error",
           "flaky phases=ok*3,fail*2,ok by=5",
           "stuck on=read,write,flush,discard,fua by=1500ms",
           "latency-spike by=250us",
       }) {
    EXPECT_EQ(round_trip(text), text);
  }
}

TEST(FaultPlan, FilesHaveARuleALineAndComments) {
  EXPECT_EQ(round_trip("# a bad day\nseed=3\n\nread-error   once # first\r\nremoval nth=9;\n"),
            "seed=3; read-error once; removal nth=9");
}

TEST(FaultPlan, SeveralWaysToSayOneThingAreOne) {
  EXPECT_EQ(round_trip("read-error nth=1"), "read-error once");
  EXPECT_EQ(round_trip("read-error always"), "read-error");
  EXPECT_EQ(round_trip("read-error p=1/1"), "read-error");
  EXPECT_EQ(round_trip("read-error phases=fail*1,ok"), "read-error once");
}

TEST(FaultPlan, ErrorsNameTheRuleAndTheWord) {
  const std::pair<const char*, const char*> cases[] = {
      {"", "it has no rule"},
      {"gremlins", "there is no fault 'gremlins'; the faults are read-error"},
      {"read-error sometimes", "'sometimes' is not understood"},
      {"read-error on=write", "read-error does not happen to a write"},
      {"read-error on=reads", "'reads' is no event"},
      {"read-error on=", "names no event"},
      {"read-error at=9-3", "'at=9-3' has no such value"},
      {"read-error at=99999999999999999999", "has no such value"},
      {"read-error op=x", "'op=x' has no such value"},
      {"read-error p=3/2", "'p=3/2' has no such value"},
      {"read-error p=1/0", "'p=1/0' has no such value"},
      {"read-error in=", "'in=' has no such value"},
      {"read-error nth=0", "'nth=0' has no such value"},
      {"read-error once nth=2", "only one of once, nth, always and phases"},
      {"read-error once once", "'once' comes twice"},
      {"read-error phases=", "names no phase"},
      {"read-error phases=fail,ok", "phase 'fail' lasts for ever"},
      {"read-error phases=bad*2", "phase 'bad*2' is not ok or fail"},
      {"read-error phases=ok*0,fail", "phase 'ok*0' is not ok or fail"},
      {"read-error by=3", "read-error takes no 'by='"},
      {"stuck by=3", "'by=' takes a time in ms or us"},
      {"flaky by=0", "'by=' takes a number from 1"},
      {"read-error; seed=3", "a seed is a number and comes first"},
      {"seed=x; read-error", "a seed is a number and comes first"},
  };
  for (const auto& [text, expected] : cases) {
    const auto plan = parse_fault_plan(text);
    ASSERT_FALSE(plan.ok()) << text;
    EXPECT_NE(plan.error().message().find(expected), std::string::npos)
        << text << ": " << plan.error().message();
  }
}

TEST(FaultPlan, RandomPlansRoundTrip) {
  sim::Prng prng(5);
  for (int i = 0; i < 500; ++i) {
    FaultPlan plan{.seed = prng.below(3), .rules = {}};
    for (uint64_t n = prng.between(1, 3); n > 0; --n) {
      FaultRule rule{.kind = fault_kinds()[prng.below(fault_kinds().size())]};
      if (prng.chance(1, 2)) rule.events = rule.kind->allowed;
      if (prng.chance(1, 2)) {
        const uint64_t first = prng.below(1000);
        rule.sectors = SectorSpan{sim::Sector{first}, sim::Sector{first + prng.below(2)}};
      }
      if (prng.chance(1, 2)) rule.region = "data";
      if (prng.chance(1, 2)) rule.ops = NumberSpan{2, prng.between(2, 4)};
      if (prng.chance(1, 2)) rule.chance_in = prng.between(1, 9);
      if (prng.chance(1, 2)) {
        rule.phases = {{false, prng.between(1, 3)}, {true, prng.between(1, 3)}, {false, 0}};
      }
      if (rule.kind->unit != AmountUnit::kNone && prng.chance(1, 2)) {
        rule.amount = rule.kind->unit == AmountUnit::kTime
                          ? sim::micros(prng.between(1, 5000)).value()
                          : prng.between(1, 5000);
      }
      plan.rules.push_back(rule);
    }
    const auto parsed = parse_fault_plan(print(plan));
    ASSERT_TRUE(parsed.ok()) << print(plan) << ": " << parsed.error().message();
    EXPECT_EQ(*parsed, plan) << print(plan);
  }
}

TEST(FaultKinds, HaveNamesOfTheirOwnAndStrikeWhatTheyCan) {
  std::set<std::string_view> names;
  for (const FaultKind* kind : fault_kinds()) {
    EXPECT_TRUE(names.insert(kind->name).second) << kind->name;
    EXPECT_EQ(kind->events & kind->allowed, kind->events) << kind->name;
    EXPECT_NE(kind->events, 0) << kind->name;
    EXPECT_EQ(kind->amount != 0, kind->unit != AmountUnit::kNone) << kind->name;
    EXPECT_EQ(fault_kind(kind->name), kind);
  }
  EXPECT_EQ(names.size(), 16U);
}

}  // namespace
}  // namespace zerotail::fault
