// Tasks on Boost.Context fibers. Control passes between the main flow and one task, never from task
// to task, so the main flow is the only place where a choice is made.
//
// Debian's Boost.Context knows nothing of AddressSanitizer, so each switch is announced to it here;
// without that it takes a fiber's stack for an overflow of the thread's.
#include "zerotail/sim/task.h"

#include <algorithm>
#include <boost/context/fiber.hpp>
#include <boost/context/preallocated.hpp>
#include <boost/context/protected_fixedsize_stack.hpp>
#include <utility>

#include "zerotail/sim/assert.h"

#if defined(__SANITIZE_ADDRESS__)
#define ZT_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ZT_ASAN 1
#endif
#endif
#ifdef ZT_ASAN
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif

namespace zerotail::sim {

namespace {

constexpr size_t kStackSize = kib(256).value();

// Announces a switch to the stack at `bottom`. `save` keeps this stack's own bookkeeping; null when
// this stack is left for good.
void announce_switch([[maybe_unused]] void** save, [[maybe_unused]] const void* bottom,
                     [[maybe_unused]] size_t size) {
#ifdef ZT_ASAN
  __sanitizer_start_switch_fiber(save, bottom, size);
#endif
}

// The switch has happened; tells which stack was left.
void finish_switch([[maybe_unused]] void* saved, [[maybe_unused]] const void** left_bottom,
                   [[maybe_unused]] size_t* left_size) {
#ifdef ZT_ASAN
  __sanitizer_finish_switch_fiber(saved, left_bottom, left_size);
#endif
}

// A new stack may lie where an older one was given back with its frames still marked.
void forget_old_frames([[maybe_unused]] const void* bottom, [[maybe_unused]] size_t size) {
#ifdef ZT_ASAN
  ASAN_UNPOISON_MEMORY_REGION(bottom, size);
#endif
}

class FifoPolicy : public SchedulePolicy {
 public:
  size_t choose(const std::vector<Task*>&) override { return 0; }
};

class RandomPolicy : public SchedulePolicy {
 public:
  explicit RandomPolicy(Prng prng) : prng_(prng) {}
  size_t choose(const std::vector<Task*>& runnable) override {
    return prng_.below(runnable.size());
  }

