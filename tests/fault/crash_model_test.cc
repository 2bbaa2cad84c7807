// Pins the crash model, rule by rule (fault/MODEL.md). The disks are a few sectors, each filled
// with one byte; a state is written as the bytes of the first sectors.
#include "zerotail/fault/crash_model.h"

#include <gtest/gtest.h>

#include <cmath>
#include <set>
#include <string>
#include <vector>

#include "fault/log_builder.h"

namespace zerotail::fault {
namespace {

using How = LogBuilder::How;
using States = std::multiset<std::string>;

constexpr How kFua{.preflush = false, .fua = true};
constexpr How kPreflush{.preflush = true, .fua = false};

// The first `sectors` sectors of a disk, as letters: '.' for 0, 'a' for 1 and so on.
std::string contents(const sim::SectorReader& disk, uint64_t sectors) {
  std::string text;
  for (uint64_t s = 0; s < sectors; ++s) {
    const int value = std::to_integer<int>(*disk.sector(sim::Sector{s}));
    text += value == 0 ? '.' : static_cast<char>('a' + value - 1);
  }
  return text;
}

States states_at(const CrashModel& model, const CrashPoint& point, uint64_t sectors) {
  const Enumeration all = enumerate_states(model, point, {.states_per_point = 4096});
  EXPECT_TRUE(all.exhaustive);
  CrashImage image(model);
  States found;
  for (const CrashState& state : all.states) {
    image.set(state);
    found.insert(contents(image, sectors));
  }
  return found;
}

// The states at the (only) point of a write.
States states_of(const CrashModel& model, uint32_t record, uint64_t sectors) {
  States found;
  for (const CrashPoint& point : model.points()) {
    if (point.kind != PointKind::kWrite || point.record != record) continue;
    EXPECT_TRUE(found.empty()) << "a second point";
    found = states_at(model, point, sectors);
  }
  return found;
}

States states_of_mark(const CrashModel& model, uint32_t mark, uint64_t sectors) {
  States found;
  for (const CrashPoint& point : model.points()) {
    if (point.kind != PointKind::kMark || point.mark != mark) continue;
    EXPECT_TRUE(found.empty()) << "a second point";
    found = states_at(model, point, sectors);
  }
  return found;
}

TEST(CrashModel, BeforeTheFirstWriteThereIsTheBaseAlone) {
  LogBuilder log;
  log.put(0, 1);
  log.write(0, {2});
  const CrashModel model = log.model();
  ASSERT_EQ(model.points().front().kind, PointKind::kStart);
  EXPECT_EQ(states_at(model, model.points().front(), 2), (States{"a."}));
}

TEST(CrashModel, ACompletedWriteIsNotDurable) {
  LogBuilder log;
  log.write(0, {1});
  const uint32_t mark = log.mark();
  EXPECT_EQ(states_of_mark(log.model(), mark, 1), (States{".", "a"}));
}

TEST(CrashModel, AWriteInFlightMayBeDurable) {
  LogBuilder log;
  log.submit(0, {1});
  const uint32_t mark = log.mark();
  EXPECT_EQ(states_of_mark(log.model(), mark, 1), (States{".", "a"}));
}

TEST(CrashModel, AFlushMakesWhatWasCompletedBeforeItDurable) {
  LogBuilder log;
  log.write(0, {1});
  log.write(1, {2});
  log.flush();
  const uint32_t mark = log.mark();
  EXPECT_EQ(states_of_mark(log.model(), mark, 2), (States{"ab"}));
}

TEST(CrashModel, AFlushDoesNotCoverAWriteInFlightAtItsSubmission) {
  LogBuilder log;
  const uint32_t slow = log.submit(0, {1});
  const uint32_t flush = log.submit_flush();
  log.complete(slow);
  log.complete(flush);
  const uint32_t mark = log.mark();
  EXPECT_EQ(states_of_mark(log.model(), mark, 1), (States{".", "a"}));
}

TEST(CrashModel, AnEpochEndsOnlyWhereAFlushCompletes) {
  LogBuilder log;
  log.write(0, {1});
  const uint32_t flush = log.submit_flush();
  const uint32_t during = log.mark();
  log.complete(flush);
  const uint32_t after = log.mark();
  const CrashModel model = log.model();
  EXPECT_EQ(states_of_mark(model, during, 1), (States{".", "a"}));
  EXPECT_EQ(states_of_mark(model, after, 1), (States{"a"}));
  EXPECT_EQ(model.segment(model.points().front()).epoch, 0U);
  EXPECT_EQ(model.segment(model.points().back()).epoch, 1U);
}

TEST(CrashModel, AFailedFlushPromisesNothing) {
  LogBuilder log;
  log.write(0, {1});
  const uint32_t flush = log.submit_flush();
  log.complete(flush, sim::Errno::kIo);
  const uint32_t mark = log.mark();
  EXPECT_EQ(states_of_mark(log.model(), mark, 1), (States{".", "a"}));
}

TEST(CrashModel, FuaIsDurableWhenItCompletes) {
  LogBuilder log;
  const uint32_t write = log.submit(0, {1}, kFua);
  const uint32_t during = log.mark();
  log.complete(write);
  const uint32_t after = log.mark();
  const CrashModel model = log.model();
  EXPECT_EQ(states_of_mark(model, during, 1), (States{".", "a"}));
  EXPECT_EQ(states_of_mark(model, after, 1), (States{"a"}));
}

TEST(CrashModel, FuaDoesNotFlushOthers) {
  LogBuilder log;
  log.write(0, {1});
  log.write(1, {2}, kFua);
  const uint32_t mark = log.mark();
  const CrashModel model = log.model();
  EXPECT_EQ(states_of_mark(model, mark, 2), (States{".b", "ab"}));
  EXPECT_EQ(model.segment(model.points().back()).epoch, 0U);
}

TEST(CrashModel, FuaReplacesTheOlderVersionsOfItsSectors) {
  LogBuilder log;
  log.write(0, {1, 2});
  log.write(0, {3}, kFua);
  const uint32_t mark = log.mark();
  EXPECT_EQ(states_of_mark(log.model(), mark, 2), (States{"c.", "cb"}));
}

TEST(CrashModel, FuaLeavesANewerVersionPending) {
  LogBuilder log;
  const uint32_t fua = log.submit(0, {1}, kFua);
  log.write(0, {2});
  log.complete(fua);
  const uint32_t mark = log.mark();
  EXPECT_EQ(states_of_mark(log.model(), mark, 1), (States{"a", "b"}));
}

TEST(CrashModel, APreflushCoversWhatWasCompletedBeforeIt) {
  LogBuilder log;
  log.write(0, {1});
  const uint32_t commit = log.write(1, {2}, kPreflush);
  const uint32_t mark = log.mark();
  const CrashModel model = log.model();
  EXPECT_EQ(states_of(model, commit, 2), (States{"ab"}));
  EXPECT_EQ(states_of_mark(model, mark, 2), (States{"a.", "ab"}));
  EXPECT_EQ(model.segment(model.points().back()).epoch, 1U);
}

TEST(CrashModel, APreflushDoesNotCoverWritesInFlight) {
  LogBuilder log;
  const uint32_t slow = log.submit(0, {1});
  const uint32_t commit = log.submit(1, {2}, kPreflush);
  log.complete(slow);
  log.complete(commit);
  const uint32_t mark = log.mark();
  const CrashModel model = log.model();
  EXPECT_EQ(states_of(model, commit, 2), (States{".b", "ab"}));
  EXPECT_EQ(states_of_mark(model, mark, 2), (States{"..", ".b", "a.", "ab"}));
}

TEST(CrashModel, APreflushWriteInFlightImpliesItsFlush) {
  LogBuilder log;
  log.write(0, {1});
  const uint32_t commit = log.submit(1, {2}, kPreflush);
  EXPECT_EQ(states_of(log.model(), commit, 2), (States{"ab"}));
}

TEST(CrashModel, APreflushInFlightHasPerhapsNotFlushedYet) {
  LogBuilder log;
  log.write(0, {1});
  log.submit(1, {2}, kPreflush);
  const uint32_t later = log.submit(2, {3});
  const CrashModel model = log.model();
  std::set<std::string> found;
  for (const CrashPoint& point : model.points()) {
    if (point.kind != PointKind::kWrite || point.record != later) continue;
    for (const std::string& state : states_at(model, point, 3)) found.insert(state);
  }
  // Without the flush: 0 kept or lost, 1 not there. With it: 0 there, 1 kept or lost.
  EXPECT_EQ(found, (std::set<std::string>{"..c", "a.c", "abc"}));
}

TEST(CrashModel, APreflushThatHasCompletedHasFlushed) {
  LogBuilder log;
  log.write(0, {1});
  const uint32_t commit = log.submit(1, {2}, kPreflush);
  log.submit(2, {3});
  log.complete(commit);
  const uint32_t mark = log.mark();
  EXPECT_EQ(states_of_mark(log.model(), mark, 3), (States{"a..", "ab.", "a.c", "abc"}));
}

TEST(CrashModel, APreflushOfAnEarlierBioMayBeDoneBeforeALaterOne) {
  LogBuilder log;
  log.write(0, {1});
  log.submit(1, {2}, kPreflush);
  log.write(2, {3});
  const uint32_t second = log.submit(3, {4}, kPreflush);
  // The second one's flush covers 0 and 2; the first commit is in flight: kept or lost.
  EXPECT_EQ(states_of(log.model(), second, 4), (States{"a.cd", "abcd"}));
}

TEST(CrashModel, AFailedPreflushMayNotHaveFlushed) {
  LogBuilder log;
  log.write(0, {1});
  const uint32_t commit = log.submit(1, {2}, kPreflush);
  log.complete(commit, sim::Errno::kIo);
  const uint32_t later = log.write(2, {3});
  const CrashModel model = log.model();
  std::set<std::string> found;
  for (const CrashPoint& point : model.points()) {
    if (point.kind != PointKind::kWrite || point.record != later) continue;
    for (const std::string& state : states_at(model, point, 3)) found.insert(state);
  }
  EXPECT_EQ(found, (std::set<std::string>{"..c", "a.c", "abc"}));
}

TEST(CrashModel, AnEmptyPreflushIsAFlush) {
  LogBuilder log;
  log.write(0, {1});
  log.write(0, {}, kPreflush);
  const uint32_t mark = log.mark();
  EXPECT_EQ(states_of_mark(log.model(), mark, 1), (States{"a"}));
}

TEST(CrashModel, ARewrittenSectorHasAllItsVersions) {
  LogBuilder log;
  log.put(0, 1);
  log.write(0, {2});
  log.write(0, {3});
  log.write(0, {4});
  const uint32_t mark = log.mark();
  EXPECT_EQ(states_of_mark(log.model(), mark, 1), (States{"a", "b", "c", "d"}));
}

TEST(CrashModel, AnIdenticalRewriteAddsNoState) {
  LogBuilder log;
  log.put(0, 1);
  const uint32_t same_as_base = log.write(0, {1});
  log.write(1, {2});
  const uint32_t same_as_pending = log.write(1, {2});
  const uint32_t mark = log.mark();
  const CrashModel model = log.model();
  EXPECT_TRUE(states_of(model, same_as_base, 2).empty());
  EXPECT_TRUE(states_of(model, same_as_pending, 2).empty());
  EXPECT_EQ(states_of_mark(model, mark, 2), (States{"a.", "ab"}));
}

TEST(CrashModel, AnIdenticalRewriteIsStillMadeDurable) {
  LogBuilder log;
  log.submit(0, {1});  // never completes, so no flush covers it
  log.write(0, {1});   // repeats it, and completes
  log.flush();
  const uint32_t mark = log.mark();
  EXPECT_EQ(states_of_mark(log.model(), mark, 1), (States{"a"}));
}

TEST(CrashModel, UnitsOfOneBioAreIndependent) {
  LogBuilder log;
  const uint32_t write = log.write(0, {1, 2});
  EXPECT_EQ(states_of(log.model(), write, 2), (States{"a.", ".b", "ab"}));
}

TEST(CrashModel, AnAtomicBioIsThereAsAWholeOrNotAtAll) {
  LogBuilder log;
  log.write(0, {1, 2});
  const uint32_t mark = log.mark();
  EXPECT_EQ(states_of_mark(log.model({.atomic_bios = true}), mark, 2), (States{"..", "ab"}));
}

TEST(CrashModel, OverlappingAtomicBiosAreLaidDownInOrder) {
  LogBuilder log;
  log.write(0, {1, 1});
  log.write(1, {2, 2});
  const uint32_t mark = log.mark();
  EXPECT_EQ(states_of_mark(log.model({.atomic_bios = true}), mark, 3),
            (States{"...", "aa.", ".bb", "abb"}));
}

TEST(CrashModel, RepeatingAnAtomicBioUnderAnotherIsNotARepetition) {
  LogBuilder log;
  log.write(0, {1, 1});
  log.write(1, {2, 2});
  log.write(0, {1, 1});
  const uint32_t mark = log.mark();
  const States found = states_of_mark(log.model({.atomic_bios = true}), mark, 3);
  EXPECT_EQ(found.count("aab"), 1U);
  EXPECT_EQ(std::set<std::string>(found.begin(), found.end()),
            (std::set<std::string>{"...", "aa.", ".bb", "abb", "aab"}));
}

TEST(CrashModel, AWriteThroughDeviceLosesOnlyWhatIsInFlight) {
  LogBuilder log;
  log.write(0, {1});
  log.submit(1, {2});
  const uint32_t mark = log.mark();
  EXPECT_EQ(states_of_mark(log.model({.write_through = true}), mark, 2), (States{"a.", "ab"}));
}

TEST(CrashModel, AFailedWriteMayBeThereEvenAfterAFlush) {
  LogBuilder log;
  const uint32_t write = log.submit(0, {1});
  log.complete(write, sim::Errno::kIo);
  log.flush();
  const uint32_t mark = log.mark();
  EXPECT_EQ(states_of_mark(log.model(), mark, 1), (States{".", "a"}));
}

TEST(CrashModel, AFailedWriteIsGoneOnceALaterOneIsDurable) {
  LogBuilder log;
  const uint32_t write = log.submit(0, {1});
  log.complete(write, sim::Errno::kIo);
  log.write(0, {2});
  log.flush();
  const uint32_t mark = log.mark();
  EXPECT_EQ(states_of_mark(log.model(), mark, 1), (States{"b"}));
}

TEST(CrashModel, AFailedFuaIsNotDurable) {
  LogBuilder log;
  const uint32_t write = log.submit(0, {1}, kFua);
  log.complete(write, sim::Errno::kIo);
  const uint32_t mark = log.mark();
  EXPECT_EQ(states_of_mark(log.model(), mark, 1), (States{".", "a"}));
}

TEST(CrashModel, ADiscardThatKeepsItsWordLeavesTheOldContentOrTheDiscardFill) {
  LogBuilder log;
  log.put(0, 1);
  log.put(1, 2);
  const uint32_t discard = log.submit_discard(0, 2);
  log.complete(discard);
  const uint32_t before = log.mark();
  log.flush();
  const uint32_t after = log.mark();
  const CrashModel model = log.model({.discard_any = false, .discard_fill = std::byte{26}});
  EXPECT_EQ(states_of_mark(model, before, 2), (States{"ab", "zb", "az", "zz"}));
  EXPECT_EQ(states_of_mark(model, after, 2), (States{"zz"}));
}

TEST(CrashModel, ALargerUnitIsWrittenAsAWhole) {
  LogBuilder log;
  log.write(6, {1, 2, 3});  // the end of the first 4096-byte unit and the start of the second
  const uint32_t mark = log.mark();
  const CrashModel model = log.model({.atomic_unit = sim::ByteCount{4096}});
  EXPECT_EQ(states_of_mark(model, mark, 9),
            (States{".........", "......ab.", "........c", "......abc"}));
}

TEST(CrashModel, APartOfALargerUnitCarriesTheRestFromTheVersionBefore) {
  LogBuilder log;
  log.put(2, 26);
  log.write(0, {1});
  log.write(1, {2});
  const uint32_t mark = log.mark();
  const CrashModel model = log.model({.atomic_unit = sim::ByteCount{4096}});
  EXPECT_EQ(states_of_mark(model, mark, 3), (States{"..z", "a.z", "abz"}));
}

TEST(CrashModel, FuaInALargerUnitMakesOnlyItsOwnSectorsDurable) {
  LogBuilder log;
  log.write(0, {1, 1, 1});
  log.write(1, {2}, kFua);
  const uint32_t mark = log.mark();
  const CrashModel model = log.model({.atomic_unit = sim::ByteCount{4096}});
  EXPECT_EQ(states_of_mark(model, mark, 3), (States{".b.", "aba"}));
}

TEST(CrashModel, TheLastUnitEndsWithTheDisk) {
  LogBuilder log(10);
  log.write(8, {1, 2});
  const uint32_t mark = log.mark();
  const CrashModel model = log.model({.atomic_unit = sim::ByteCount{4096}});
  EXPECT_EQ(states_of_mark(model, mark, 10), (States{"..........", "........ab"}));
}

TEST(CrashModel, ADeviceThatIgnoresFlushMakesNothingDurable) {
  LogBuilder log;
  log.write(0, {1});
  log.flush();
  log.write(1, {2}, kPreflush);
  const uint32_t mark = log.mark();
  const CrashModel model = log.model({.honour_flush = false});
  EXPECT_EQ(states_of_mark(model, mark, 2), (States{"..", "a.", ".b", "ab"}));
  EXPECT_EQ(model.segment(model.points().back()).epoch, 2U);
}

TEST(CrashModel, ADeviceThatIgnoresFuaMakesItDurableByFlushOnly) {
  LogBuilder log;
  log.write(0, {1}, kFua);
  const uint32_t before = log.mark();
  log.flush();
  const uint32_t after = log.mark();
  const CrashModel model = log.model({.honour_fua = false});
  EXPECT_EQ(states_of_mark(model, before, 1), (States{".", "a"}));
  EXPECT_EQ(states_of_mark(model, after, 1), (States{"a"}));
}

TEST(CrashModel, OnlyWantedMarksBecomePoints) {
  LogBuilder log;
  log.mark();
  const uint32_t wanted = log.mark();
  const CrashModel model(log.log(), log.base(), {}, std::vector<uint32_t>{wanted});
  ASSERT_EQ(model.points().size(), 2U);
  EXPECT_EQ(model.points()[1].mark, wanted);
  EXPECT_EQ(model.points()[1].event, log.log().marks()[wanted].event);
}

TEST(CrashModel, SegmentsShareTheirChunks) {
  LogBuilder log(1 << 15);
  for (uint64_t s = 0; s < 4096; ++s) log.put(s, 1);
  log.write(0, {2}, kFua);
  log.write(1, {3});
  const CrashModel model = log.model();
  const sim::Snapshot& first = model.segment(model.points().front()).base;
  const sim::Snapshot& last = model.segment(model.points().back()).base;
  (void)first.digest();
  uint64_t hashed = 0;
  (void)last.digest(&hashed);
  EXPECT_EQ(hashed, 8U);
  EXPECT_EQ(first.difference(last), (std::vector<sim::Sector>{sim::Sector{0}}));
}

TEST(CrashModel, UnitOfFindsTheUnitThatHoldsASector) {
  LogBuilder log;
  log.write(3, {1, 2});
  const CrashModel model = log.model();
  const Segment& segment = model.segment(model.points().back());
  EXPECT_EQ(segment.unit_of(sim::Sector{2}), -1);
  EXPECT_EQ(segment.unit_of(sim::Sector{3}), 0);
  EXPECT_EQ(segment.unit_of(sim::Sector{4}), 1);
  EXPECT_EQ(segment.unit_of(sim::Sector{5}), -1);
}

TEST(CrashModel, StateCountIsExactUpToItsLimit) {
  LogBuilder log;
  log.write(0, {1, 2, 3});
  const CrashModel model = log.model();
  const CrashPoint& point = model.points().back();
  EXPECT_EQ(model.state_count(point, 100), std::optional<uint64_t>(7));
  EXPECT_EQ(model.state_count(point, 7), std::optional<uint64_t>(7));
  EXPECT_EQ(model.state_count(point, 6), std::nullopt);
  EXPECT_NEAR(model.states_log2(point), std::log2(7.0), 1e-9);
  EXPECT_NEAR(model.states_log2(), 3.0, 1e-9);  // 7 and the start
}

TEST(CrashModel, StateCountOfAHugeModelIsBeyondAnyLimit) {
  LogBuilder log(4096);
  log.write(0, std::vector<int>(2000, 1));
  const CrashModel model = log.model();
  EXPECT_EQ(model.state_count(model.points().back(), UINT64_MAX), std::nullopt);
  EXPECT_NEAR(model.states_log2(), 2000.0, 1e-6);
}

}  // namespace
}  // namespace zerotail::fault
