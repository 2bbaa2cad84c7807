// A read fails. Nothing is left behind: the next read of the sector can succeed.
#include "fault_kinds.h"

namespace zerotail::fault {

const FaultKind kReadError{
    .name = "read-error",
    .events = kOnRead,
    .allowed = kOnRead,
    .unit = AmountUnit::kNone,
    .amount = 0,
    .about = "a read fails with EIO",
    .strike = fail_with_eio,
};

}  // namespace zerotail::fault
