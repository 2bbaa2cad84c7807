// The fault atlas: what becomes of a fault, for every structure of the volume and every kind.
//
// One workload runs once without faults; its answers and the volume that it leaves are the truth.
// Then it runs again and again, each time with one fault on the n-th request that touches one
// structure. A failed operation is tried once more, as a caller would; at the end the device is
// plugged in anew, mounted cold, read whole and checked.
//
//   masked      no operation failed, every answer and the volume at the end are right
//   recovered   an operation failed; after its second try everything is right
//   detected    an operation failed, at the latest when all is read at the end, and what it was
//               about stayed undone or is damaged
//   silent      an answer was wrong, or the volume is, in something that no operation failed on
//
// Failing means an I/O error (EIO, ENOSPC, ENODEV, EROFS, ENXIO) or a short write; ENOENT for a
// file that should be there is a wrong answer. A failure covers its path, what lies above and below
// it; one of mount, umount or sync covers all. Of damage that only the checker sees, any failure
// before it counts as the warning.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "zerotail/fault/fault_device.h"
#include "zerotail/fault/fault_plan.h"
#include "zerotail/fault/faults.h"
#include "zerotail/harness/op_result.h"
#include "zerotail/harness/trace.h"
#include "zerotail/sim/mem_disk.h"

namespace zerotail::harness {

enum class FaultOutcome : uint8_t { kNotReached, kMasked, kRecovered, kDetected, kSilent };
inline constexpr size_t kFaultOutcomes = 5;
[[nodiscard]] const char* name(FaultOutcome outcome);

struct AtlasCase {
  std::string plan;
  FaultOutcome outcome = FaultOutcome::kNotReached;
  std::string detail;  // what was wrong, or what failed; empty: nothing
};

// One structure under one kind of fault: how many of its cases came out how.
struct AtlasCell {
  std::string structure;
  const fault::FaultKind* kind = nullptr;
  std::array<uint64_t, kFaultOutcomes> counts{};
  AtlasCase worst;  // the first of the worst outcome
};

struct AtlasOptions {
  uint64_t cases_per_cell = 8;          // the first so many requests
  std::vector<std::string> structures;  // empty: all
  std::vector<std::string> kinds;       // empty: all
};

// The workload that comes with the atlas.
[[nodiscard]] Trace atlas_trace();
// The structures that the atlas looks at, in its order.
[[nodiscard]] const std::vector<std::string>& atlas_structures();

class AtlasRunner {
 public:
  // Runs the trace without faults. An error: it fails even so.
  [[nodiscard]] static sim::Result<AtlasRunner> create(Trace trace);
  [[nodiscard]] AtlasCase run(const fault::FaultPlan& plan) const;
  // EINVAL: no such structure or kind.
  [[nodiscard]] sim::Result<std::vector<AtlasCell>> run_all(const AtlasOptions& options) const;

 private:
  friend class AtlasRun;
  AtlasRunner() = default;
  [[nodiscard]] bool holds_something(sim::Sector sector) const;

  Trace trace_;  // its operations are those after the setup
  sim::Snapshot base_;
  std::vector<fault::Region> regions_;  // at the start or at the end
  std::vector<OpResult> answers_;
  std::vector<Operation> verify_;  // reads the whole volume at the end
  std::vector<OpResult> verified_;
};

}  // namespace zerotail::harness
