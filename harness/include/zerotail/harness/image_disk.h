// An existing volume as the disk under a trace. The image itself is never written: the disk shares
// its chunks and copies what changes.
#pragma once

#include "zerotail/harness/trace.h"
#include "zerotail/sim/mem_disk.h"

namespace zerotail::harness {

// A disk over the image. Its geometry replaces what the header says of it; unless `keep_free`, the
// clusters that the bitmap calls free are filled with the header's poison, so that stale bytes can
// be told from data. EINVAL: no volume that could be mounted; where() says why.
[[nodiscard]] sim::Result<sim::MemDisk> image_disk(const sim::Snapshot& image, bool keep_free,
                                                   TraceHeader* header);

}  // namespace zerotail::harness
