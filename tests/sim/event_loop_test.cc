#include "zerotail/sim/event_loop.h"

#include <gtest/gtest.h>

#include <string>

namespace zerotail::sim {
namespace {

TEST(EventLoop, RunsEventsInOrderOfTime) {
  EventLoop loop;
  std::string order;
  loop.schedule_at(Nanos{30}, [&] { order += 'c'; });
  loop.schedule_at(Nanos{10}, [&] { order += 'a'; });
  loop.schedule_at(Nanos{20}, [&] { order += 'b'; });
  loop.run();
  EXPECT_EQ(order, "abc");
  EXPECT_EQ(loop.now(), Nanos{30});
}

TEST(EventLoop, EventsOfOneTimeRunInTheOrderTheyWereScheduled) {
  EventLoop loop;
  std::string order;
  for (char c = 'a'; c <= 'z'; ++c) loop.schedule_at(Nanos{5}, [&order, c] { order += c; });
  loop.run();
  EXPECT_EQ(order, "abcdefghijklmnopqrstuvwxyz");
}

TEST(EventLoop, AnEventCanScheduleMore) {
  EventLoop loop;
  int left = 100;
  EventLoop::Callback again = [&] {
    if (--left > 0) loop.schedule_after(Nanos{2}, again);
  };
  loop.schedule_after(Nanos{2}, again);
  loop.run();
  EXPECT_EQ(left, 0);
  EXPECT_EQ(loop.now(), Nanos{200});
}

TEST(EventLoop, TimeMovesOnlyWhenAnEventRuns) {
  EventLoop loop;
  loop.schedule_at(Nanos{10}, [] {});
  EXPECT_EQ(loop.now(), Nanos{0});
  EXPECT_EQ(loop.next_time(), Nanos{10});
  EXPECT_TRUE(loop.run_one());
  EXPECT_EQ(loop.now(), Nanos{10});
  EXPECT_FALSE(loop.run_one());
}

TEST(EventLoop, RunUntilStopsAtItsTime) {
  EventLoop loop;
  std::string order;
  loop.schedule_at(Nanos{10}, [&] { order += 'a'; });
  loop.schedule_at(Nanos{20}, [&] { order += 'b'; });
  loop.schedule_at(Nanos{21}, [&] { order += 'c'; });
  loop.run_until(Nanos{20});
  EXPECT_EQ(order, "ab");
  EXPECT_EQ(loop.now(), Nanos{20});
  loop.run_until(Nanos{20});
  EXPECT_FALSE(loop.empty());
}

TEST(EventLoop, ClearDropsWhatIsScheduledAndKeepsTheTime) {
  EventLoop loop;
  loop.schedule_at(Nanos{10}, [] {});
  loop.schedule_at(Nanos{20}, [] { FAIL(); });
  loop.run_one();
  loop.clear();
  EXPECT_TRUE(loop.empty());
  loop.run();
  EXPECT_EQ(loop.now(), Nanos{10});
}

TEST(EventLoopDeathTest, ThePastCannotBeScheduled) {
  EventLoop loop;
  loop.run_until(Nanos{10});
  EXPECT_DEATH(loop.schedule_at(Nanos{9}, [] {}), "assertion failed");
}

}  // namespace
}  // namespace zerotail::sim
