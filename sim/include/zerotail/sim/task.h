// Deterministic tasks: fibers (Boost.Context) that switch only where they wait, under a scheduler
// that decides which runnable task goes next. One scheduler, one thread.
//
// Code that may wait runs inside a task or outside any ("the main flow", where waiting runs the
// event loop and the tasks until what is waited for has happened).
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "zerotail/sim/event_loop.h"
#include "zerotail/sim/prng.h"

namespace zerotail::sim {

class Task;
class Scheduler;

// Chooses among the runnable tasks. The default is first come, first served.
class SchedulePolicy {
 public:
  virtual ~SchedulePolicy() = default;
  // Index into `runnable` (never empty), which stands in the order in which they became runnable.
  virtual size_t choose(const std::vector<Task*>& runnable) = 0;
};
[[nodiscard]] std::unique_ptr<SchedulePolicy> fifo_policy();
[[nodiscard]] std::unique_ptr<SchedulePolicy> random_policy(Prng prng);

// Tasks that wait for one thing, in order of arrival.
class WaitQueue {
 public:
  explicit WaitQueue(Scheduler& scheduler) : scheduler_(scheduler) {}
  ~WaitQueue();
  WaitQueue(const WaitQueue&) = delete;
  WaitQueue& operator=(const WaitQueue&) = delete;
  // Suspends the current task until woken. From the main flow: runs others until woken.
  // Asserts, naming `what` and the waiting tasks, when nothing can ever wake it (a deadlock).
  void wait(const char* what);
  void wake_one();
  void wake_all();
  [[nodiscard]] bool empty() const;

 private:
  friend class Scheduler;
  struct Waiter;
  Scheduler& scheduler_;
  std::deque<Waiter*> waiters_;
};

class Scheduler {
 public:
  explicit Scheduler(EventLoop& loop);
  ~Scheduler();
  Scheduler(const Scheduler&) = delete;
  Scheduler& operator=(const Scheduler&) = delete;

  void set_policy(std::unique_ptr<SchedulePolicy> policy);
  // The task starts when the scheduler first chooses it.
  Task& spawn(std::string name, std::function<void()> body);
  // Runs tasks and events until all tasks have ended. Asserts on a deadlock, naming who waits for
  // what; call from the main flow.
  void run();
  // Lets other runnable tasks go first.
  void yield();
  void sleep(Nanos delay);
  // The running task, or nullptr in the main flow.
  [[nodiscard]] Task* current() const { return current_; }
  [[nodiscard]] EventLoop& loop() { return loop_; }

 private:
  friend class WaitQueue;
  friend class Task;
  void switch_to(Task& task);
  bool step();  // one task slice or one event; false when there is nothing to do

  EventLoop& loop_;
  std::unique_ptr<SchedulePolicy> policy_;
  std::vector<std::unique_ptr<Task>> tasks_;
  std::vector<Task*> runnable_;
  Task* current_ = nullptr;
};

class Task {
 public:
  ~Task();
  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] uint64_t id() const { return id_; }
  [[nodiscard]] bool ended() const { return ended_; }
  [[nodiscard]] const char* waiting_for() const { return waiting_for_; }

 private:
  friend class Scheduler;
  friend class WaitQueue;
  struct Fiber;
  Task(Scheduler& scheduler, uint64_t id, std::string name, std::function<void()> body);
  Scheduler& scheduler_;
  uint64_t id_;
  std::string name_;
  std::function<void()> body_;
  const char* waiting_for_ = nullptr;
  bool ended_ = false;
  std::unique_ptr<Fiber> fiber_;
};

// Something that happens once.
class Completion {
 public:
  explicit Completion(Scheduler& scheduler) : queue_(scheduler) {}
  void wait(const char* what) {
    while (!done_) queue_.wait(what);
  }
  void complete() {
    done_ = true;
    queue_.wake_all();
  }
  [[nodiscard]] bool done() const { return done_; }

 private:
  bool done_ = false;
  WaitQueue queue_;
};

}  // namespace zerotail::sim
