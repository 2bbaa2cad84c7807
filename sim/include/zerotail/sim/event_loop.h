// The virtual clock and the queue of what happens next. Time moves only when an event is run.
// Invariant: events of one time run in the order they were scheduled; now() never goes back.
#pragma once

#include <cstdint>
#include <functional>
#include <utility>
#include <vector>

#include "zerotail/sim/units.h"

namespace zerotail::sim {

class EventLoop {
 public:
  using Callback = std::function<void()>;

  [[nodiscard]] Nanos now() const { return now_; }
  void schedule_at(Nanos time, Callback callback);  // time >= now()
  void schedule_after(Nanos delay, Callback callback) {
    schedule_at(now_ + delay, std::move(callback));
  }
  // Runs the next event; false when there is none.
  bool run_one();
  // Runs until nothing is left.
  void run();
  // Runs all events up to `time`, then sets the clock to it.
  void run_until(Nanos time);
  [[nodiscard]] bool empty() const { return heap_.empty(); }
  [[nodiscard]] Nanos next_time() const;  // asserts when empty
  // Drops all that is scheduled: a power failure. The clock stays.
  void clear() { heap_.clear(); }

 private:
  struct Event {
    Nanos time;
    uint64_t sequence;
    Callback callback;
  };
  struct Later {
    bool operator()(const Event& a, const Event& b) const {
      return a.time != b.time ? a.time > b.time : a.sequence > b.sequence;
    }
  };
  Nanos now_{0};
  uint64_t next_sequence_ = 0;
  std::vector<Event> heap_;  // a heap under Later: the next event in front
};

}  // namespace zerotail::sim
