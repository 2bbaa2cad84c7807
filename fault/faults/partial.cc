// A request is done in part and fails: what was done stays done.
#include "fault_kinds.h"

namespace zerotail::fault {

namespace {

void act(const Strike& strike, DeviceState*, Fate* fate) {
  fate->done = strike.half();
  fate->status = sim::Errno::kIo;
}

}  // namespace

const FaultKind kPartial{
    .name = "partial",
    .events = kOnRead | kOnWrite,
    .allowed = kOnRead | kOnWrite | kOnFlush | kOnDiscard | kOnFua,
    .unit = AmountUnit::kNone,
    .amount = 0,
    .about = "the first half of a request is done, then it fails with EIO",
    .strike = act,
};

}  // namespace zerotail::fault
