// Pins the rules that only some kinds of devices have (fault/MODEL.md), a test each.
#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>

#include "fault/crash_definition.h"
#include "zerotail/fault/device_class.h"

namespace zerotail::fault {
namespace {

constexpr LogBuilder::How kFua{.preflush = false, .fua = true};

// What the medium can hold at a mark, a letter a word of 128 bytes: '.' is 0, '/' is 1, '*'
// garbage.
Contents at_mark(const CrashModel& model, uint32_t mark) {
  CrashImage image(model);
  Contents found;
  for (const CrashPoint& point : model.points()) {
    if (point.kind != PointKind::kMark || point.mark != mark) continue;
    const Enumeration all = enumerate_states(model, point, {.states_per_point = 1 << 16});
    EXPECT_TRUE(all.exhaustive);
    for (const CrashState& state : all.states) {
      image.set(state);
      found.insert(first_sectors(image));
    }
  }
  return found;
}

TEST(Unordered, WritesOfASectorInFlightTogetherLandInEitherOrder) {
  LogBuilder log(kSectors);
  const uint32_t first = log.submit(0, {1});
  const uint32_t second = log.submit(0, {2});
  log.complete(first);
  log.complete(second);
  log.flush();
  const uint32_t mark = log.mark();
  EXPECT_EQ(at_mark(log.model(), mark), (Contents{"////............", "0000............"}));
}

TEST(Unordered, AWriteSubmittedAfterTheFirstCompletedLandsLater) {
  LogBuilder log(kSectors);
  log.write(0, {1});
  log.write(0, {2});
  log.flush();
  const uint32_t mark = log.mark();
  EXPECT_EQ(at_mark(log.model(), mark), (Contents{"0000............"}));
}

TEST(Unordered, OnlyTheSectorsThatTwoWritesShareAreInDoubt) {
  LogBuilder log(kSectors);
  const uint32_t first = log.submit(0, {1, 1});
  const uint32_t second = log.submit(1, {2, 2});
  log.complete(second);
  log.complete(first);
  log.flush();
  const uint32_t mark = log.mark();
  EXPECT_EQ(at_mark(log.model(), mark), (Contents{"////0000"
                                                  "0000....",
                                                  "////////"
                                                  "0000...."}));
}

TEST(Unordered, TheDoubtEndsWithALaterDurableWrite) {
  LogBuilder log(kSectors);
  const uint32_t first = log.submit(0, {1});
  const uint32_t second = log.submit(0, {2});
  log.complete(first);
  log.complete(second);
  log.flush();
  log.write(0, {3}, kFua);
  const uint32_t mark = log.mark();
  EXPECT_EQ(at_mark(log.model(), mark), (Contents{"1111............"}));
}

TEST(Unordered, AFuaWriteCanBeOvertakenByAWriteInFlight) {
  LogBuilder log(kSectors);
  const uint32_t slow = log.submit(0, {1});
  log.write(0, {2}, kFua);
  const uint32_t in_flight = log.mark();
  log.complete(slow);
  const uint32_t done = log.mark();
  const CrashModel model = log.model();
  EXPECT_EQ(at_mark(model, in_flight), (Contents{"////............", "0000............"}));
  EXPECT_EQ(at_mark(model, done), (Contents{"////............", "0000............"}));
}

TEST(Ordered, WhatIsThereIsAPrefixOfTheLog) {
  LogBuilder log(kSectors);
  log.write(2, {1});
  log.write(0, {2, 3});
  const uint32_t mark = log.mark();
  EXPECT_EQ(
      at_mark(log.model({.ordered = true}), mark),
      (Contents{"................", "........////....", "0000....////....", "00001111////...."}));
}

TEST(Ordered, WhatIsDurableTakesAllThatIsOlderWithIt) {
  LogBuilder log(kSectors);
  log.write(0, {1});
  log.write(1, {2}, kFua);
  const uint32_t mark = log.mark();
  EXPECT_EQ(at_mark(log.model({.ordered = true}), mark), (Contents{"////0000........"}));
  EXPECT_EQ(at_mark(log.model(), mark), (Contents{"....0000........", "////0000........"}));
}

TEST(Ordered, AStateThatIsNoPrefixIsRefused) {
  LogBuilder log(kSectors);
  log.write(0, {1});
  log.write(1, {2});
  log.mark();
  const CrashModel model = log.model({.ordered = true});
  EXPECT_TRUE(model.parse("p3+0").ok());
  EXPECT_NE(model.parse("p3+1").error().message().find("no prefix"), std::string::npos);
}

TEST(Discard, LeavesTheOldContentTheFillOrGarbageWhateverIsFlushed) {
  LogBuilder log(kSectors);
  log.put(0, 1);
  log.complete(log.submit_discard(0, 1));
  log.flush();
  const uint32_t mark = log.mark();
  EXPECT_EQ(at_mark(log.model(), mark),
            (Contents{"////............", "................", "****............"}));
}

TEST(Discard, IsOverWhenALaterWriteIsDurable) {
  LogBuilder log(kSectors);
  log.put(0, 1);
  log.complete(log.submit_discard(0, 1));
  log.write(0, {2});
  log.flush();
  const uint32_t mark = log.mark();
  EXPECT_EQ(at_mark(log.model(), mark), (Contents{"0000............"}));
}

CrashModelOptions tearing() { return {.tear_word = kTearWord}; }

TEST(Tear, LeavesAnyRunOfWordsOldNewOrGarbage) {
  LogBuilder log(kSectors);
  log.write(0, {1});
  const uint32_t mark = log.mark();
  const Contents found = at_mark(log.model(tearing()), mark);
  for (const char* sector : {"....", "////", "/...", "..//", "//..", "./..", "*...", "****", "/**/",
                             ".**.", "//**", "**//", "///."}) {
    EXPECT_EQ(found.count((std::string(sector) + "................").substr(0, 16)), 1U) << sector;
  }
  EXPECT_EQ(found.count("/./............."), 0U);  // two runs
}

TEST(Tear, OneSectorAtMostIsTorn) {
  LogBuilder log(kSectors);
  log.write(0, {1, 1});
  const uint32_t mark = log.mark();
  const auto torn = [](const std::string& s) { return s != "////" && s != "...."; };
  for (const std::string& medium : at_mark(log.model(tearing()), mark)) {
    EXPECT_FALSE(torn(medium.substr(0, 4)) && torn(medium.substr(4, 4))) << medium;
  }
}

TEST(Tear, ADurableSectorIsNotTorn) {
  LogBuilder log(kSectors);
  log.write(0, {1});
  log.flush();
  const uint32_t mark = log.mark();
  EXPECT_EQ(at_mark(log.model(tearing()), mark), (Contents{"////............"}));
}

TEST(Tear, ARewriteOfTheSameContentCanLeaveGarbage) {
  LogBuilder log(kSectors);
  log.put(0, 1);
  log.write(0, {1});
  const uint32_t mark = log.mark();
  EXPECT_EQ(at_mark(log.model(tearing()), mark).count("*///............"), 1U);
}

TEST(Block, DamagesNeighboursOfThePendingSectorThatAreDurable) {
  LogBuilder log(kSectors);
  log.put(0, 1);
  log.put(2, 1);
  log.write(1, {2});
  const uint32_t mark = log.mark();
  const CrashModelOptions options{.damage_block = sim::kSectorSize * 2};
  EXPECT_EQ(at_mark(log.model(options), mark),
            (Contents{"////....////....", "////0000////....", "****....////....",
                      "****0000////....", "////****////....", "********////...."}));
}

TEST(Block, IsNotDamagedWhenNothingIsPendingInIt) {
  LogBuilder log(kSectors);
  log.write(1, {2});
  log.flush();
  const uint32_t mark = log.mark();
  const CrashModelOptions options{.damage_block = sim::kSectorSize * 2};
  EXPECT_EQ(at_mark(log.model(options), mark), (Contents{"....0000........"}));
}

TEST(Block, MayBeErasedOnFlash) {
  LogBuilder log(kSectors);
  log.put(0, 1);
  log.write(1, {2});
  log.mark();
  const CrashModel model = log.model({.damage_block = sim::kSectorSize * 2, .damage_erased = true});
  CrashImage image(model);
  image.set(*model.parse("p2+~b0s0-1e"));
  EXPECT_EQ(image.sector(sim::Sector{0})[0], std::byte{0xFF});
  EXPECT_EQ(image.sector(sim::Sector{1})[511], std::byte{0xFF});
  EXPECT_EQ(image.sector(sim::Sector{2})[0], std::byte{0});
}

// ---- ids

TEST(TearId, SaysWhatIsTornAndWhatStandsThere) {
  LogBuilder log(kSectors);
  log.write(0, {1, 2});
  log.mark();
  const CrashModel model = log.model({.tear_word = sim::ByteCount{8}});
  for (const char* id : {"p2+~u0w0g", "p2-~u1w3-9v0", "p2+0~u1w0-62v1", "p2-~u1w0-63g"}) {
    const auto state = model.parse(id);
    ASSERT_TRUE(state.ok()) << state.error().message();
    EXPECT_EQ(model.print(*state), id);
  }
}

TEST(TearId, ErrorsSayWhatIsWrong) {
  LogBuilder log(kSectors);
  log.write(0, {1, 2});
  log.mark();
  log.write(3, {1});
  const CrashModel model = log.model({.tear_word = sim::ByteCount{8}});
  const std::pair<const char*, const char*> cases[] = {
      {"p2+~", "after ~ there must be u or b"},
      {"p2+~u", "the number of what is torn is missing"},
      {"p2+~u0", "what part is torn is missing"},
      {"p2+~u0w", "the number of the first torn part is missing"},
      {"p2+~u0w1-", "the number of the last torn part is missing"},
      {"p2+~u0w2-1g", "the torn part runs backwards"},
      {"p2+~u0w0", "what stands in the torn part is missing"},
      {"p2+~u0w64g", "the torn part runs past the end"},
      {"p2+~u0w0-4294967295g", "the torn part runs past the end"},
      {"p2+~u9w0g", "there is no such unit"},
      {"p2+~u2w0g", "is not being written at this point"},
      {"p2+~u0w0v2", "the torn unit has no such version"},
      {"p2+~u0w0v70000", "the torn unit has no such version"},
      {"p2+~u0w0v0", "the torn part is the unit's own version"},
      {"p2-~u0w60-63v0", "a torn last part is written as a first part"},
      {"p2+~u0w0e", "this device leaves nothing erased"},
      {"p2+~b0s0g", "this device damages no blocks"},
      {"p2+~u0w0gg", "is not understood"},
  };
  for (const auto& [id, expected] : cases) {
    const auto state = model.parse(id);
    ASSERT_FALSE(state.ok()) << id;
    EXPECT_NE(state.error().message().find(expected), std::string::npos)
        << id << ": " << state.error().message();
  }
}

// ---- classes by name

TEST(DeviceClass, EveryNameIsItsPrintedForm) {
  for (const DeviceClass& known : device_classes()) {
    const auto by_name = parse_device(known.name);
    const auto by_form = parse_device(known.device);
    ASSERT_TRUE(by_name.ok()) << known.name;
    ASSERT_TRUE(by_form.ok()) << known.device;
    EXPECT_EQ(*by_name, *by_form) << known.name;
    EXPECT_EQ(print_device(*by_name), known.device);
  }
}

TEST(DeviceClass, PropertiesCanBeAddedToAName) {
  EXPECT_EQ(print_device(*parse_device("tear.noflush.trim0")), "vc512.tear.noflush.trim0");
  EXPECT_EQ(print_device(*parse_device("wt4096.au64k.nofua")), "wt4096.au64k.nofua");
}

TEST(DeviceClass, ErrorsSayWhatIsWrong) {
  const std::pair<const char*, const char*> cases[] = {
      {"", "not vc or wt"},
      {"disk", "none of sector ordered"},
      {"vc", "not vc or wt"},
      {"vc500", "no power of two"},
      {"vc512.", "unknown property ''"},
      {"vc512.fast", "unknown property 'fast'"},
      {"vc512.au3k", "a power of two from 4k"},
      {"vc512.au", "a power of two from 4k"},
      {"tear.request", "only one can be asked for"},
      {"vc8192.512e", "larger than the block"},
  };
  for (const auto& [text, expected] : cases) {
    const auto parsed = parse_device(text);
    ASSERT_FALSE(parsed.ok()) << text;
    EXPECT_NE(parsed.error().message().find(expected), std::string::npos)
        << parsed.error().message();
  }
}

// A log larger than the budget, so that states are chosen.
class Budget : public testing::TestWithParam<const char*> {};

TEST_P(Budget, IsFilledWithStatesOfTheDevice) {
  LogBuilder log(64);
  for (uint64_t i = 0; i < 12; ++i) log.write(4 * i, {1, 2, 3, 4});
  log.mark();
  const CrashModel model = log.model(*parse_device(GetParam()));
  for (const CrashPoint& point : model.points()) {
    const Enumeration some = enumerate_states(model, point, {.states_per_point = 40});
    const auto all = model.state_count(point, 40);
    EXPECT_EQ(some.states.size(), all.value_or(40)) << GetParam() << " point " << point.index;
    std::set<std::string> ids;
    for (const CrashState& state : some.states) {
      const std::string id = model.print(state);
      EXPECT_TRUE(ids.insert(id).second) << id;
      const auto parsed = model.parse(id);
      ASSERT_TRUE(parsed.ok()) << parsed.error().message();
      EXPECT_EQ(*parsed, state) << id;
    }
    const bool tears = std::string(GetParam()).find("tear") == 0 ||
                       model.options().damage_block != sim::ByteCount{};
    if (!tears || some.exhaustive) continue;
    EXPECT_GE(std::count_if(some.states.begin(), some.states.end(),
                            [](const CrashState& state) { return bool{state.tear}; }),
              10);
  }
}

INSTANTIATE_TEST_SUITE_P(DeviceClass, Budget,
                         testing::Values("sector", "ordered", "request", "4k-atomic", "tear",
                                         "512e", "usb", "sd", "lying-flush"));

}  // namespace
}  // namespace zerotail::fault
