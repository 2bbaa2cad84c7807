// A write or discard fails and nothing of it reaches the medium.
#include "fault_kinds.h"

namespace zerotail::fault {

const FaultKind kWriteError{
    .name = "write-error",
    .events = kOnWrite,
    .allowed = kOnWrite | kOnFua | kOnDiscard,
    .unit = AmountUnit::kNone,
    .amount = 0,
    .about = "a write fails with EIO and changes nothing",
    .strike = fail_with_eio,
};

}  // namespace zerotail::fault
