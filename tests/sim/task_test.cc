#include "zerotail/sim/task.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "zerotail/sim/world.h"

namespace zerotail::sim {
namespace {

using Log = std::vector<std::string>;

TEST(Scheduler, RunsTasksFirstComeFirstServed) {
  World world(1);
  Log log;
  for (const char* name : {"a", "b", "c"}) {
    world.scheduler.spawn(name, [&log, name] { log.emplace_back(name); });
  }
  world.scheduler.run();
  EXPECT_EQ(log, (Log{"a", "b", "c"}));
}

TEST(Scheduler, ATaskSwitchesOnlyWhereItWaits) {
  World world(1);
  Log log;
  for (const char* name : {"a", "b"}) {
    world.scheduler.spawn(name, [&, name] {
      log.push_back(std::string(name) + "1");
      log.push_back(std::string(name) + "2");
      world.scheduler.yield();
      log.push_back(std::string(name) + "3");
    });
  }
  world.scheduler.run();
  EXPECT_EQ(log, (Log{"a1", "a2", "b1", "b2", "a3", "b3"}));
}

TEST(Scheduler, SleepMovesTheVirtualClock) {
  World world(1);
  Log log;
  world.scheduler.spawn("late", [&] {
    world.scheduler.sleep(millis(5));
    log.emplace_back("late");
  });
  world.scheduler.spawn("early", [&] {
    world.scheduler.sleep(millis(2));
    log.emplace_back("early");
  });
  world.scheduler.run();
  EXPECT_EQ(log, (Log{"early", "late"}));
  EXPECT_EQ(world.loop.now(), millis(5));
}

TEST(Scheduler, ARandomPolicyRepeatsWithItsSeed) {
  const auto run = [](uint64_t seed) {
    World world(seed);
    world.scheduler.set_policy(random_policy(world.prng.fork("schedule")));
    std::string order;
    for (char name = 'a'; name <= 'h'; ++name) {
      world.scheduler.spawn(std::string(1, name), [&order, &world, name] {
        order += name;
        world.scheduler.yield();
        order += name;
      });
    }
    world.scheduler.run();
    return order;
  };
  EXPECT_EQ(run(7), run(7));
  EXPECT_NE(run(7), run(8));
}

TEST(Scheduler, TheMainFlowRunsOthersWhileItWaits) {
  World world(1);
  Completion done(world.scheduler);
  world.scheduler.spawn("worker", [&] {
    world.scheduler.sleep(micros(3));
    done.complete();
  });
  done.wait("the worker");
  EXPECT_TRUE(done.done());
  EXPECT_EQ(world.loop.now(), micros(3));
}

TEST(Scheduler, TheMainFlowCanSleep) {
  World world(1);
  world.scheduler.sleep(micros(9));
  EXPECT_EQ(world.loop.now(), micros(9));
}

TEST(Scheduler, ATaskCanSpawnATask) {
  World world(1);
  Log log;
  world.scheduler.spawn("parent", [&] {
    world.scheduler.spawn("child", [&] { log.emplace_back("child"); });
    log.emplace_back("parent");
  });
  world.scheduler.run();
  EXPECT_EQ(log, (Log{"parent", "child"}));
}

TEST(Scheduler, CurrentIsTheRunningTaskAndNothingInTheMainFlow) {
  World world(1);
  const Task* seen = nullptr;
  Task& task = world.scheduler.spawn("self", [&] { seen = world.scheduler.current(); });
  EXPECT_EQ(world.scheduler.current(), nullptr);
  world.scheduler.run();
  EXPECT_EQ(seen, &task);
  EXPECT_TRUE(task.ended());
  EXPECT_EQ(world.scheduler.current(), nullptr);
}

TEST(Scheduler, ManyTasksComeAndGo) {
  World world(1);
  uint64_t sum = 0;
  for (int round = 0; round < 20; ++round) {
    for (uint64_t i = 0; i < 20; ++i) {
      world.scheduler.spawn("t", [&, i] {
        world.scheduler.yield();
        sum += i;
      });
    }
    world.scheduler.run();
  }
  EXPECT_EQ(sum, 20U * 190U);
}

TEST(WaitQueue, WakesInOrderOfArrival) {
  World world(1);
  WaitQueue queue(world.scheduler);
  Log log;
  for (const char* name : {"a", "b", "c"}) {
    world.scheduler.spawn(name, [&, name] {
      queue.wait("the queue");
      log.emplace_back(name);
    });
  }
  world.scheduler.spawn("waker", [&] {
    queue.wake_one();
    world.scheduler.yield();
    EXPECT_EQ(log, (Log{"a"}));
    queue.wake_all();
  });
  world.scheduler.run();
  EXPECT_EQ(log, (Log{"a", "b", "c"}));
}

TEST(WaitQueue, AWaitingTaskSaysWhatItWaitsFor) {
  World world(1);
  WaitQueue queue(world.scheduler);
  Task& task = world.scheduler.spawn("t", [&] { queue.wait("a bus"); });
  world.scheduler.yield();
  EXPECT_STREQ(task.waiting_for(), "a bus");
  queue.wake_one();
  EXPECT_EQ(task.waiting_for(), nullptr);
  world.scheduler.run();
}

struct Unwound {
  explicit Unwound(Log& log, std::string name) : log_(log), name_(std::move(name)) {}
  ~Unwound() { log_.push_back(name_); }
  Unwound(const Unwound&) = delete;
  Unwound& operator=(const Unwound&) = delete;
  Log& log_;
  std::string name_;
};

TEST(Scheduler, AbandonUnwindsWhatHasNotEnded) {
  World world(1);
  WaitQueue queue(world.scheduler);
  Log log;
  Task& started = world.scheduler.spawn("started", [&] {
    const Unwound outer(log, "outer");
    const Unwound inner(log, "inner");
    queue.wait("for ever");
    log.emplace_back("not reached");
  });
  world.scheduler.yield();
  Task& fresh = world.scheduler.spawn("fresh", [&] { log.emplace_back("not reached"); });
  world.scheduler.abandon();
  EXPECT_EQ(log, (Log{"inner", "outer"}));
  EXPECT_TRUE(started.ended());
  EXPECT_TRUE(fresh.ended());
  EXPECT_TRUE(queue.empty());
  world.scheduler.run();  // nothing is left to run
}

TEST(Scheduler, DestructionAbandonsWhatHasNotEnded) {
  Log log;
  {
    EventLoop loop;
    Scheduler scheduler(loop);
    scheduler.spawn("sleeper", [&] {
      const Unwound frame(log, "unwound");
      scheduler.sleep(seconds(1));
    });
    scheduler.yield();
  }
  EXPECT_EQ(log, (Log{"unwound"}));
}

TEST(SchedulerDeathTest, ADeadlockNamesWhoWaitsForWhat) {
  World world(1);
  WaitQueue queue(world.scheduler);
  world.scheduler.spawn("writer", [&] { queue.wait("the inode lock"); });
  EXPECT_DEATH(world.scheduler.run(), "task 0 'writer' waits for the inode lock");
  EXPECT_DEATH(queue.wait("an answer"), "the main flow waits for an answer");
  world.scheduler.abandon();
}

TEST(SchedulerDeathTest, AWaitWhileUnwindingIsAProgrammersError) {
  World world(1);
  WaitQueue queue(world.scheduler);
  struct WaitsAtItsEnd {
    ~WaitsAtItsEnd() { scheduler.yield(); }
    Scheduler& scheduler;
  };
  Task& task = world.scheduler.spawn("t", [&] {
    const WaitsAtItsEnd guard{world.scheduler};
    queue.wait("for ever");
  });
  world.scheduler.yield();
  EXPECT_DEATH(world.scheduler.abandon(), "waits while it is unwound");
  queue.wake_all();
  world.scheduler.run();
  EXPECT_TRUE(task.ended());
}

}  // namespace
}  // namespace zerotail::sim
