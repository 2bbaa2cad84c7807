// The default disk under a trace, bottom to top: MemDisk filled with poison, formatted as the
// header asks or loaded from an image; VolatileCache (optional); IoLog; FaultDevice (optional).
#pragma once

#include <memory>
#include <optional>

#include "zerotail/fault/fault_device.h"
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
  std::optional<fault::FaultPlan> faults{};
};

// The medium that the header asks for, formatted. EINVAL: sizes that mkfs refuses. EOPNOTSUPP: a
// header key that nothing here can honour yet (preset, schedule), or that the caller has to take
// away first because the disk alone cannot honour it (faults); where() names it.
[[nodiscard]] sim::Result<sim::MemDisk> format_disk(const TraceHeader& header);
// The mount options that the header asks for.
[[nodiscard]] sim::Result<volume::MountOptions> mount_options(const TraceHeader& header);
// The same with another list of option words.
[[nodiscard]] sim::Result<volume::MountOptions> mount_options(
    const TraceHeader& header, const std::vector<std::string>& words);

// The fault plan of a header, taken away from it; nothing when it has none. EINVAL: a rule is
// wrong, or names a region that no volume has.
[[nodiscard]] sim::Result<std::optional<fault::FaultPlan>> take_faults(TraceHeader* header);
// EINVAL as there.
[[nodiscard]] sim::Status check_regions(const fault::FaultPlan& plan);

class DiskStack {
 public:
  // `medium` is taken over; `world` must outlive the stack.
  DiskStack(sim::World& world, sim::MemDisk medium, const StackOptions& options);
  DiskStack(const DiskStack&) = delete;
  DiskStack& operator=(const DiskStack&) = delete;

  [[nodiscard]] sim::BlockDevice& top() {
    return faults_ != nullptr ? static_cast<sim::BlockDevice&>(*faults_) : *log_;
  }
  [[nodiscard]] fault::FaultDevice* faults() { return faults_.get(); }
  [[nodiscard]] sim::IoLog& log() { return *log_; }
  [[nodiscard]] sim::MemDisk& medium() { return medium_; }
  [[nodiscard]] sim::VolatileCache* cache() { return cache_.get(); }
  [[nodiscard]] PowerSwitch& power() { return *power_; }

 private:
  sim::MemDisk medium_;
  std::unique_ptr<sim::VolatileCache> cache_;
  std::unique_ptr<sim::IoLog> log_;
  std::unique_ptr<PowerSwitch> power_;
  std::unique_ptr<fault::FaultDevice> faults_;
};

}  // namespace zerotail::harness
