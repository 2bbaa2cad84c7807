// Sectors of a device as the checker wants them: read through bios once, then kept.
#pragma once

#include <array>
#include <map>

#include "zerotail/sim/sector_reader.h"
#include "zerotail/sim/world.h"

namespace zerotail::harness {

// Shows the device as it was when a sector was first asked for; make a new one for each look.
class DeviceReader : public sim::SectorReader {
 public:
  DeviceReader(sim::World& world, sim::BlockDevice& device) : world_(world), device_(device) {}

  [[nodiscard]] sim::SectorCount capacity() const override { return device_.info().capacity; }
  // A sector that cannot be read shows zeros and is remembered in status().
  [[nodiscard]] const std::byte* sector(sim::Sector sector) const override;
  [[nodiscard]] sim::Errno status() const { return status_; }

 private:
  static constexpr sim::SectorCount kBatch{8};  // one bio reads so many: a 4 KiB logical block
  using Block = std::array<std::byte, sim::bytes(kBatch).value()>;

  sim::World& world_;
  sim::BlockDevice& device_;
  mutable std::map<uint64_t, Block> blocks_;
  mutable sim::Errno status_ = sim::Errno::kOk;
};

}  // namespace zerotail::harness
