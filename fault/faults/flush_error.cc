// A flush fails, and so does a write with PREFLUSH: neither flush nor write is done.
#include "fault_kinds.h"

namespace zerotail::fault {

namespace {

void act(const Strike&, DeviceState*, Fate* fate) {
  fate->pass = false;
  fate->status = sim::Errno::kIo;
}

}  // namespace

const FaultKind kFlushError{
    .name = "flush-error",
    .events = kOnFlush,
    .allowed = kOnFlush,
    .unit = AmountUnit::kNone,
    .amount = 0,
    .about = "a flush fails with EIO and flushes nothing",
    .strike = act,
};

}  // namespace zerotail::fault
