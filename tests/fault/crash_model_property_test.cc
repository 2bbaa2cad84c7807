// The crash model against its definition (crash_definition.h), by brute force on small random logs,
// for every kind of device.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <map>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "fault/crash_definition.h"
#include "fault/log_builder.h"
#include "zerotail/sim/prng.h"

namespace zerotail::fault {
namespace {

enum class Kind : uint8_t { kSectors, kUnits, kBios, kOrdered, kTear, kBlock };
constexpr Kind kKinds[] = {Kind::kSectors, Kind::kUnits, Kind::kBios,
                           Kind::kOrdered, Kind::kTear,  Kind::kBlock};

struct InFlight {
  uint32_t record = 0;
  uint64_t sector = 0;
  uint64_t count = 0;
  bool discard = false;
};

// What the model leaves out (fault/MODEL.md): parts of a larger unit, and atomic bios that overlap
// in part, in flight together.
bool left_out(Kind kind, const std::vector<InFlight>& in_flight, const InFlight& wanted) {
  if (kind != Kind::kUnits && kind != Kind::kBios) return false;
  return std::any_of(in_flight.begin(), in_flight.end(), [&](const InFlight& other) {
    if (kind == Kind::kUnits) return other.count > 0;
    const bool same = other.sector == wanted.sector && other.count == wanted.count &&
                      !other.discard && !wanted.discard;
    return !same && other.sector < wanted.sector + wanted.count &&
           wanted.sector < other.sector + other.count;
  });
}

// A random log with a mark after each event.
class RandomLog {
 public:
  RandomLog(LogBuilder& log, Kind kind, sim::Prng prng) : log_(log), kind_(kind), prng_(prng) {}

  void run() {
    const bool torn = kind_ == Kind::kTear || kind_ == Kind::kBlock;
    most_atoms_ = torn ? 5 : 10;       // the brute force is exponential in them
    few_values_ = prng_.chance(1, 2);  // then many writes repeat what is there
    const uint64_t events = prng_.between(4, 14);
    for (uint64_t i = 0; i < events; ++i) {
      const uint64_t what = prng_.below(10);
      if (what < 4 && !in_flight_.empty()) {
        const size_t which = prng_.below(in_flight_.size());
        log_.complete(in_flight_[which].record,
                      prng_.chance(1, 8) ? sim::Errno::kIo : sim::Errno::kOk);
        in_flight_.erase(in_flight_.begin() + static_cast<ptrdiff_t>(which));
      } else if (what == 4) {
        in_flight_.push_back({.record = log_.submit_flush()});
      } else if (!write(what == 5)) {
        break;
      }
      log_.mark();
    }
  }

 private:
  bool write(bool discard) {
    InFlight next{.sector = prng_.below(kSectors), .discard = discard};
    next.count = prng_.between(1, std::min<uint64_t>(3, kSectors - next.sector));
    if (!in_flight_.empty() && in_flight_.back().count > 0 && prng_.chance(1, 3)) {
      next.sector = in_flight_.back().sector;  // the same place while that is in flight
      next.count = in_flight_.back().count;
    }
    if (left_out(kind_, in_flight_, next)) return true;
    atoms_ += next.count * (discard ? 2 : 1);
    if (atoms_ > most_atoms_) return false;
    if (discard) {
      next.record = log_.submit_discard(next.sector, next.count);
    } else {
      std::vector<int> values;
      for (uint64_t s = 0; s < next.count; ++s) {
        values.push_back(few_values_ ? static_cast<int>(prng_.between(1, 2)) : ++value_);
      }
      next.record = log_.submit(next.sector, values,
                                {.preflush = prng_.chance(1, 3), .fua = prng_.chance(1, 4)});
    }
    // Most devices answer before the next thing happens.
    if (prng_.chance(1, 2)) {
      log_.complete(next.record);
    } else {
      in_flight_.push_back(next);
    }
    return true;
  }

