// The default disk under a trace, bottom to top: MemDisk filled with poison, formatted as the
// header asks or loaded from an image; VolatileCache (optional); IoLog.
#pragma once

#include <memory>

#include "zerotail/harness/power.h"
#include "zerotail/harness/trace.h"
#include "zerotail/sim/io_log.h"
#include "zerotail/sim/mem_disk.h"
#include "zerotail/sim/volatile_cache.h"
#include "zerotail/sim/world.h"
#include "zerotail/volume/volume.h"

namespace zerotail::harness {

struct StackOptions {
  bool volatile_cache = true;
  sim::VolatileCache::Options cache;  // a lying device, evictions
};

// The medium that the header asks for, formatted. EINVAL: sizes that mkfs refuses. EOPNOTSUPP: a
// header key that nothing here can honour yet (preset, faults, schedule); where() names it.
[[nodiscard]] sim::Result<sim::MemDisk> format_disk(const TraceHeader& header);
// The mount options that the header asks for.
[[nodiscard]] sim::Result<volume::MountOptions> mount_options(const TraceHeader& header);
// The same with another list of option words.
[[nodiscard]] sim::Result<volume::MountOptions> mount_options(
    const TraceHeader& header, const std::vector<std::string>& words);

class DiskStack {
 public:
  // `medium` is taken over; `world` must outlive the stack.
  DiskStack(sim::World& world, sim::MemDisk medium, const StackOptions& options);
  DiskStack(const DiskStack&) = delete;
  DiskStack& operator=(const DiskStack&) = delete;

  [[nodiscard]] sim::BlockDevice& top() { return *log_; }
  [[nodiscard]] sim::IoLog& log() { return *log_; }
  [[nodiscard]] sim::MemDisk& medium() { return medium_; }
  [[nodiscard]] sim::VolatileCache* cache() { return cache_.get(); }
  [[nodiscard]] PowerSwitch& power() { return *power_; }

 private:
  sim::MemDisk medium_;
  std::unique_ptr<sim::VolatileCache> cache_;
  std::unique_ptr<sim::IoLog> log_;
  std::unique_ptr<PowerSwitch> power_;
};

}  // namespace zerotail::harness
