// A disk to recover on: reads come from any SectorReader, writes stay in memory on top of it.
#pragma once

#include <map>
#include <memory>
#include <unordered_map>
#include <vector>

#include "zerotail/sim/block_device.h"
#include "zerotail/sim/sector_reader.h"

namespace zerotail::fault {

class ScratchDisk : public sim::BlockDevice, public sim::SectorReader {
 public:
  ScratchDisk(const sim::SectorReader& below, const sim::DeviceInfo& info);
  [[nodiscard]] const sim::DeviceInfo& info() const override { return info_; }
  void submit(sim::Bio& bio) override;
  [[nodiscard]] sim::SectorCount capacity() const override { return info_.capacity; }
  [[nodiscard]] const std::byte* sector(sim::Sector sector) const override;
  // Forgets the writes.
  void reset() { written_.clear(); }
  // When set, every sector read through submit() is added (the recovery's read set).
  void record_reads(std::vector<sim::Sector>* into) { reads_ = into; }

 private:
  const sim::SectorReader& below_;
  sim::DeviceInfo info_;
  std::unordered_map<uint64_t, std::unique_ptr<std::byte[]>> written_;
  std::vector<sim::Sector>* reads_ = nullptr;
};

}  // namespace zerotail::fault
