// A write lands elsewhere: its own sectors keep what they held, and others lose it.
#include "fault_kinds.h"

namespace zerotail::fault {

namespace {

void act(const Strike& strike, DeviceState*, Fate* fate) { fate->elsewhere = displaced(strike); }

}  // namespace

const FaultKind kMisdirectedWrite{
    .name = "misdirected-write",
    .events = kOnWrite,
    .allowed = kOnWrite | kOnFua,
    .unit = AmountUnit::kSectors,
    .amount = 8,
    .about = "a write lands by= sectors further on and says that it succeeded",
    .strike = act,
};

}  // namespace zerotail::fault
