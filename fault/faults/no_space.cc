// A thin device has no room left for places that were never written.
#include "fault_kinds.h"

namespace zerotail::fault {

namespace {

void act(const Strike&, DeviceState* state, Fate*) { state->full = true; }

}  // namespace

const FaultKind kNoSpace{
    .name = "no-space",
    .events = kOnWrite,
    .allowed = kOnWrite | kOnFua | kOnDiscard,
    .unit = AmountUnit::kNone,
    .amount = 0,
    .about = "from now on writes to places never written fail with ENOSPC, until a discard",
    .strike = act,
};

}  // namespace zerotail::fault
