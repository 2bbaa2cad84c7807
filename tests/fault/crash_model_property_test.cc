// The crash model against its definition, by brute force on small random logs.
//
// The definition, without segments, versions or points: a write is a set of atoms (one a sector, or
// the whole bio). At a moment, some atoms must be on the medium (what a finished flush covered,
// what a finished FUA write wrote), some cannot be (writes not submitted, writes behind a PREFLUSH
// that has not been done); each other atom may be there or not. The medium shows what is there,
// laid down in order of submission. Whether the flush of a PREFLUSH in flight has been done is
// unknown: each choice for each of them is followed.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "fault/log_builder.h"
#include "zerotail/sim/prng.h"

namespace zerotail::fault {
namespace {

using sim::BioOp;
using sim::IoRecord;
using Contents = std::set<std::string>;

constexpr uint64_t kSectors = 4;

std::string first_sectors(const sim::SectorReader& disk) {
  std::string text;
  for (uint64_t s = 0; s < kSectors; ++s) {
    text += static_cast<char>('.' + std::to_integer<int>(*disk.sector(sim::Sector{s})));
  }
  return text;
}

class Definition {
 public:
  Definition(const LogBuilder& log, const CrashModelOptions& options)
      : records_(log.log().records()), options_(options), base_(first_sectors(log.base())) {}

  // What the medium can hold right after an event.
  [[nodiscard]] Contents at(uint64_t event) const {
    std::vector<uint32_t> unknown;  // PREFLUSHes whose flush may or may not have been done
    for (uint32_t r = 0; r < records_.size(); ++r) {
      if (is_preflush(r) && records_[r].submit_event <= event && !completed(r, event)) {
        unknown.push_back(r);
      }
    }
    Contents found;
    for (uint32_t choice = 0; choice < (1U << unknown.size()); ++choice) {
      std::set<uint32_t> done;
      for (size_t i = 0; i < unknown.size(); ++i) {
        if ((choice >> i & 1) != 0) done.insert(unknown[i]);
      }
      add_contents(event, done, found);
    }
    return found;
  }

 private:
  struct Atom {
    uint32_t record;
    uint64_t sector;
    uint64_t count;
    bool forced;
  };

  [[nodiscard]] bool is_preflush(uint32_t r) const {
    return records_[r].op == BioOp::kWrite && records_[r].preflush && options_.honour_flush;
  }
  [[nodiscard]] bool completed(uint32_t r, uint64_t event) const {
    const IoRecord& record = records_[r];
    return record.complete() && record.complete_event <= event && record.status == sim::Errno::kOk;
  }

  // Whether a write is durable for sure, given which PREFLUSHes in flight have flushed.
  [[nodiscard]] bool forced(uint32_t r, uint64_t event, const std::set<uint32_t>& done) const {
    if (!completed(r, event)) return false;
    if (options_.write_through || (records_[r].fua && options_.honour_fua)) return true;
    if (!options_.honour_flush) return false;
    for (uint32_t f = 0; f < records_.size(); ++f) {
      const bool flushes = records_[f].op == BioOp::kFlush || is_preflush(f);
      const bool finished = completed(f, event) || done.count(f) != 0;
      if (flushes && finished && completed(r, records_[f].submit_event)) return true;
    }
    return false;
  }

  void add_contents(uint64_t event, const std::set<uint32_t>& done, Contents& found) const {
    std::vector<Atom> atoms;
    for (uint32_t r = 0; r < records_.size(); ++r) {
      const IoRecord& record = records_[r];
      if (record.op == BioOp::kFlush || record.submit_event > event) continue;
      if (is_preflush(r) && !completed(r, event) && done.count(r) == 0) continue;
      const bool whole = options_.atomic_bios && record.op == BioOp::kWrite;
      const uint64_t step = whole ? record.count.value() : 1;
      for (uint64_t s = 0; s < record.count.value(); s += step) {
        atoms.push_back({r, record.sector.value() + s, step, forced(r, event, done)});
      }
    }
    lay_down(atoms, 0, base_, found);
  }

  void lay_down(const std::vector<Atom>& atoms, size_t next, const std::string& medium,
                Contents& found) const {
    if (next == atoms.size()) {
      found.insert(medium);
      return;
    }
    const Atom& atom = atoms[next];
    if (!atom.forced) lay_down(atoms, next + 1, medium, found);
    std::string with = medium;
    for (uint64_t s = atom.sector; s < atom.sector + atom.count; ++s) {
      const IoRecord& record = records_[atom.record];
      std::byte value = options_.discard_fill;
      if (record.op == BioOp::kWrite) {
        value = (*record.data)[sim::bytes(sim::Sector{s} - record.sector).value()];
      }
      with[s] = static_cast<char>('.' + std::to_integer<int>(value));
    }
    lay_down(atoms, next + 1, with, found);
  }

