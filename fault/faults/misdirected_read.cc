// A read answers with what stands elsewhere.
#include "fault_kinds.h"

namespace zerotail::fault {

namespace {

void act(const Strike& strike, DeviceState*, Fate* fate) { fate->elsewhere = displaced(strike); }

}  // namespace

const FaultKind kMisdirectedRead{
    .name = "misdirected-read",
    .events = kOnRead,
    .allowed = kOnRead,
    .unit = AmountUnit::kSectors,
    .amount = 8,
    .about = "a read answers with what stands by= sectors further on",
    .strike = act,
};

}  // namespace zerotail::fault
