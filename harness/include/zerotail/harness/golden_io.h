// Golden I/O: what a real kernel wrote and flushed while it ran a trace, the same of the core, and
// the comparison of the two (tests/golden/io/README.md has the format and the rule).
//
// An entry is one request. It is compared by what it changed on the volume, not by its bytes:
// VolumeFlags, FAT entries, bitmap bits, dentry sets with their fields, and which sectors it wrote
// (data sectors with their kind of content). Time stamps are not compared, only that they changed.
#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "zerotail/harness/trace.h"

namespace zerotail::harness {

// A place on the volume that a write can change.
struct GoldenPlace {
  enum class Kind : uint8_t { kVolumeFlags, kFat, kBitmap, kSet, kSector, kDiscard };
  Kind kind = Kind::kSector;
  std::string where;    // sets: the directory's path, "" is the root
  uint64_t number = 0;  // cluster, first entry of the set, or sector
  auto operator<=>(const GoldenPlace&) const = default;
};
using GoldenChanges = std::map<GoldenPlace, std::string>;

struct GoldenEntry {
  enum class Kind : uint8_t {
    kWrite,
    kDiscard,
    kBarrier,  // PREFLUSH and FUA
    kFlush,
  };
  Kind kind = Kind::kWrite;
  bool data = false;  // nothing but file data
  GoldenChanges changes;
  uint64_t submitted = 0;  // events of the core's log; 0 in recordings
  uint64_t completed = 0;
};

struct GoldenIoStep {
  enum class Kind : uint8_t {
    kOperation,
    kMount,
    kUmount,
    kSetDirty,         // VolumeDirty is set by hand while nothing is mounted
    kFlusherExpire,    // dirty_expire_centisecs: the age at which the flusher takes things
    kFlusherInterval,  // dirty_writeback_centisecs: how often it wakes
  };
  Kind kind = Kind::kOperation;
  Operation op;
  int64_t centiseconds = 0;
  std::string text;  // as recorded
};

struct GoldenIoRun {
  std::vector<int64_t> ret;                  // one a step
  std::vector<std::vector<GoldenEntry>> io;  // one a step, and one more: the final umount
};

struct GoldenIoTrace {
  TraceHeader header;
  std::vector<GoldenIoStep> steps;
  std::set<std::string> varies;  // kernels that group the requests differently from run to run
  std::map<std::string, GoldenIoRun> kernels;
  [[nodiscard]] bool has_flusher() const;
};

// One line of a golden I/O file. EINVAL naming `place` and the key.
[[nodiscard]] sim::Result<GoldenIoTrace> parse_golden_io(std::string_view line,
                                                         const std::string& place);

// The core's run: on a disk whose requests take time, so that waiting shows, and with 30 ms between
// the operations. An error is one of format, mount or umount.
[[nodiscard]] sim::Result<GoldenIoRun> run_golden_io(const GoldenIoTrace& trace);

// Empty when the runs agree; else, for each operation that differs, what both wrote. `kernel` names
// the recording in trace.kernels.
[[nodiscard]] std::string golden_io_difference(const GoldenIoTrace& trace,
                                               const std::string& kernel, const GoldenIoRun& got);

// One line, for people: "write fat 10 = EOF; sector 2048".
[[nodiscard]] std::string print_golden_entry(const GoldenEntry& entry);

}  // namespace zerotail::harness
