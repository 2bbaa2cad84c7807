#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "fault/log_builder.h"

namespace zerotail::fault {
namespace {

using Picks = std::vector<uint16_t>;

// Three bios of four sectors pending, then the write in question of five, then one more.
class LargePoint : public testing::Test {
 protected:
  LargePoint() {
    for (uint64_t i = 0; i < 3; ++i) log_.write(4 * i, {1, 2, 3, 4});
    write_ = log_.write(20, {5, 6, 7, 8, 9});
    log_.write(40, {10});
    model_ = std::make_unique<CrashModel>(log_.model());
    for (const CrashPoint& point : model_->points()) {
      if (point.kind == PointKind::kWrite && point.record == write_) point_ = &point;
    }
  }

  [[nodiscard]] std::set<Picks> chosen(const EnumerationOptions& options) const {
    std::set<Picks> picks;
    for (const CrashState& state : enumerate_states(*model_, *point_, options).states) {
      picks.insert(state.picks);
    }
    return picks;
  }
  // 12 units before the write, 5 of the write, 1 after it, each with one version.
  [[nodiscard]] static Picks picks(int before, int own) {
    Picks all(18, 0);
    std::fill_n(all.begin(), 12, static_cast<uint16_t>(before));
    std::fill_n(all.begin() + 12, 5, static_cast<uint16_t>(own));
    return all;
  }

