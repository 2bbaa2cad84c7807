// The kinds, one file each, for the table in fault/faults.cc. A new one is a file, a line here and
// a line there. Private to fault.
#pragma once

#include "zerotail/fault/faults.h"

namespace zerotail::fault {

extern const FaultKind kReadError;
extern const FaultKind kWriteError;
extern const FaultKind kFlushError;
extern const FaultKind kTornWrite;
extern const FaultKind kLostWrite;
extern const FaultKind kMisdirectedWrite;
extern const FaultKind kMisdirectedRead;
extern const FaultKind kBitRot;
extern const FaultKind kStuck;
extern const FaultKind kLatencySpike;
extern const FaultKind kBadSector;
extern const FaultKind kFlaky;
extern const FaultKind kPartial;
extern const FaultKind kReadOnly;
extern const FaultKind kRemoval;
extern const FaultKind kNoSpace;

// A strike: the bio fails and nothing of it is done.
void fail_with_eio(const Strike& strike, DeviceState* state, Fate* fate);

// The bio's place moved by the rule's `by`: forward, or backward where the device ends.
[[nodiscard]] sim::Sector displaced(const Strike& strike);

}  // namespace zerotail::fault