  LogBuilder& log_;
  Kind kind_;
  sim::Prng prng_;
  std::vector<InFlight> in_flight_;
  bool few_values_ = false;
  int value_ = 0;
  uint64_t atoms_ = 0;
  uint64_t most_atoms_ = 0;
};

CrashModelOptions random_options(Kind kind, sim::Prng prng) {
  CrashModelOptions options;
  switch (kind) {
    case Kind::kSectors:
      break;
    case Kind::kUnits:
      options.atomic_unit = sim::kSectorSize * (prng.chance(1, 2) ? 2 : kSectors);
      break;
    case Kind::kBios:
      options.atomic_bios = true;
      break;
    case Kind::kOrdered:
      options.ordered = true;
      break;
    case Kind::kTear:
      options.tear_word = kTearWord;
      break;
    case Kind::kBlock:
      options.damage_block = sim::kSectorSize * (prng.chance(1, 2) ? 2 : kSectors);
      options.damage_grain = sim::kSectorSize * (prng.chance(1, 3) ? 2 : 1);
      options.damage_erased = prng.chance(1, 2);
      break;
  }
  options.write_through = prng.chance(1, 6);
  options.honour_flush = !prng.chance(1, 8);
  options.honour_fua = !prng.chance(1, 8);
  options.discard_any = prng.chance(1, 2);
  options.discard_fill = prng.chance(1, 2) ? std::byte{0} : std::byte{60};
  return options;
}

struct SmallLog {
  explicit SmallLog(uint64_t seed) {
    const sim::Prng prng(seed);
    const Kind kind = kKinds[seed % std::size(kKinds)];
    RandomLog(log, kind, prng.fork("log")).run();
    options = random_options(kind, prng.fork("options"));
  }
  LogBuilder log{kSectors};
  CrashModelOptions options;
};

// Checks a law on many small logs, up to the first that breaks it.
template <class Law>
void for_small_logs(Law law) {
  for (uint64_t seed = 0; seed < 720 && !testing::Test::HasFailure(); ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    const SmallLog small(seed);
    law(small.log, small.options, small.log.model(small.options));
  }
}

Contents contents_of(const CrashModel& model, const CrashPoint& point) {
  CrashImage image(model);
  Contents found;
  const Enumeration all = enumerate_states(model, point, {.states_per_point = 1 << 16});
  EXPECT_TRUE(all.exhaustive);
  for (const CrashState& state : all.states) {
    image.set(state);
    found.insert(first_sectors(image));
  }
  return found;
}

TEST(CrashModelLaws, AtEachMarkTheModelHoldsWhatTheDefinitionSays) {
  for_small_logs(
      [](const LogBuilder& log, const CrashModelOptions& options, const CrashModel& model) {
        const CrashDefinition definition(log, options);
        std::map<uint32_t, Contents> by_mark;
        for (const CrashPoint& point : model.points()) {
          if (point.kind == PointKind::kMark) by_mark[point.mark].merge(contents_of(model, point));
        }
        ASSERT_EQ(by_mark.size(), log.marks().size());
        for (const uint32_t mark : log.marks()) {
          ASSERT_EQ(by_mark[mark], definition.at(log.log().marks()[mark].event)) << "mark " << mark;
        }
      });
}

TEST(CrashModelLaws, WritePointsFindEachContentAsSoonAsItIsPossible) {
  for_small_logs(
      [](const LogBuilder& log, const CrashModelOptions& options, const CrashModel& model) {
        const CrashDefinition definition(log, options);
        size_t next = 0;
        Contents found;
        Contents possible;
        for (uint64_t event = 0; event <= log.log().last_event(); ++event) {
          for (; next < model.points().size() && model.points()[next].event <= event; ++next) {
            const CrashPoint& point = model.points()[next];
            if (point.kind != PointKind::kMark) found.merge(contents_of(model, point));
          }
          possible.merge(definition.at(event));
          if (options.atomic_unit == sim::kSectorSize) {
            ASSERT_EQ(found, possible) << "after event " << event;
          } else {
            // A part of a larger unit that became durable without what the cache held of the rest
            // is found at the next mark.
            ASSERT_TRUE(std::includes(possible.begin(), possible.end(), found.begin(), found.end()))
                << "after event " << event;
          }
        }
      });
}

TEST(CrashModelLaws, NoPicksOfASegmentAreConsideredTwice) {
  for_small_logs([](const LogBuilder&, const CrashModelOptions&, const CrashModel& model) {
    std::set<std::tuple<uint32_t, std::vector<uint16_t>, std::string>> seen;
    for (const CrashPoint& point : model.points()) {
      if (point.kind == PointKind::kMark) continue;
      for (const CrashState& state : enumerate_states(model, point, {1 << 16}).states) {
        const std::string id = model.print(state);
        const std::string tear = state.tear ? id.substr(id.find('~')) : std::string();
        EXPECT_TRUE(seen.insert({point.segment, state.picks, tear}).second) << id;
      }
    }
  });
}

// All picks of a segment at its last moment: those with a version submitted in the segment stand at
// the point of one write; the others have been seen before (their content, in an older segment).
TEST(CrashModelLaws, AllPicksOfASegmentAreConsidered) {
  for_small_logs([](const LogBuilder&, const CrashModelOptions& options, const CrashModel& model) {
    if (options.ordered) return;
    std::vector<std::set<std::vector<uint16_t>>> by_segment(model.segment_count());
    std::vector<uint32_t> first_own(model.segment_count(), UINT32_MAX);
    std::vector<const CrashPoint*> last(model.segment_count());
    for (const CrashPoint& point : model.points()) {
      last[point.segment] = &point;
      if (point.kind != PointKind::kWrite) continue;
      first_own[point.segment] = std::min(first_own[point.segment], point.version_begin);
      for (CrashState& state : enumerate_states(model, point, {1 << 16}).states) {
        if (!state.tear) by_segment[point.segment].insert(std::move(state.picks));
      }
    }
    for (size_t index = 0; index < by_segment.size(); ++index) {
      if (last[index] == nullptr) continue;  // it saw nothing but repetitions
      const Segment& segment = model.segment(*last[index]);
      uint64_t all = 1;
      uint64_t without_own = 1;
      for (const Unit& unit : segment.units) {
        all *= unit.versions.size() + 1U;
        without_own *= versions_below(unit, first_own[index]) + 1U;
      }
      EXPECT_EQ(by_segment[index].size(), all - without_own) << "segment " << index;
    }
  });
}

TEST(CrashModelLaws, StateCountIsTheNumberOfStates) {
  for_small_logs([](const LogBuilder&, const CrashModelOptions&, const CrashModel& model) {
    double sum = 0;
    for (const CrashPoint& point : model.points()) {
      const Enumeration all = enumerate_states(model, point, {.states_per_point = 1 << 16});
      ASSERT_TRUE(all.exhaustive);
      std::set<std::string> distinct;
      for (const CrashState& state : all.states) distinct.insert(model.print(state));
      EXPECT_EQ(distinct.size(), all.states.size());
      EXPECT_EQ(model.state_count(point, 1 << 16), all.states.size());
      EXPECT_NEAR(std::exp2(model.states_log2(point)), static_cast<double>(all.states.size()),
                  1e-6 * static_cast<double>(all.states.size()));
      sum += static_cast<double>(all.states.size());
    }
    EXPECT_NEAR(std::exp2(model.states_log2()), sum, 1e-3);
  });
}

TEST(CrashModelLaws, EveryStateIsRebuiltFromItsId) {
  for_small_logs([](const LogBuilder&, const CrashModelOptions&, const CrashModel& model) {
    for (const CrashPoint& point : model.points()) {
      for (const CrashState& state : enumerate_states(model, point, {1 << 16}).states) {
        const std::string id = model.print(state);
        const sim::Result<CrashState> parsed = model.parse(id);
        ASSERT_TRUE(parsed.ok()) << id << ": " << parsed.error().message();
        EXPECT_EQ(*parsed, state) << id;
      }
    }
  });
}

TEST(CrashModelLaws, ImagesKeepTheirDigestAndTheirChangedSectors) {
  for_small_logs([](const LogBuilder&, const CrashModelOptions&, const CrashModel& model) {
    CrashImage image(model);
    for (const CrashPoint& point : model.points()) {
      const Enumeration all = enumerate_states(model, point, {1 << 16});
      // Neighbours differ by little: the steps between states are of all sizes this way.
      const size_t step = 1 + all.states.size() / 100;
      for (size_t i = 0; i < all.states.size(); i += step) {
        const CrashState& state = all.states[i];
        image.set(state);
        const sim::Snapshot disk = image.materialise();
        ASSERT_EQ(first_sectors(disk), first_sectors(image));
        ASSERT_EQ(image.digest(), disk.digest()) << model.print(state);
        const std::vector<sim::Sector> changed(image.changed().begin(), image.changed().end());
        ASSERT_EQ(changed, image.base().difference(disk)) << model.print(state);
      }
    }
  });
}

}  // namespace
}  // namespace zerotail::fault
