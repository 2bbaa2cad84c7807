// The locks tasks wait on. Fair: granted in order of arrival. Names appear in deadlock reports.
// In the main flow (no task) they work too: taking one that a suspended task holds runs the tasks
// until it is free.
#pragma once

#include "zerotail/sim/task.h"

namespace zerotail::sim {

class Mutex {
 public:
  Mutex(Scheduler& scheduler, const char* name) : name_(name), queue_(scheduler) {}
  void lock();
  bool try_lock();
  void unlock();
  [[nodiscard]] bool held() const { return held_; }

 private:
  const char* name_;
  bool held_ = false;
  WaitQueue queue_;
};

// Shared and exclusive (the kernel's rw_semaphore): a waiting writer blocks later readers.
class RwLock {
 public:
  RwLock(Scheduler& scheduler, const char* name) : name_(name), queue_(scheduler) {}
  void lock();
  bool try_lock();
  void unlock();
  void lock_shared();
  void unlock_shared();
  [[nodiscard]] bool held_exclusive() const { return exclusive_; }
  [[nodiscard]] bool held() const { return exclusive_ || shared_ > 0; }

 private:
  const char* name_;
  bool exclusive_ = false;
  unsigned shared_ = 0;
  unsigned writers_waiting_ = 0;
  WaitQueue queue_;
};

// Both satisfy Lockable, so std::lock_guard, std::unique_lock and std::shared_lock hold them.

}  // namespace zerotail::sim
