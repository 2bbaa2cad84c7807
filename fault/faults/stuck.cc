// A request gets no answer: the host gives up after its time-out, and nothing was done.
#include "fault_kinds.h"

namespace zerotail::fault {

namespace {

void act(const Strike& strike, DeviceState*, Fate* fate) {
  fate->pass = false;
  fate->status = sim::Errno::kIo;
  fate->delay = sim::Nanos{strike.rule.kind->amount_of(strike.rule)};
}

}  // namespace

const FaultKind kStuck{
    .name = "stuck",
    .events = kOnRead | kOnWrite,
    .allowed = kOnRead | kOnWrite | kOnFlush | kOnDiscard | kOnFua,
    .unit = AmountUnit::kTime,
    .amount = 30000000000,
    .about = "a request gets no answer and is aborted with EIO after by= (30 s)",
    .strike = act,
};

}  // namespace zerotail::fault