  const std::vector<IoRecord>& records_;
  CrashModelOptions options_;
  std::string base_;
};

// A random log with a mark after each event.
void make_log(LogBuilder& log, sim::Prng prng) {
  std::vector<uint32_t> in_flight;
  const bool few_values = prng.chance(1, 2);  // then many writes repeat what is there
  int value = 0;
  unsigned atoms = 0;
  const uint64_t events = prng.between(4, 14);
  for (uint64_t i = 0; i < events; ++i) {
    const uint64_t what = prng.below(10);
    if (what < 4 && !in_flight.empty()) {
      const size_t which = prng.below(in_flight.size());
      log.complete(in_flight[which], prng.chance(1, 8) ? sim::Errno::kIo : sim::Errno::kOk);
      in_flight.erase(in_flight.begin() + static_cast<ptrdiff_t>(which));
    } else if (what == 4) {
      in_flight.push_back(log.submit_flush());
    } else {
      const uint64_t sector = prng.below(kSectors);
      const uint64_t count = prng.between(1, std::min<uint64_t>(3, kSectors - sector));
      atoms += static_cast<unsigned>(count);
      if (atoms > 10) break;  // the brute force is exponential in them
      if (what == 5) {
        in_flight.push_back(log.submit_discard(sector, count));
      } else {
        std::vector<int> values;
        for (uint64_t s = 0; s < count; ++s) {
          values.push_back(few_values ? static_cast<int>(prng.between(1, 2)) : ++value);
        }
        in_flight.push_back(
            log.submit(sector, values, {.preflush = prng.chance(1, 3), .fua = prng.chance(1, 4)}));
      }
      // Most devices answer before the next thing happens.
      if (prng.chance(1, 2)) {
        log.complete(in_flight.back());
        in_flight.pop_back();
      }
    }
    log.mark();
  }
}

CrashModelOptions random_options(sim::Prng prng) {
  CrashModelOptions options;
  options.atomic_bios = prng.chance(1, 3);
  options.write_through = prng.chance(1, 6);
  options.honour_flush = !prng.chance(1, 8);
  options.honour_fua = !prng.chance(1, 8);
  options.discard_fill = prng.chance(1, 2) ? std::byte{0} : std::byte{60};
  return options;
}

struct SmallLog {
  explicit SmallLog(uint64_t seed) {
    const sim::Prng prng(seed);
    make_log(log, prng.fork("log"));
    options = random_options(prng.fork("options"));
  }
  LogBuilder log{kSectors};
  CrashModelOptions options;
};

// Checks a law on many small logs, up to the first that breaks it.
template <class Law>
void for_small_logs(Law law) {
  for (uint64_t seed = 0; seed < 400 && !testing::Test::HasFailure(); ++seed) {
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
        const Definition definition(log, options);
        std::map<uint32_t, Contents> by_mark;
        for (const CrashPoint& point : model.points()) {
          if (point.kind == PointKind::kMark) by_mark[point.mark].merge(contents_of(model, point));
        }
        ASSERT_EQ(by_mark.size(), log.marks().size());
        for (const uint32_t mark : log.marks()) {
          EXPECT_EQ(by_mark[mark], definition.at(log.log().marks()[mark].event)) << "mark " << mark;
        }
      });
}

TEST(CrashModelLaws, WritePointsFindEachContentAsSoonAsItIsPossible) {
  for_small_logs(
      [](const LogBuilder& log, const CrashModelOptions& options, const CrashModel& model) {
        const Definition definition(log, options);
        size_t next = 0;
        Contents found;
        Contents possible;
        for (uint64_t event = 0; event <= log.log().last_event(); ++event) {
          for (; next < model.points().size() && model.points()[next].event <= event; ++next) {
            const CrashPoint& point = model.points()[next];
            if (point.kind != PointKind::kMark) found.merge(contents_of(model, point));
          }
          possible.merge(definition.at(event));
          EXPECT_EQ(found, possible) << "after event " << event;
        }
      });
}

TEST(CrashModelLaws, NoPicksOfASegmentAreConsideredTwice) {
  for_small_logs([](const LogBuilder&, const CrashModelOptions&, const CrashModel& model) {
    std::set<std::pair<uint32_t, std::vector<uint16_t>>> seen;
    for (const CrashPoint& point : model.points()) {
      if (point.kind == PointKind::kMark) continue;
      for (const CrashState& state : enumerate_states(model, point, {1 << 16}).states) {
        EXPECT_TRUE(seen.insert({point.segment, state.picks}).second) << model.print(state);
      }
    }
  });
}

// All picks of a segment at its last moment: those with a version submitted in the segment stand at
// the point of one write; the others have been seen before (their content, in an older segment).
TEST(CrashModelLaws, AllPicksOfASegmentAreConsidered) {
  for_small_logs([](const LogBuilder&, const CrashModelOptions&, const CrashModel& model) {
    std::vector<std::set<std::vector<uint16_t>>> by_segment(model.segment_count());
    std::vector<uint32_t> first_own(model.segment_count(), UINT32_MAX);
    std::vector<const CrashPoint*> last(model.segment_count());
    for (const CrashPoint& point : model.points()) {
      last[point.segment] = &point;
      if (point.kind != PointKind::kWrite) continue;
      first_own[point.segment] = std::min(first_own[point.segment], point.version_begin);
      for (CrashState& state : enumerate_states(model, point, {1 << 16}).states) {
        by_segment[point.segment].insert(std::move(state.picks));
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
      const std::set<std::vector<uint16_t>> distinct = [&] {
        std::set<std::vector<uint16_t>> picks;
        for (const CrashState& state : all.states) picks.insert(state.picks);
        return picks;
      }();
      EXPECT_EQ(distinct.size(), all.states.size());
      EXPECT_EQ(model.state_count(point, 1 << 16), all.states.size());
      EXPECT_NEAR(std::exp2(model.states_log2(point)), static_cast<double>(all.states.size()),
                  1e-6);
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
      for (const CrashState& state : enumerate_states(model, point, {1 << 16}).states) {
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
