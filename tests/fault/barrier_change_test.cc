// One barrier changed (CrashModelOptions::barrier): the states are those of a log that never had
// it, or always had it, and of nothing else.
#include <gtest/gtest.h>

#include <set>
#include <string>

#include "fault/log_builder.h"
#include "zerotail/fault/device_class.h"

namespace zerotail::fault {
namespace {

using How = LogBuilder::How;
using Kind = BarrierChange::Kind;
using States = std::set<std::string>;

constexpr How kFua{.preflush = false, .fua = true};
constexpr How kPreflush{.preflush = true, .fua = false};
constexpr How kBoth{.preflush = true, .fua = true};

// The first three sectors, as letters: '.' for 0, 'a' for 1 and so on.
std::string contents(const sim::SectorReader& disk) {
  std::string text;
  for (uint64_t s = 0; s < 3; ++s) {
    const int value = std::to_integer<int>(*disk.sector(sim::Sector{s}));
    text += value == 0 ? '.' : static_cast<char>('a' + value - 1);
  }
  return text;
}

States at_mark(const LogBuilder& log, uint32_t mark, const BarrierChange& change) {
  CrashModelOptions options;
  options.barrier = change;
  const CrashModel model = log.model(options);
  CrashImage image(model);
  States found;
  for (const CrashPoint& point : model.points()) {
    if (point.kind != PointKind::kMark || point.mark != mark) continue;
    for (const CrashState& state :
         enumerate_states(model, point, {.states_per_point = 4096}).states) {
      image.set(state);
      found.insert(contents(image));
    }
  }
  return found;
}

TEST(BarrierChange, ADroppedFlushLeavesWhatWasWrittenBeforeVolatile) {
  LogBuilder log;
  log.write(0, {1});
  log.write(1, {2});
  const uint32_t flush = log.flush();
  log.write(2, {3});
  const uint32_t mark = log.mark();
  EXPECT_EQ(at_mark(log, mark, {}), (States{"ab.", "abc"}));
  EXPECT_EQ(at_mark(log, mark, {Kind::kNoFlush, flush}),
            (States{"...", "a..", ".b.", "..c", "ab.", "a.c", ".bc", "abc"}));
}

TEST(BarrierChange, ALaterFlushCoversWhatADroppedOneDidNot) {
  LogBuilder log;
  log.write(0, {1});
  const uint32_t dropped = log.flush();
  log.write(1, {2});
  const uint32_t kept = log.flush();
  const uint32_t mark = log.mark();
  EXPECT_EQ(at_mark(log, mark, {Kind::kNoFlush, dropped}), (States{"ab."}));
  EXPECT_EQ(at_mark(log, mark, {Kind::kNoFlush, kept}), (States{"a..", "ab."}));
}

TEST(BarrierChange, ADroppedPreflushOrdersNothingAndItsFuaStays) {
  LogBuilder log;
  log.write(0, {1});
  const uint32_t both = log.write(1, {2}, kBoth);
  const uint32_t mark = log.mark();
  EXPECT_EQ(at_mark(log, mark, {}), (States{"ab."}));
  EXPECT_EQ(at_mark(log, mark, {Kind::kNoFlush, both}), (States{".b.", "ab."}));
}

// While the request is in flight its own write may be there without what came before.
TEST(BarrierChange, WithoutItsPreflushAWriteInFlightMayBeThereAlone) {
  LogBuilder log;
  log.write(0, {1});
  const uint32_t write = log.submit(1, {2}, kPreflush);
  const uint32_t mark = log.mark();
  EXPECT_EQ(at_mark(log, mark, {}).count(".b."), 0U);
  EXPECT_EQ(at_mark(log, mark, {Kind::kNoFlush, write}).count(".b."), 1U);
}

TEST(BarrierChange, ADroppedFuaConcernsItsOwnRequestOnly) {
  LogBuilder log;
  const uint32_t first = log.write(0, {1}, kFua);
  log.write(1, {2}, kFua);
  log.write(2, {3});
  const uint32_t mark = log.mark();
  EXPECT_EQ(at_mark(log, mark, {}), (States{"ab.", "abc"}));
  EXPECT_EQ(at_mark(log, mark, {Kind::kNoFua, first}), (States{".b.", "ab.", ".bc", "abc"}));
}

TEST(BarrierChange, ADroppedFuaKeepsItsPreflush) {
  LogBuilder log;
  log.write(0, {1});
  const uint32_t both = log.write(1, {2}, kBoth);
  const uint32_t mark = log.mark();
  EXPECT_EQ(at_mark(log, mark, {Kind::kNoFua, both}), (States{"a..", "ab."}));
}

TEST(BarrierChange, AnAddedFlushMakesWhatHadCompletedDurable) {
  LogBuilder log;
  log.write(0, {1});
  const uint32_t second = log.write(1, {2});
  const uint32_t mark = log.mark();
  EXPECT_EQ(at_mark(log, mark, {Kind::kFlushBefore, second}), (States{"a..", "ab."}));
}

TEST(BarrierChange, AnAddedFlushDoesNotCoverAWriteInFlight) {
  LogBuilder log;
  const uint32_t slow = log.submit(0, {1});
  const uint32_t second = log.submit(1, {2});
  log.complete(slow);
  log.complete(second);
  const uint32_t mark = log.mark();
  EXPECT_EQ(at_mark(log, mark, {Kind::kFlushBefore, second}), at_mark(log, mark, {}));
}

TEST(BarrierChange, AFlushAtAMarkCoversTheMark) {
  LogBuilder log;
  log.write(0, {1});
  const uint32_t early = log.mark();
  log.write(1, {2});
  const uint32_t late = log.mark();
  EXPECT_EQ(at_mark(log, early, {Kind::kFlushAtMark, early}), (States{"a.."}));
  EXPECT_EQ(at_mark(log, late, {Kind::kFlushAtMark, early}), (States{"a..", "ab."}));
  EXPECT_EQ(at_mark(log, late, {Kind::kFlushAtMark, late}), (States{"ab."}));
}

TEST(BarrierChange, StandsInTheDevicesPrintedForm) {
  for (const char* text : {"vc512.noflush7", "vc512.nofua0", "vc512.flush12", "vc512.flushm3",
                           "vc4096.nofua.noflush1"}) {
    const auto device = parse_device(text);
    ASSERT_TRUE(device.ok()) << text;
    EXPECT_EQ(print_device(*device), text);
  }
  EXPECT_EQ(parse_device("vc512.noflush7")->barrier, (BarrierChange{Kind::kNoFlush, 7}));
  EXPECT_EQ(parse_device("vc512.flushm3")->barrier, (BarrierChange{Kind::kFlushAtMark, 3}));
  EXPECT_TRUE(parse_device("vc512.noflush7")->honour_flush);
  for (const char* text : {"vc512.flush", "vc512.noflush-1", "vc512.flushm", "vc512.nofua5x",
                           "vc512.noflush99999999999"}) {
    EXPECT_FALSE(parse_device(text).ok()) << text;
  }
}

}  // namespace
}  // namespace zerotail::fault
