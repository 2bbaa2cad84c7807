// A flush fails, and so does a write with PREFLUSH: neither flush nor write is done.
#include "fault_kinds.h"

namespace zerotail::fault {

const FaultKind kFlushError{
    .name = "flush-error",
    .events = kOnFlush,
    .allowed = kOnFlush,
    .unit = AmountUnit::kNone,
    .amount = 0,
    .about = "a flush fails with EIO and flushes nothing",
    .strike = fail_with_eio,
};

}  // namespace zerotail::fault
