// A window in which everything fails, as with a loose cable.
#include <algorithm>

#include "fault_kinds.h"

namespace zerotail::fault {

namespace {

void act(const Strike& strike, DeviceState* state, Fate*) {
  state->failing_requests =
      std::max(state->failing_requests, strike.rule.kind->amount_of(strike.rule));
}

}  // namespace

const FaultKind kFlaky{
    .name = "flaky",
    .events = kOnRead | kOnWrite,
    .allowed = kOnRead | kOnWrite | kOnFlush | kOnDiscard | kOnFua,
    .unit = AmountUnit::kRequests,
    .amount = 3,
    .about = "this and the next requests, by= (3) in all, fail with EIO",
    .strike = act,
};

}  // namespace zerotail::fault
