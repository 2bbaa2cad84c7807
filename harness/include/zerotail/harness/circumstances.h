// On whose word something was expected that is not there, and what was done last to the thing it is
// about: what tells one way to fail from another that looks alike.
//
// Taken from the history of the run at the crash point, not from the state: two states that break
// the same promise at the same moment have the same circumstances.
#pragma once

#include "zerotail/harness/finding.h"
#include "zerotail/harness/recording.h"

namespace zerotail::harness {

// `counts`: operations issued and returned at the crash point. The promise is given for contracts
// that are about promises (durable, contained, sync-mount, reachable): the name of the operation
// that made the newest one that had returned, "start" when nothing but the start did. The touch is
// the name of the last operation issued that changed the file since (for other contracts: at all);
// for a directory also one below it; for what is no file the last that changes anything. Of
// `answers`: the operation that answered wrong.
[[nodiscard]] Circumstances circumstances(const Recording& recording, OpCounts counts,
                                          const Violation& violation);

}  // namespace zerotail::harness
