// A write or discard fails and nothing of it reaches the medium.
#include "fault_kinds.h"

namespace zerotail::fault {

namespace {

void act(const Strike&, DeviceState*, Fate* fate) {
  fate->pass = false;
  fate->status = sim::Errno::kIo;
}

}  // namespace

const FaultKind kWriteError{
    .name = "write-error",
    .events = kOnWrite,
    .allowed = kOnWrite | kOnFua | kOnDiscard,
    .unit = AmountUnit::kNone,
    .amount = 0,
    .about = "a write fails with EIO and changes nothing",
    .strike = act,
};

}  // namespace zerotail::fault