 private:
  Prng prng_;
};

}  // namespace

std::unique_ptr<SchedulePolicy> fifo_policy() { return std::make_unique<FifoPolicy>(); }
std::unique_ptr<SchedulePolicy> random_policy(Prng prng) {
  return std::make_unique<RandomPolicy>(prng);
}

// While the task is suspended `other` is its continuation; while it runs, the main flow's.
struct Task::Fiber {
  boost::context::fiber other;
  const void* bottom = nullptr;
  size_t size = 0;
  void* saved_frames = nullptr;  // AddressSanitizer's, while it is suspended
};

Task::Task(Scheduler& scheduler, uint64_t id, std::string name, std::function<void()> body)
    : scheduler_(scheduler), id_(id), name_(std::move(name)), body_(std::move(body)) {}

Task::~Task() { ZT_ASSERT_MSG(fiber_ == nullptr, name_.c_str()); }

void Task::start() {
  boost::context::protected_fixedsize_stack allocator(kStackSize);
  boost::context::stack_context stack = allocator.allocate();
  fiber_ = std::make_unique<Fiber>();
  fiber_->bottom = static_cast<const char*>(stack.sp) - stack.size;
  fiber_->size = stack.size;
  forget_old_frames(fiber_->bottom, fiber_->size);
  const boost::context::preallocated where(stack.sp, stack.size, stack);
  fiber_->other = boost::context::fiber(
      std::allocator_arg, where, allocator, [this](boost::context::fiber&& main_flow) {
        Scheduler::StackBounds& main_stack = scheduler_.main_stack_;
        finish_switch(nullptr, &main_stack.bottom, &main_stack.size);
        fiber_->other = std::move(main_flow);
        try {
          body_();
        } catch (const TaskAbandoned&) {
          // Unwound as asked; it ends like any other.
        }
        body_ = nullptr;
        ended_ = true;
        announce_switch(nullptr, main_stack.bottom, main_stack.size);
        return std::move(fiber_->other);
      });
}

// ---- WaitQueue

struct WaitQueue::Waiter {
  Task* task = nullptr;  // nullptr: the main flow
  uint32_t tag = 0;
  bool woken = false;
  Waiter* previous = nullptr;
  Waiter* next = nullptr;
};

WaitQueue::~WaitQueue() { ZT_ASSERT_MSG(empty(), "destroyed while something waits for it"); }

void WaitQueue::link(Waiter& waiter) {
  waiter.previous = last_;
  (last_ == nullptr ? first_ : last_->next) = &waiter;
  last_ = &waiter;
}

void WaitQueue::unlink(Waiter& waiter) {
  (waiter.previous == nullptr ? first_ : waiter.previous->next) = waiter.next;
  (waiter.next == nullptr ? last_ : waiter.next->previous) = waiter.previous;
}

void WaitQueue::wait(const char* what, uint32_t tag) {
  Waiter self{.task = scheduler_.current_, .tag = tag};
  link(self);
  if (self.task == nullptr) {
    scheduler_.main_waits_.push_back(what);
    while (!self.woken) {
      if (!scheduler_.step()) scheduler_.report_deadlock();
    }
    scheduler_.main_waits_.pop_back();
    return;
  }
  self.task->waiting_for_ = what;
  try {
    scheduler_.suspend();
  } catch (TaskAbandoned& abandoned) {
    abandoned.woken = self.woken;
    if (!self.woken) unlink(self);
    throw;
  }
}

void WaitQueue::wake_one() {
  if (first_ == nullptr) return;
  Waiter& waiter = *first_;
  unlink(waiter);
  waiter.woken = true;
  if (waiter.task == nullptr) return;
  waiter.task->waiting_for_ = nullptr;
  scheduler_.runnable_.push_back(waiter.task);
}

void WaitQueue::wake_all() {
  while (first_ != nullptr) wake_one();
}

uint32_t WaitQueue::first_tag() const {
  ZT_ASSERT(!empty());
  return first_->tag;
}

// ---- Scheduler

Scheduler::Scheduler(EventLoop& loop) : loop_(loop), policy_(fifo_policy()) {}

Scheduler::~Scheduler() { abandon(); }

void Scheduler::set_policy(std::unique_ptr<SchedulePolicy> policy) { policy_ = std::move(policy); }

Task& Scheduler::spawn(std::string name, std::function<void()> body) {
  tasks_.push_back(std::unique_ptr<Task>(
      new Task(*this, tasks_.size(), std::move(name), std::move(body))));  // private constructor
  ++not_ended_;
  runnable_.push_back(tasks_.back().get());
  return *tasks_.back();
}

void Scheduler::switch_to(Task& task) {
  ZT_ASSERT_MSG(current_ == nullptr, "only the main flow chooses a task");
  if (task.fiber_ == nullptr) task.start();
  Task::Fiber& fiber = *task.fiber_;
  current_ = &task;
  void* saved_frames = nullptr;
  announce_switch(&saved_frames, fiber.bottom, fiber.size);
  fiber.other = std::move(fiber.other).resume();
  finish_switch(saved_frames, nullptr, nullptr);
  current_ = nullptr;
  if (!task.ended_) return;
  task.fiber_.reset();
  --not_ended_;
}

void Scheduler::suspend() {
  Task::Fiber& fiber = *current_->fiber_;
  ZT_ASSERT_MSG(!abandoning_, "a task waits while it is unwound");
  announce_switch(&fiber.saved_frames, main_stack_.bottom, main_stack_.size);
  fiber.other = std::move(fiber.other).resume();
  finish_switch(fiber.saved_frames, nullptr, nullptr);
  if (abandoning_) throw TaskAbandoned{};
}

void Scheduler::run_task(size_t runnable_index) {
  ZT_ASSERT(runnable_index < runnable_.size());
  Task& task = *runnable_[runnable_index];
  runnable_.erase(runnable_.begin() + static_cast<ptrdiff_t>(runnable_index));
  switch_to(task);
}

bool Scheduler::step() {
  ZT_ASSERT_MSG(current_ == nullptr, "a task runs the scheduler");
  if (runnable_.empty()) return loop_.run_one();
  run_task(policy_->choose(runnable_));
  return true;
}

void Scheduler::run() {
  ZT_ASSERT_MSG(current_ == nullptr, "a task runs the scheduler");
  while (not_ended_ > 0) {
    if (!step()) report_deadlock();
  }
}

void Scheduler::abandon() {
  ZT_ASSERT_MSG(current_ == nullptr, "a task abandons itself");
  abandoning_ = true;
  for (const std::unique_ptr<Task>& task : tasks_) {
    if (task->ended_) continue;
    if (task->fiber_ != nullptr) {
      switch_to(*task);
      ZT_ASSERT_MSG(task->ended_, task->name_.c_str());
    } else {
      task->body_ = nullptr;
      task->ended_ = true;
      --not_ended_;
    }
  }
  runnable_.clear();  // what the unwinding woke has ended too
  abandoning_ = false;
}

void Scheduler::yield() {
  if (current_ != nullptr) {
    runnable_.push_back(current_);
    suspend();
    return;
  }
  for (size_t slices = runnable_.size(); slices > 0 && !runnable_.empty(); --slices) {
    run_task(policy_->choose(runnable_));
  }
}

void Scheduler::sleep(Nanos delay) {
  // Shared with the event, which outlives a sleeper that is abandoned.
  const auto awake = std::make_shared<Completion>(*this);
  loop_.schedule_after(delay, [awake] { awake->complete(); });
  awake->wait("the clock");
}

void Scheduler::report_deadlock() const {
  std::string report = "deadlock: nothing can run and nothing is scheduled";
  for (const std::unique_ptr<Task>& task : tasks_) {
    if (task->ended_) continue;
    const char* what = task->waiting_for_ == nullptr ? "its turn" : task->waiting_for_;
    report += "\n  task " + std::to_string(task->id_) + " '" + task->name_ + "' waits for " + what;
  }
  for (const char* what : main_waits_) report += std::string("\n  the main flow waits for ") + what;
  assertion_failed("the tasks can go on", __FILE__, __LINE__, report.c_str());
}

}  // namespace zerotail::sim
