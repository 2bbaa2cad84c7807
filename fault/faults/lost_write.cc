// A write never reaches the medium, and the device says that it succeeded.
#include "fault_kinds.h"

namespace zerotail::fault {

namespace {

void act(const Strike&, DeviceState*, Fate* fate) { fate->pass = false; }

}  // namespace

const FaultKind kLostWrite{
    .name = "lost-write",
    .events = kOnWrite,
    .allowed = kOnWrite | kOnFua,
    .unit = AmountUnit::kNone,
    .amount = 0,
    .about = "a write never happens and says that it succeeded",
    .strike = act,
};

}  // namespace zerotail::fault
