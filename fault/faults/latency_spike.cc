// A request takes long, and succeeds.
#include "fault_kinds.h"

namespace zerotail::fault {

namespace {

void act(const Strike& strike, DeviceState*, Fate* fate) {
  fate->delay = sim::Nanos{strike.rule.kind->amount_of(strike.rule)};
}

}  // namespace

const FaultKind kLatencySpike{
    .name = "latency-spike",
    .events = kOnRead | kOnWrite,
    .allowed = kOnRead | kOnWrite | kOnFlush | kOnDiscard | kOnFua,
    .unit = AmountUnit::kTime,
    .amount = 200000000,
    .about = "a request takes by= (200 ms) longer",
    .strike = act,
};

}  // namespace zerotail::fault