  LogBuilder log_;
  uint32_t write_ = 0;
  std::unique_ptr<CrashModel> model_;
  const CrashPoint* point_ = nullptr;
};

TEST_F(LargePoint, NeverExceedsTheBudgetNorRepeatsAState) {
  for (const uint64_t budget : {0U, 1U, 2U, 7U, 64U, 1000U}) {
    const Enumeration some = enumerate_states(*model_, *point_, {budget});
    EXPECT_EQ(some.states.size(), budget);
    EXPECT_EQ(chosen({budget}).size(), budget);
  }
}

TEST_F(LargePoint, EveryStateHasAPartOfTheWriteAndNothingLater) {
  for (const Picks& state : chosen({500})) {
    EXPECT_TRUE(std::any_of(state.begin() + 12, state.begin() + 17, [](int p) { return p == 1; }));
    EXPECT_EQ(state[17], 0);
  }
}

TEST_F(LargePoint, BeginsWithAllKeptAndWithTheWriteAlone) {
  const std::vector<CrashState> states = enumerate_states(*model_, *point_, {2}).states;
  ASSERT_EQ(states.size(), 2U);
  EXPECT_EQ(states[0].picks, picks(1, 1));
  EXPECT_EQ(states[1].picks, picks(0, 1));
}

TEST_F(LargePoint, HasTheWriteTorn) {
  const std::set<Picks> states = chosen({64});
  Picks first_kept = picks(1, 0);
  first_kept[12] = 1;
  EXPECT_EQ(states.count(first_kept), 1U);
  Picks first_lost = picks(1, 1);
  first_lost[12] = 0;
  EXPECT_EQ(states.count(first_lost), 1U);
  Picks middle_lost = picks(1, 0);
  middle_lost[12] = middle_lost[16] = 1;
  EXPECT_EQ(states.count(middle_lost), 1U);
}

TEST_F(LargePoint, HasEachBioLostAndEachKept) {
  const std::set<Picks> states = chosen({64});
  for (int bio = 0; bio < 3; ++bio) {
    Picks lost = picks(1, 1);
    std::fill_n(lost.begin() + 4 * bio, 4, uint16_t{0});
    EXPECT_EQ(states.count(lost), 1U) << bio;
    Picks kept = picks(0, 1);
    std::fill_n(kept.begin() + 4 * bio, 4, uint16_t{1});
    EXPECT_EQ(states.count(kept), 1U) << bio;
  }
}

TEST_F(LargePoint, HasEachUnitLostAndEachKeptWithEnoughBudget) {
  const std::set<Picks> states = chosen({200});
  for (size_t unit = 0; unit < 12; ++unit) {
    Picks lost = picks(1, 1);
    lost[unit] = 0;
    EXPECT_EQ(states.count(lost), 1U) << unit;
    Picks kept = picks(0, 1);
    kept[unit] = 1;
    EXPECT_EQ(states.count(kept), 1U) << unit;
  }
}

TEST_F(LargePoint, NothingIsLostOrKeptWhenNotWanted) {
  const EnumerationOptions options{
      .states_per_point = 3, .max_lost = 0, .max_kept = 0, .torn = false};
  const std::vector<CrashState> states = enumerate_states(*model_, *point_, options).states;
  ASSERT_EQ(states.size(), 3U);  // the third is drawn at random
  EXPECT_EQ(states[0].picks, picks(1, 1));
  EXPECT_EQ(states[1].picks, picks(0, 1));
}

TEST_F(LargePoint, TheSameSeedGivesTheSameStatesInTheSameOrder) {
  const auto run = [&](uint64_t seed) {
    return enumerate_states(*model_, *point_, {.states_per_point = 100, .seed = seed}).states;
  };
  EXPECT_EQ(run(1), run(1));
  EXPECT_NE(run(1), run(2));
}

// Pinned: states are counted, digested and compared between machines and compilers.
TEST_F(LargePoint, TheStatesOfASeedAreTheSameEverywhere) {
  std::string ids;
  for (const CrashState& state : enumerate_states(*model_, *point_, {100}).states) {
    ids += model_->print(state) + " ";
  }
  EXPECT_EQ(ids.substr(0, 60), "p4- p4-0-11 p4+0-12 p4-12 p4+0-13 p4-12-13 p4-16 p4-12-15 p4");
  EXPECT_EQ(sim::bytes_digest(ids.data(), ids.size()).hex(), "356857dc86205fcc84c46073e5848444");
}

TEST(Enumeration, IsExhaustiveJustWhenTheBudgetAllowsIt) {
  LogBuilder log;
  log.write(0, {1, 2, 3, 4});
  log.write(8, {5, 6, 7});
  const CrashModel model = log.model();
  const CrashPoint& point = model.points().back();
  const uint64_t count = (1U << 7) - (1U << 4);
  EXPECT_EQ(model.state_count(point, count), count);
  EXPECT_FALSE(enumerate_states(model, point, {count - 1}).exhaustive);
  const Enumeration all = enumerate_states(model, point, {count});
  EXPECT_TRUE(all.exhaustive);
  EXPECT_EQ(all.states.size(), count);
}

TEST(Enumeration, ALostBioUncoversTheVersionBefore) {
  LogBuilder log;
  log.write(0, {1});
  const uint32_t lost = log.write(0, {2});
  for (uint64_t i = 1; i < 12; ++i) log.write(i, {3});
  const CrashModel model = log.model();
  const CrashPoint& point = model.points().back();
  ASSERT_EQ(model.segment(point).versions[1].record, lost);
  Picks expected(12, 1);  // all kept, but the first unit has its first version
  const Enumeration some = enumerate_states(model, point, {128});
  ASSERT_FALSE(some.exhaustive);
  EXPECT_TRUE(std::any_of(some.states.begin(), some.states.end(),
                          [&](const CrashState& state) { return state.picks == expected; }));
}

TEST(Enumeration, TheStartHasOneState) {
  LogBuilder log;
  log.write(0, {1});
  const CrashModel model = log.model();
  const Enumeration start = enumerate_states(model, model.points().front(), {64});
  ASSERT_EQ(start.states.size(), 1U);
  EXPECT_EQ(start.states[0].picks, (Picks{0}));
  EXPECT_TRUE(start.exhaustive);
}

TEST(Enumeration, AMarkIncludesTheBase) {
  LogBuilder log;
  log.write(0, {1, 2});
  log.mark();
  const CrashModel model = log.model();
  const Enumeration mark = enumerate_states(model, model.points().back(), {64});
  ASSERT_EQ(mark.states.size(), 4U);
  EXPECT_EQ(mark.states[0].picks, (Picks{0, 0}));
}

TEST(Enumeration, HugePointsCostNoMoreThanTheirBudget) {
  LogBuilder log(1 << 14);
  for (uint64_t i = 0; i < 100; ++i) log.write(100 * i, std::vector<int>(100, 1));
  const CrashModel model = log.model();
  const Enumeration some = enumerate_states(model, model.points().back(), {200});
  EXPECT_EQ(some.states.size(), 200U);
}

TEST(Enumeration, AnExhaustivePointExploresEveryTierInFull) {
  LogBuilder log;
  log.write(0, {1, 2, 3});
  log.write(9, {4});
  const CrashModel model = log.model();
  const auto all = [](const CrashState&) { return true; };
  const EnumerationCounts counts = for_each_state(model, model.points()[2], {64}, all);
  EXPECT_TRUE(counts.exhaustive);
  EXPECT_EQ(counts.states, 8U);
  for (const TierCount& tier : counts.tiers) EXPECT_EQ(tier.explored, tier.total);
  EXPECT_EQ(counts.tiers[static_cast<size_t>(Tier::kSample)].total, 8U);
}

TEST(Enumeration, TiersTellTheirSizeAndWhatWasExplored) {
  LogBuilder log;
  for (uint64_t i = 0; i < 30; ++i) log.write(i * 2, {1});
  log.mark();
  const CrashModel model = log.model();
  const CrashPoint& point = model.points().back();
  ASSERT_EQ(point.kind, PointKind::kMark);
  EnumerationOptions options;
  options.states_per_point = 2000;
  options.boundary = true;
  const auto run = [&](Tier tier) {
    options.tiers.fill(false);
    options.tiers[static_cast<size_t>(tier)] = true;
    const EnumerationCounts counts =
        for_each_state(model, point, options, [](const CrashState&) { return true; });
    return std::pair{counts.states, counts.tiers[static_cast<size_t>(tier)]};
  };
  EXPECT_EQ(run(Tier::kBoundary), std::pair(uint64_t{1}, (TierCount{1, 1})));
  EXPECT_EQ(run(Tier::kPersist), std::pair(uint64_t{2}, (TierCount{2, 2})));
  // Of 30 units and 30 bios, one or two lost, one or two kept; all kept; nothing kept. A bio is a
  // unit here, so that each state is a member of two families.
  EXPECT_EQ(run(Tier::kEpochs), std::pair(uint64_t{932}, (TierCount{1862, 1862})));
  const auto [states, sample] = run(Tier::kSample);
  EXPECT_EQ(sample.explored, states);
  EXPECT_EQ(sample.total, uint64_t{1} << 30);
}

TEST(Enumeration, AVisitorCanStop) {
  LogBuilder log;
  log.write(0, {1, 2, 3});
  const CrashModel model = log.model();
  uint64_t seen = 0;
  const auto counts =
      for_each_state(model, model.points()[1], {64}, [&](const CrashState&) { return ++seen < 3; });
  EXPECT_EQ(seen, 3U);
  EXPECT_EQ(counts.states, 3U);
}

}  // namespace
}  // namespace zerotail::fault
