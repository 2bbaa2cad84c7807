// One run of a workload on a simulated disk, with everything that judging its crash states needs:
// the disk before it, the log of what was written, and the history of what was promised.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "zerotail/fault/crash_model.h"
#include "zerotail/fault/fault_plan.h"
#include "zerotail/harness/history.h"
#include "zerotail/harness/repro_id.h"
#include "zerotail/harness/trace.h"
#include "zerotail/sim/io_log.h"
#include "zerotail/sim/mem_disk.h"
#include "zerotail/sim/world.h"

namespace zerotail::harness {

// Marks that a recording puts into the log; the id is the operation's number in the history.
inline constexpr uint32_t kMarkIssued = 1;
inline constexpr uint32_t kMarkReturned = 2;

// A disagreement between the core's answer and the model's prediction, before any crash.
struct WrongAnswer {
  size_t op = 0;
  std::string path;
  std::string text;
};

struct Recording {
  Trace trace;  // its operations are those after the setup
  DeviceConfig device;
  sim::Snapshot base;                 // the disk when the log begins: cleanly unmounted
  std::unique_ptr<sim::World> world;  // the log lives on its clock
  std::unique_ptr<sim::MemDisk> medium;
  std::unique_ptr<sim::IoLog> log;
  std::unique_ptr<History> history;
  std::vector<uint32_t> promise_marks;  // marks in the log at which a promise was made
  std::vector<WrongAnswer> wrong_answers;
  uint64_t requests = 0;  // writes and discards in the log
  uint64_t flushes = 0;   // flushes and PREFLUSHes
  size_t faults_hit = 0;  // requests that a fault plan spoilt
};

struct RecordOptions {
  DeviceConfig device;
  volume::IoPath io_path = volume::IoPath::kIomap;
  volume::Ordering ordering = volume::Ordering::kLinux;
  CacheConfig cache;
  uint64_t seed = 1;
  // An existing volume to start from instead of the one that the header asks for.
  std::optional<sim::Snapshot> image;
  // Spoils the requests behind the setup. The first operation that fails where the model says that
  // it succeeds is the last one: the power fails while it is under way.
  std::optional<fault::FaultPlan> faults{};
  bool keep_free = false;  // an image's free clusters keep their content instead of poison
};

// Runs the first `setup` operations of the trace, unmounts, then records the rest and the final
// unmount. Errors: the volume cannot be made, mounted or imported (where() names what); EINVAL: a
// crash, an edit or a shutdown behind the setup.
[[nodiscard]] sim::Result<Recording> record(const Trace& trace, size_t setup,
                                            const RecordOptions& options);

// The model of a volume as it stands on a disk. EINVAL: the checker cannot mount it.
[[nodiscard]] sim::Result<Model> import_model(const sim::SectorReader& disk,
                                              const TraceHeader& header, uint64_t clusters_free);

// Operations issued and returned at a point of the log.
struct OpCounts {
  size_t issued = 0;
  size_t returned = 0;
  bool operator==(const OpCounts&) const = default;
};
[[nodiscard]] OpCounts op_counts(const Recording& recording, uint64_t event);

}  // namespace zerotail::harness
