// The core against the reference model, operation by operation, on one trace.
#pragma once

#include <optional>
#include <string>

#include "zerotail/harness/model.h"
#include "zerotail/harness/trace.h"
#include "zerotail/sim/units.h"

namespace zerotail::harness {

// The geometry of the volume that the header asks for. Errors as format_disk().
[[nodiscard]] sim::Result<ModelGeometry> fresh_geometry(const TraceHeader& header);

struct Disagreement {
  size_t op = 0;  // ops.size(): the final unmount, or mkfs and mount
  std::string text;
};

// Runs the trace on a fresh volume; the first answer that the model did not predict, or what the
// checker finds after the unmount (not where the trace crashes, edits or shuts down). With a
// request time every request of the disk takes so long, so that the flusher and direct writes that
// are not waited for run beside the operations that follow; stores through mappings may race then.
[[nodiscard]] std::optional<Disagreement> find_disagreement(const Trace& trace,
                                                            sim::Nanos request_time = sim::Nanos{
                                                                0});

// What makes two disagreements the same one: the operation's kind, what differs first, and, of a
// return value, the error that was got. "umount EIO", "read fnv", "write ret-28".
[[nodiscard]] std::string symptom(const Trace& trace, const Disagreement& disagreement);

// The smallest trace with a disagreement of the same symptom (minimise_trace.h). Returns the trace
// unchanged when there is none.
[[nodiscard]] Trace shrink_disagreement(Trace trace, sim::Nanos request_time = sim::Nanos{0});

}  // namespace zerotail::harness
