#include "zerotail/sim/event_loop.h"

#include <algorithm>
#include <utility>

#include "zerotail/sim/assert.h"

namespace zerotail::sim {

void EventLoop::schedule_at(Nanos time, Callback callback) {
  ZT_ASSERT(time >= now_);
  heap_.push_back({time, next_sequence_++, std::move(callback)});
  std::push_heap(heap_.begin(), heap_.end(), Later{});
}

bool EventLoop::run_one() {
  if (heap_.empty()) return false;
  std::pop_heap(heap_.begin(), heap_.end(), Later{});
  // Taken out before it runs: a callback may schedule more.
  Event event = std::move(heap_.back());
  heap_.pop_back();
  now_ = event.time;
  event.callback();
  return true;
}

void EventLoop::run() {
  while (run_one()) {
  }
}

void EventLoop::run_until(Nanos time) {
  ZT_ASSERT(time >= now_);
  while (!heap_.empty() && heap_.front().time <= time) run_one();
  now_ = std::max(now_, time);
}

Nanos EventLoop::next_time() const {
  ZT_ASSERT(!heap_.empty());
  return heap_.front().time;
}

}  // namespace zerotail::sim
