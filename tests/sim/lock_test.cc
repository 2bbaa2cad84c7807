#include "zerotail/sim/lock.h"

#include <gtest/gtest.h>

#include <mutex>
#include <shared_mutex>
#include <string>
#include <vector>

#include "zerotail/sim/world.h"

namespace zerotail::sim {
namespace {

using Log = std::vector<std::string>;

class LockTest : public testing::Test {
 protected:
  // A task that takes a lock, says so, lets others go on, and gives the lock back.
  template <class Guard, class Lock>
  void spawn_holder(const std::string& name, Lock& lock, Nanos hold = Nanos{1}) {
    world_.scheduler.spawn(name, [this, name, &lock, hold] {
      const Guard guard(lock);
      log_.push_back("+" + name);
      world_.scheduler.sleep(hold);
      log_.push_back("-" + name);
    });
  }
  World world_{1};
  Log log_;
};

using Exclusive = std::lock_guard<Mutex>;
using Writer = std::lock_guard<RwLock>;
using Reader = std::shared_lock<RwLock>;

TEST_F(LockTest, AMutexIsHeldByOneAndGrantedInOrderOfArrival) {
  Mutex mutex(world_.scheduler, "m");
  for (const char* name : {"a", "b", "c"}) spawn_holder<Exclusive>(name, mutex);
  world_.scheduler.run();
  EXPECT_EQ(log_, (Log{"+a", "-a", "+b", "-b", "+c", "-c"}));
  EXPECT_FALSE(mutex.held());
}

TEST_F(LockTest, AMutexIsHandedOverToWhoWaitedLongest) {
  Mutex mutex(world_.scheduler, "m");
  world_.scheduler.spawn("a", [&] {
    mutex.lock();
    world_.scheduler.yield();
    mutex.unlock();
    EXPECT_TRUE(mutex.held());  // b's already
    EXPECT_FALSE(mutex.try_lock());
    mutex.lock();
    log_.emplace_back("a again");
    mutex.unlock();
  });
  spawn_holder<Exclusive>("b", mutex);
  world_.scheduler.run();
  EXPECT_EQ(log_, (Log{"+b", "-b", "a again"}));
}

TEST_F(LockTest, TheMainFlowWaitsForATaskThatHoldsTheLock) {
  Mutex mutex(world_.scheduler, "m");
  spawn_holder<Exclusive>("a", mutex);
  world_.scheduler.yield();
  ASSERT_TRUE(mutex.held());
  const std::lock_guard guard(mutex);
  EXPECT_EQ(log_, (Log{"+a", "-a"}));
}

TEST_F(LockTest, ReadersShareAndAWriterIsAlone) {
  RwLock lock(world_.scheduler, "l");
  spawn_holder<Reader>("r1", lock);
  spawn_holder<Reader>("r2", lock);
  spawn_holder<Writer>("w", lock);
  world_.scheduler.run();
  EXPECT_EQ(log_, (Log{"+r1", "+r2", "-r1", "-r2", "+w", "-w"}));
  EXPECT_FALSE(lock.held());
}

TEST_F(LockTest, AWaitingWriterBlocksLaterReaders) {
  RwLock lock(world_.scheduler, "l");
  spawn_holder<Reader>("r1", lock);
  spawn_holder<Writer>("w", lock);
  spawn_holder<Reader>("r2", lock);
  spawn_holder<Reader>("r3", lock);
  world_.scheduler.run();
  EXPECT_EQ(log_, (Log{"+r1", "-r1", "+w", "-w", "+r2", "+r3", "-r2", "-r3"}));
}

TEST_F(LockTest, TryLockTakesNothingThatIsHeld) {
  RwLock lock(world_.scheduler, "l");
  ASSERT_TRUE(lock.try_lock_shared());
  EXPECT_TRUE(lock.try_lock_shared());
  EXPECT_FALSE(lock.try_lock());
  lock.unlock_shared();
  lock.unlock_shared();
  ASSERT_TRUE(lock.try_lock());
  EXPECT_TRUE(lock.held_exclusive());
  EXPECT_FALSE(lock.try_lock_shared());
  EXPECT_FALSE(lock.try_lock());
  lock.unlock();
  EXPECT_FALSE(lock.held());
}

TEST_F(LockTest, AnAbandonedTaskGivesBackWhatItHolds) {
  Mutex mutex(world_.scheduler, "m");
  RwLock lock(world_.scheduler, "l");
  world_.scheduler.spawn("holder", [&] {
    const std::lock_guard a(mutex);
    const std::lock_guard b(lock);
    world_.scheduler.sleep(seconds(1));
  });
  spawn_holder<Exclusive>("waiter", mutex);
  spawn_holder<Reader>("reader", lock);
  spawn_holder<Writer>("writer", lock);
  world_.scheduler.yield();
  world_.scheduler.abandon();
  EXPECT_FALSE(mutex.held());
  EXPECT_FALSE(lock.held());
  EXPECT_TRUE(log_.empty());
}

TEST_F(LockTest, AnAbandonedWriterLetsTheReadersBehindItGo) {
  RwLock lock(world_.scheduler, "l");
  lock.lock_shared();  // the main flow's
  spawn_holder<Writer>("writer", lock);
  spawn_holder<Reader>("reader", lock);
  world_.scheduler.yield();
  world_.scheduler.abandon();
  lock.unlock_shared();
  EXPECT_FALSE(lock.held());
  EXPECT_TRUE(lock.try_lock());
  lock.unlock();
}

TEST_F(LockTest, DeadlocksAreReportedWithTheNamesOfTheLocks) {
  Mutex first(world_.scheduler, "first lock");
  Mutex second(world_.scheduler, "second lock");
  const auto take_both = [this](Mutex& a, Mutex& b) {
    const std::lock_guard outer(a);
    world_.scheduler.yield();
    const std::lock_guard inner(b);
  };
  world_.scheduler.spawn("t1", [&] { take_both(first, second); });
  world_.scheduler.spawn("t2", [&] { take_both(second, first); });
  EXPECT_DEATH(world_.scheduler.run(),
               "task 0 't1' waits for second lock\n.*task 1 't2' waits for first lock");
  world_.scheduler.abandon();
}

TEST_F(LockTest, AnUnlockWithoutALockIsAProgrammersError) {
  Mutex mutex(world_.scheduler, "the lock's name");
  RwLock lock(world_.scheduler, "the other's name");
  EXPECT_DEATH(mutex.unlock(), "the lock's name");
  EXPECT_DEATH(lock.unlock(), "the other's name");
  EXPECT_DEATH(lock.unlock_shared(), "the other's name");
}

}  // namespace
}  // namespace zerotail::sim
