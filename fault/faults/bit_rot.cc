// A bit of a sector has flipped on the medium: every read shows it, until the sector is written.
#include "fault_kinds.h"

namespace zerotail::fault {

namespace {

void act(const Strike& strike, DeviceState* state, Fate*) {
  const auto bit = static_cast<uint32_t>(strike.draw % strike.place.bit_count);
  state->rotten.try_emplace(strike.place.sector.value(), strike.place.first_bit + bit);
}

}  // namespace

const FaultKind kBitRot{
    .name = "bit-rot",
    .events = kOnRead,
    .allowed = kOnRead,
    .unit = AmountUnit::kNone,
    .amount = 0,
    .about = "a bit of the sector reads wrong, the same on each read, until the sector is written",
    .strike = act,
};

}  // namespace zerotail::fault
