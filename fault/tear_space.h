// Which tears a device can leave: how many, which one is valid, where it lies. Private to fault.
//
// One place a state at most is torn: a power failure interrupts one program operation. Without a
// tear in the options the space is empty.
#pragma once

#include <cstdint>
#include <vector>

#include "zerotail/fault/crash_model.h"

namespace zerotail::fault {

class TearSpace {
 public:
  // Bytes on the device.
  struct Extent {
    sim::DevPos begin;
    sim::DevPos end;
  };

  TearSpace(const CrashModelOptions& options, sim::SectorCount capacity);
  [[nodiscard]] bool empty() const { return !tears_units() && !damages_blocks(); }
  [[nodiscard]] bool tears_units() const { return options_.tear_word != sim::ByteCount{}; }
  [[nodiscard]] bool damages_blocks() const { return options_.damage_block != sim::ByteCount{}; }

  // Whether a unit has a version below `limit` that is being written.
  [[nodiscard]] bool written(const Segment& segment, const Unit& unit, uint32_t limit) const;
  // Tears for each choice of picks, with the versions below `limit`: the same for every choice.
  [[nodiscard]] uint64_t count(const Segment& segment, uint32_t limit) const;
  // What one more unit that is written, with n versions, adds (tears_units), or one more block.
  [[nodiscard]] uint64_t count_of_unit(const Unit& unit, uint64_t versions) const;
  [[nodiscard]] uint64_t count_of_block(uint64_t block) const;
  [[nodiscard]] uint64_t block_of(sim::Sector sector) const;
  // Blocks of which a unit is being written below `limit`, ascending.
  [[nodiscard]] std::vector<uint64_t> blocks(const Segment& segment, uint32_t limit) const;

  // Words of a unit, or grains of a block (the last block of a disk may have fewer).
  [[nodiscard]] uint32_t parts(const Segment& segment, uint64_t place) const;
  // Every tear that the picks of a state allow, with the versions below `limit`.
  [[nodiscard]] std::vector<Tear> all(const Segment& segment, const std::vector<uint16_t>& picks,
                                      uint32_t limit) const;
  // Why this is no tear of these picks, or nullptr. Of the two ways to write a unit of which a
  // first and a last part differ, the one that names the first part is the valid one.
  [[nodiscard]] const char* refuse(const Segment& segment, const std::vector<uint16_t>& picks,
                                   uint32_t limit, const Tear& tear) const;
  [[nodiscard]] Extent extent(const Segment& segment, const Tear& tear) const;

 private:
  const CrashModelOptions& options_;
  sim::SectorCount capacity_;
};

}  // namespace zerotail::fault
