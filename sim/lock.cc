#include "zerotail/sim/lock.h"

namespace zerotail::sim {

namespace {
constexpr uint32_t kShared = 0;
constexpr uint32_t kExclusive = 1;
}  // namespace

void Mutex::lock_slow() {
  try {
    queue_.wait(name_);
  } catch (const TaskAbandoned& abandoned) {
    if (abandoned.woken) unlock();  // it had been handed over
    throw;
  }
}

void RwLock::lock_slow() {
  try {
    queue_.wait(name_, kExclusive);
  } catch (const TaskAbandoned& abandoned) {
    if (abandoned.woken) {
      unlock();
    } else if (!queue_.empty()) {
      hand_over();  // readers may have waited for this writer only
    }
    throw;
  }
}

void RwLock::lock_shared_slow() {
  try {
    queue_.wait(name_, kShared);
  } catch (const TaskAbandoned& abandoned) {
    if (abandoned.woken) unlock_shared();
    throw;
  }
}

// Grants to those in front: one writer, or all readers up to the next writer.
void RwLock::hand_over() {
  while (!queue_.empty() && !exclusive_) {
    if (queue_.first_tag() == kExclusive) {
      if (shared_ > 0) return;
      exclusive_ = true;
    } else {
      ++shared_;
    }
    queue_.wake_one();
  }
}

}  // namespace zerotail::sim
