// The device is pulled out.
#include "fault_kinds.h"

namespace zerotail::fault {

namespace {

void act(const Strike&, DeviceState* state, Fate*) { state->removed = true; }

}  // namespace

const FaultKind kRemoval{
    .name = "removal",
    .events = kOnRead | kOnWrite,
    .allowed = kOnRead | kOnWrite | kOnFlush | kOnDiscard | kOnFua,
    .unit = AmountUnit::kNone,
    .amount = 0,
    .about = "from now on everything fails with ENODEV",
    .strike = act,
};

}  // namespace zerotail::fault
