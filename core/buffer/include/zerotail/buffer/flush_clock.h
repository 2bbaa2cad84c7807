// Which flush of the device covers which write: a flush makes durable what had completed before it
// was submitted (fault/MODEL.md), so it is enough to count flushes.
#pragma once

#include <algorithm>
#include <cstdint>

namespace zerotail::buffer {

class FlushClock {
 public:
  // The time to remember for a write that has just completed.
  [[nodiscard]] uint64_t now() const { return started_; }
  // A flush that was submitted after that time has completed. Time 0 is covered from the start.
  [[nodiscard]] bool covers(uint64_t written_at) const { return done_ > written_at; }

  // A flush is submitted; its number goes to done() when it has completed without error.
  [[nodiscard]] uint64_t start() { return ++started_; }
  void done(uint64_t flush) { done_ = std::max(done_, flush); }

 private:
  uint64_t started_ = 1;
  uint64_t done_ = 1;
};

}  // namespace zerotail::buffer
