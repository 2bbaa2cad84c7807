// The locks tasks wait on. Fair: granted in order of arrival. Names appear in deadlock reports.
// In the main flow (no task) they work too: taking one that a suspended task holds runs the tasks
// until it is free.
#pragma once

#include "zerotail/sim/assert.h"
#include "zerotail/sim/task.h"

namespace zerotail::sim {

class Mutex {
 public:
  Mutex(Scheduler& scheduler, const char* name) : name_(name), queue_(scheduler) {}
  void lock() {
    if (held_) return lock_slow();
    held_ = true;
  }
  bool try_lock() {
    if (held_) return false;
    held_ = true;
    return true;
  }
  void unlock() {
    ZT_ASSERT_MSG(held_, name_);
    if (!queue_.empty()) return queue_.wake_one();  // handed over: it stays held
    held_ = false;
  }
  [[nodiscard]] bool held() const { return held_; }

 private:
  void lock_slow();

  const char* name_;
  bool held_ = false;
  WaitQueue queue_;
};

// Shared and exclusive (the kernel's rw_semaphore): a waiting writer blocks later readers.
class RwLock {
 public:
  RwLock(Scheduler& scheduler, const char* name) : name_(name), queue_(scheduler) {}
  void lock() {
    if (held()) return lock_slow();
    exclusive_ = true;
  }
  bool try_lock() {
    if (held()) return false;
    exclusive_ = true;
    return true;
  }
  void unlock() {
    ZT_ASSERT_MSG(exclusive_, name_);
    exclusive_ = false;
    if (!queue_.empty()) hand_over();
  }
  void lock_shared() {
    if (exclusive_ || !queue_.empty()) return lock_shared_slow();
    ++shared_;
  }
  bool try_lock_shared() {
    if (exclusive_ || !queue_.empty()) return false;
    ++shared_;
    return true;
  }
  void unlock_shared() {
    ZT_ASSERT_MSG(shared_ > 0, name_);
    --shared_;
    if (!queue_.empty()) hand_over();
  }
  [[nodiscard]] bool held_exclusive() const { return exclusive_; }
  [[nodiscard]] bool held() const { return exclusive_ || shared_ > 0; }

 private:
  void lock_slow();
  void lock_shared_slow();
  void hand_over();

  const char* name_;
  bool exclusive_ = false;
  unsigned shared_ = 0;
  WaitQueue queue_;
};

// Both satisfy Lockable, so std::lock_guard, std::unique_lock and std::shared_lock hold them.

}  // namespace zerotail::sim
