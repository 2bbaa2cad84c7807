// Random traces over a few names, with positions at the boundaries where valid size, zero tails and
// holes go wrong. Small: the differential test's generator.
#pragma once

#include "zerotail/harness/model.h"
#include "zerotail/harness/trace.h"
#include "zerotail/sim/prng.h"

namespace zerotail::harness {

struct RandomTraceOptions {
  TraceHeader header;
  size_t length = 40;  // operations, before the final look at everything
  bool direct = true;  // O_DIRECT
  bool mapped = true;  // shared mappings
};

// The same options, geometry and generator state give the same trace. `geometry` is that of the
// fresh volume: positions are chosen by what the model says the files are.
[[nodiscard]] Trace random_trace(const RandomTraceOptions& options, const ModelGeometry& geometry,
                                 sim::Prng prng);

}  // namespace zerotail::harness
