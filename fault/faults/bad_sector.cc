// A sector goes bad: reads of it fail until a write lets the device remap it.
#include "fault_kinds.h"

namespace zerotail::fault {

namespace {

void act(const Strike& strike, DeviceState* state, Fate*) {
  state->bad.insert(strike.place.sector.value());
}

}  // namespace

const FaultKind kBadSector{
    .name = "bad-sector",
    .events = kOnRead,
    .allowed = kOnRead,
    .unit = AmountUnit::kNone,
    .amount = 0,
    .about = "a sector cannot be read (EIO) until it is written, which remaps it",
    .strike = act,
};

}  // namespace zerotail::fault
