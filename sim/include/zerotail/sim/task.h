// Deterministic tasks: fibers (Boost.Context) that switch only where they wait, under a scheduler
// that decides which runnable task goes next. One scheduler, one thread.
//
// Code that may wait runs inside a task or outside any ("the main flow", where waiting runs the
// event loop and the tasks until what is waited for has happened). An event's callback runs in the
// main flow.
//
// A power failure with tasks under way: Scheduler::abandon() unwinds them by an exception that
// passes through their frames, so that their destructors run; then EventLoop::clear(). The locks
// and bios that they use must live until then.
#pragma once

#include <cstdint>
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

// What unwinds an abandoned task. Nothing catches it but to undo and rethrow.
struct TaskAbandoned {
  bool woken = false;  // it had been woken, and what it was given must be passed on
};

// Tasks that wait for one thing, in order of arrival.
class WaitQueue {
 public:
  explicit WaitQueue(Scheduler& scheduler) : scheduler_(scheduler) {}
  ~WaitQueue();  // asserts that nobody waits
  WaitQueue(const WaitQueue&) = delete;
  WaitQueue& operator=(const WaitQueue&) = delete;
  // Suspends the current task until woken. From the main flow: runs others until woken.
  // Asserts, naming `what` and the waiting tasks, when nothing can ever wake it (a deadlock).
  // `what` must outlive the wait; `tag` is the caller's own, see first_tag().
  void wait(const char* what, uint32_t tag = 0);
  void wake_one();  // the one that has waited longest; nothing when nobody waits
  void wake_all();
  [[nodiscard]] bool empty() const { return first_ == nullptr; }
  [[nodiscard]] uint32_t first_tag() const;  // of the one that has waited longest; not when empty

 private:
  friend class Scheduler;
  struct Waiter;  // on the stack of who waits, linked here
  void link(Waiter& waiter);
  void unlink(Waiter& waiter);
  Scheduler& scheduler_;
  Waiter* first_ = nullptr;
  Waiter* last_ = nullptr;
};

class Scheduler {
 public:
  explicit Scheduler(EventLoop& loop);
  ~Scheduler();  // abandons what has not ended
  Scheduler(const Scheduler&) = delete;
  Scheduler& operator=(const Scheduler&) = delete;

  void set_policy(std::unique_ptr<SchedulePolicy> policy);
  // The task starts when the scheduler first chooses it.
  Task& spawn(std::string name, std::function<void()> body);
  // Runs tasks and events until all tasks have ended. Asserts on a deadlock, naming who waits for
  // what; call from the main flow.
  void run();
  // Ends all tasks where they stand, unwinding their stacks in the order they were spawned. None
  // may wait while it is unwound. From the main flow.
  void abandon();
  // Lets other runnable tasks go first.
  void yield();
  void sleep(Nanos delay);
  // The running task, or nullptr in the main flow.
  [[nodiscard]] Task* current() const { return current_; }
  [[nodiscard]] EventLoop& loop() { return loop_; }

 private:
  friend class WaitQueue;
  friend class Task;
  void run_task(size_t runnable_index);
  void switch_to(Task& task);
  void suspend();  // from a task: back to the main flow, until it is chosen again
  bool step();     // one task slice or one event; false when there is nothing to do
  [[noreturn]] void report_deadlock() const;

  struct StackBounds {
    const void* bottom = nullptr;
    size_t size = 0;
  };
  EventLoop& loop_;
  std::unique_ptr<SchedulePolicy> policy_;
  std::vector<std::unique_ptr<Task>> tasks_;
  std::vector<Task*> runnable_;
  std::vector<const char*> main_waits_;  // what the main flow waits for, innermost last
  size_t not_ended_ = 0;
  Task* current_ = nullptr;
  bool abandoning_ = false;
  StackBounds main_stack_;  // learnt at the first switch, for AddressSanitizer only
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
  void start();  // makes the fiber; it runs at the next switch
  Scheduler& scheduler_;
  uint64_t id_;
  std::string name_;
  std::function<void()> body_;
  const char* waiting_for_ = nullptr;
  bool ended_ = false;
  std::unique_ptr<Fiber> fiber_;  // from its first slice to its end
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
