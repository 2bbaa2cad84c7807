// The device turns read-only, as worn flash does.
#include "fault_kinds.h"

namespace zerotail::fault {

namespace {

void act(const Strike&, DeviceState* state, Fate*) { state->read_only = true; }

}  // namespace

const FaultKind kReadOnly{
    .name = "read-only",
    .events = kOnWrite,
    .allowed = kOnWrite | kOnFua | kOnDiscard,
    .unit = AmountUnit::kNone,
    .amount = 0,
    .about = "from now on writes and discards fail with EIO",
    .strike = act,
};

}  // namespace zerotail::fault
