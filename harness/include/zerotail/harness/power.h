// What a trace's `crash` does to the disk below the volume: power is lost, and the medium is left
// with what was durable, or with a state that the crash model considers.
#pragma once

#include <memory>
#include <string>

#include "zerotail/fault/crash_model.h"
#include "zerotail/sim/io_log.h"
#include "zerotail/sim/mem_disk.h"
#include "zerotail/sim/result.h"
#include "zerotail/sim/volatile_cache.h"

namespace zerotail::harness {

// Belongs to one disk stack: MemDisk, perhaps a VolatileCache, IoLog. Borrows all three.
class PowerSwitch {
 public:
  // From here on the log belongs to the switch: a crash clears it.
  PowerSwitch(sim::MemDisk& medium, sim::VolatileCache* cache, sim::IoLog& log);
  PowerSwitch(const PowerSwitch&) = delete;
  PowerSwitch& operator=(const PowerSwitch&) = delete;

  // Nobody may have I/O under way. `state`: empty, and everything since the last flush is lost; or
  // a state of the log since the disk was made or power was last lost, as crash_model.h prints it
  // (a repro id is taken for its state). EINVAL: no such state, and nothing has happened.
  sim::Status lose_power(const std::string& state);
  // EINVAL: no such state.
  [[nodiscard]] sim::Status check(const std::string& state) const;

 private:
  [[nodiscard]] fault::CrashModel model() const;
  sim::Status keep_state(const std::string& state);

  sim::MemDisk& medium_;
  sim::VolatileCache* cache_;
  sim::IoLog& log_;
  sim::Snapshot base_;  // the medium when the log began
};

}  // namespace zerotail::harness
