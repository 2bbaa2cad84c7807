// A write ends in the middle, and the device says that it succeeded.
#include "fault_kinds.h"

namespace zerotail::fault {

namespace {

void act(const Strike& strike, DeviceState*, Fate* fate) {
  const sim::SectorCount half = strike.half();
  fate->done = half;
  // A single sector is torn inside, a longer write between sectors.
  fate->torn = half == sim::SectorCount{};
}

}  // namespace

const FaultKind kTornWrite{
    .name = "torn-write",
    .events = kOnWrite,
    .allowed = kOnWrite | kOnFua,
    .unit = AmountUnit::kNone,
    .amount = 0,
    .about = "a write ends in the middle and says that it succeeded",
    .strike = act,
};

}  // namespace zerotail::fault
