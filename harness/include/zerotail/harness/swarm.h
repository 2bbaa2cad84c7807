// Swarm testing: each run of the property driver draws its own volume, mount, page cache and
// weights first, so that some runs do without what would hide a bug in the others (Groce et al.,
// "Swarm Testing", 2012).
#pragma once

#include <string>

#include "zerotail/harness/random_trace.h"

namespace zerotail::harness {

// Geometry: (sector, cluster, logical sector) of (512,512,512), (512,4096,512), (512,32768,512),
// (4096,4096,4096), (4096,32768,512), small volumes. A quarter of all operations is left out of a
// run; the weights of the others are multiplied by up to 8. `io_path` as in a header; empty: drawn,
// mostly iomap.
[[nodiscard]] RandomTraceOptions swarm(uint64_t seed, size_t operations,
                                       const std::string& io_path = {});

// The geometry of a header as text: "512/4096/512".
[[nodiscard]] std::string geometry_name(const TraceHeader& header);

}  // namespace zerotail::harness
