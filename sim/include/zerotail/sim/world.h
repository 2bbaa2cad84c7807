// Everything that would be global elsewhere: the clock, the tasks, the seed. Passed in, never
// reached for. One world belongs to one thread.
#pragma once

#include "zerotail/sim/block_device.h"
#include "zerotail/sim/event_loop.h"
#include "zerotail/sim/prng.h"
#include "zerotail/sim/task.h"

namespace zerotail::sim {

struct World {
  explicit World(uint64_t seed) : scheduler(loop), prng(seed) {}
  EventLoop loop;
  Scheduler scheduler;
  Prng prng;
};

// Submits and waits; returns the bio's status. Any end_io the bio had is replaced.
[[nodiscard]] Errno submit_and_wait(Scheduler& scheduler, BlockDevice& device, Bio& bio);
[[nodiscard]] Errno read_sectors(Scheduler& scheduler, BlockDevice& device, Sector sector,
                                 std::span<std::byte> out, IoTag tag = {});
[[nodiscard]] Errno write_sectors(Scheduler& scheduler, BlockDevice& device, Sector sector,
                                  std::span<const std::byte> data, IoTag tag = {});
[[nodiscard]] Errno flush(Scheduler& scheduler, BlockDevice& device);

}  // namespace zerotail::sim
