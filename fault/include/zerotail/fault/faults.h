// The kinds of faults: one file each in fault/faults/, one table in fault/faults.cc.
//
// A kind says what becomes of one request that its rule strikes (`strike`), and may leave something
// behind in the device's state: a rotten bit, a bad sector, a device that is gone. What was left
// behind acts on later requests without a rule; fault_device.cc does that.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string_view>
#include <vector>

#include "zerotail/fault/fault_plan.h"
#include "zerotail/sim/bio.h"

namespace zerotail::fault {

// What outlives the request that was struck. "Replugged" is what the device is after its power was
// off: whole again, with what stands on the medium.
struct DeviceState {
  std::map<uint64_t, uint32_t> rotten;  // sector -> the bit that reads wrong, until it is written
  std::set<uint64_t> bad;               // sectors that cannot be read until they are written
  uint64_t failing_requests = 0;        // that many more fail
  bool read_only = false;               // until replugged
  bool removed = false;                 // until replugged
  bool full = false;                    // no new chunks, until a discard or replugged
};

// What becomes of one request.
struct Fate {
  bool pass = true;                        // false: the device below never sees it
  sim::Errno status = sim::Errno::kOk;     // kOk: what the device below answers
  std::optional<sim::SectorCount> done{};  // only so many sectors, from the first
  bool torn = false;                       // and the first half of the block behind them
  std::optional<sim::Sector> elsewhere{};  // other sectors than asked for
  sim::Nanos delay{};
};

// Of the request's sectors the first that the rule is about, and which of its bits those are.
struct StrikePlace {
  sim::Sector sector;
  uint32_t first_bit = 0;
  uint32_t bit_count = 1;
};

struct Strike {
  const sim::Bio& bio;
  const FaultRule& rule;
  StrikePlace place;
  sim::SectorCount block;  // the device's logical block
  sim::SectorCount capacity;
  uint64_t draw = 0;  // a hash of seed, rule, operation and sector
  // The first half of the request, cut at a block: none of a request of one block.
  [[nodiscard]] sim::SectorCount half() const { return block * (bio.count / block / 2); }
};

enum class AmountUnit : uint8_t { kNone, kSectors, kRequests, kTime };

struct FaultKind {
  std::string_view name;
  EventSet events;   // what it strikes when the rule does not say
  EventSet allowed;  // what it can strike
  AmountUnit unit;
  uint64_t amount;  // default of `by`
  std::string_view about;
  void (*strike)(const Strike& strike, DeviceState* state, Fate* fate);
  [[nodiscard]] uint64_t amount_of(const FaultRule& rule) const {
    return rule.amount.value_or(amount);
  }
};

[[nodiscard]] std::span<const FaultKind* const> fault_kinds();
[[nodiscard]] const FaultKind* fault_kind(std::string_view name);  // nullptr: none

}  // namespace zerotail::fault
