// The device's volatile write-back cache. Completed writes are visible to reads at once and durable
// only after a flush, an eviction, or for themselves with FUA.
// Invariant: a sector version leaves pending_ only by flush, FUA or eviction.
// FUA writes its own sectors through (with their older versions dropped) and flushes no others.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <vector>

#include "zerotail/sim/block_device.h"
#include "zerotail/sim/prng.h"

namespace zerotail::sim {

class VolatileCache : public BlockDevice {
 public:
  struct Options {
    bool honour_flush = true;  // false: a lying device, for canaries
    bool honour_fua = true;
    uint64_t evict_one_in =
        0;  // after each write, evict a random pending sector once in n; 0 never
  };
  VolatileCache(BlockDevice& medium, const Options& options, Prng prng);

  [[nodiscard]] const DeviceInfo& info() const override { return info_; }
  void submit(Bio& bio) override;
  [[nodiscard]] SectorCount pending() const;  // sectors whose newest version is not durable
  // Power failure: drops what is pending.
  void lose_power();

 private:
  Errno write_through(Sector sector, const std::vector<std::byte>& content);

  BlockDevice& medium_;
  DeviceInfo info_;
  Options options_;
  Prng prng_;
  std::map<uint64_t, std::vector<std::byte>> pending_;
};

}  // namespace zerotail::sim
