// The device's volatile write-back cache. Completed writes are visible to reads at once and durable
// only after a flush, an eviction, or for themselves with FUA.
// A discard goes to the medium at once and takes what is pending there with it.
// Invariant: a sector version leaves the cache only by flush, FUA, eviction or discard; what the
// medium refuses to take stays.
// FUA writes its own sectors through (with their older versions dropped) and flushes no others.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <unordered_map>
#include <vector>

#include "zerotail/sim/block_device.h"
#include "zerotail/sim/prng.h"

namespace zerotail::sim {

class VolatileCache : public BlockDevice {
 public:
  struct Options {
    bool honour_flush = true;  // false: a lying device, for canaries
    bool honour_fua = true;
    // After each cached write, evict a random pending block once in n; 0 never.
    uint64_t evict_one_in = 0;
  };
  // The medium must complete each bio before its submit() returns.
  VolatileCache(BlockDevice& medium, const Options& options, Prng prng);

  [[nodiscard]] const DeviceInfo& info() const override { return info_; }
  void submit(Bio& bio) override;
  [[nodiscard]] SectorCount pending() const;  // sectors whose newest version is not durable
  // Power failure: drops what is pending.
  void lose_power();

 private:
  struct Slot {
    Sector sector;
    std::array<std::byte, kSectorSize.value()> content;
  };
  Errno read(Bio& bio);
  Errno write(Bio& bio);
  Errno flush();
  Errno discard(Bio& bio);
  void copy_pending(DevPos pos, std::span<std::byte> out) const;
  void keep(const Bio& bio);
  void evict(Sector sector);
  Errno write_down(std::span<Slot> run);
  Errno pass_down(Bio& below);
  void add_slot(const Slot& slot);
  void drop_slot(size_t slot);
  void forget(Sector sector, SectorCount count);

  BlockDevice& medium_;
  DeviceInfo info_;
  Options options_;
  Prng prng_;
  std::vector<Slot> slots_;                     // pending sectors, in no order that means anything
  std::unordered_map<uint64_t, size_t> index_;  // sector -> slot; looked up, never walked
};

}  // namespace zerotail::sim
