// A disk to recover on: reads come from any SectorReader, writes stay in memory on top of it. All
// completes at once and is durable at once; a discard leaves the content as it is.
//
// The reader below must outlive the disk. When the reader shows another crash state, call reset().
#pragma once

#include <cstddef>
#include <cstdint>
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
  void read_bio(const sim::Bio& bio);
  void write_bio(const sim::Bio& bio);
  std::byte* writable(sim::Sector sector);

  const sim::SectorReader& below_;
  sim::DeviceInfo info_;
  std::unordered_map<uint64_t, std::unique_ptr<std::byte[]>> written_;
  std::vector<sim::Sector>* reads_ = nullptr;
};

}  // namespace zerotail::fault
