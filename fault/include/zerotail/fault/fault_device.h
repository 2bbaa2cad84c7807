// A device with faults, driven by a plan: it stands on top of another and spoils its requests.
//
// Each decision is a hash of the plan's seed, the rule, the operation under way and the sector: a
// request more or less elsewhere moves no other decision. Phases count the requests that match
// their rule, in order. Without a rule that strikes and without anything left behind, a request
// passes through untouched.
//
// Ownership: the device below and the loop must outlive it. A request that waits (a delay) lives in
// the device until it completes.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "zerotail/fault/fault_plan.h"
#include "zerotail/fault/faults.h"
#include "zerotail/sim/block_device.h"
#include "zerotail/sim/event_loop.h"

namespace zerotail::fault {

// A part of a volume by name: where it stands on the device, in bytes.
struct Region {
  struct Extent {
    sim::DevPos begin;
    sim::DevPos end;
  };
  std::string name;
  std::vector<Extent> extents;  // ascending, apart
};

// A fault that happened, for reports.
struct FaultHit {
  size_t rule = 0;
  EventSet events = 0;
  sim::Sector sector;
  uint64_t operation = 0;
};

class FaultDevice : public sim::BlockDevice {
 public:
  FaultDevice(sim::BlockDevice& below, sim::EventLoop& loop, FaultPlan plan);
  ~FaultDevice() override;

  [[nodiscard]] const sim::DeviceInfo& info() const override { return below_.info(); }
  void submit(sim::Bio& bio) override;

  // Where the regions stand from now on. EINVAL: a rule names a region that is not among them.
  sim::Status set_regions(std::vector<Region> regions);
  // The operation that the next requests belong to: its index for `op=`, and a key that stays the
  // same when operations around it go away.
  void set_operation(uint64_t index, uint64_t key);
  // Rules strike only while the device is armed, which it is from the start.
  void set_armed(bool armed) { armed_ = armed; }
  // The device as it is after its power was off: no rule strikes any more; rotten and bad sectors
  // stay.
  void replug();
  // Asked when the device turns up full: has this place ever been written? Default: nothing has.
  void set_allocated(std::function<bool(sim::Sector)> allocated);

  [[nodiscard]] const std::vector<FaultHit>& hits() const { return hits_; }
  [[nodiscard]] const DeviceState& state() const { return state_; }

 private:
  struct Rule;
  struct Request;

  [[nodiscard]] bool matches(Rule& rule, const sim::Bio& bio, EventSet events);
  [[nodiscard]] static std::optional<StrikePlace> place_of(const Rule& rule, const sim::Bio& bio);
  void strike(Rule& rule, const sim::Bio& bio, EventSet events, Fate* fate);
  void apply_state(const sim::Bio& bio, Fate* fate);
  void note_written(const sim::Bio& bio);
  void pass_on(sim::Bio& bio, const Fate& fate);
  void send(Request& request);
  void read_for_tear(Request& request);
  void spoil(const sim::Bio& bio) const;
  void finish(Request& request, sim::Errno status);
  void heal(sim::Sector begin, sim::Sector end);

  sim::BlockDevice& below_;
  sim::EventLoop& loop_;
  FaultPlan plan_;
  std::vector<std::unique_ptr<Rule>> rules_;
  std::vector<Region> regions_;
  std::function<bool(sim::Sector)> allocated_;
  DeviceState state_;
  bool armed_ = true;
  uint64_t operation_ = 0;
  uint64_t operation_key_ = 0;
  std::vector<FaultHit> hits_;
  std::vector<std::unique_ptr<Request>> requests_;  // under way
};

}  // namespace zerotail::fault
