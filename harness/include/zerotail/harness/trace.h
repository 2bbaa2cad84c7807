// The operation trace: JSON lines, a header and one operation a line (docs/TRACE.md).
//
// One table (trace_table.cc) maps every operation's name to its kind and its fields; parsing,
// printing and help follow from it. Invariant: parse(print(trace)) == trace. An optional field
// that has its default value is not printed.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "zerotail/sim/result.h"

namespace zerotail::harness {

inline constexpr uint8_t kDefaultPoison = 0xDB;

// Options of mkfs that a header can ask for; see exfat::MkfsOptions.
struct MkfsSpec {
  std::string label;
  uint64_t boundary_align = 0;  // bytes; 0: mkfs's default
  bool pack_bitmap = false;
  bool full_format = false;
  uint32_t fats = 1;
  std::optional<uint32_t> serial;
  bool operator==(const MkfsSpec&) const = default;
};

struct TraceHeader {
  std::string trace;  // its name
  uint32_t version = 1;
  uint64_t sector = 512;  // B: the volume's sector
  uint64_t logical = 0;   // L: the device's; 0: as sector
  uint64_t cluster = 4096;
  uint64_t size_mib = 16;
  bool keep = true;  // false: everything of a path is closed after each operation
  uint64_t page = 4096;
  std::string folios = "single";   // or "large": folios of several pages
  std::string io_path = "iomap";   // or "buffer-head"
  std::vector<std::string> mount;  // of ro, sync, dirsync, discard
  std::string ordering = "linux";  // or "careful", or rules (exfat/ordering.h)
  std::string preset;              // a disk's name; empty: none
  uint64_t seed = 1;
  uint64_t start_time = 1767225600;  // seconds since 1970 at virtual time 0
  // The flusher, as vm.dirty_*: when it writes what, and above how many dirty bytes it writes at
  // once or makes writers wait (0: no limits).
  uint64_t dirty_expire_ms = 30'000;
  uint64_t dirty_writeback_ms = 5'000;
  uint64_t dirty_background_bytes = uint64_t{1638} << 20;
  uint64_t dirty_bytes = uint64_t{3276} << 20;
  std::string faults;  // a fault plan (fault/fault_plan.h); empty: none
  std::string schedule;
  MkfsSpec mkfs;
  uint8_t poison = kDefaultPoison;  // what the disk holds before mkfs
  std::string about;                // one sentence for people
  uint64_t setup = 0;  // operations that only prepare the volume: not explored, then unmounted

  [[nodiscard]] uint64_t logical_block() const { return logical == 0 ? sector : logical; }
  bool operator==(const TraceHeader&) const = default;
};

enum class OpKind : uint8_t {
  kCreate,
  kMkdir,
  kUnlink,
  kUnlinkKeep,
  kRmdir,
  kRename,
  kWrite,
  kDwrite,
  kMwrite,
  kAppend,
  kRead,
  kDread,
  kMread,
  kTruncate,
  kFallocate,
  kFsync,
  kFdatasync,
  kMsync,
  kMunmap,
  kClose,
  kSync,
  kDropCaches,
  kRemount,
  kSeekHole,
  kSeekData,
  kSeekEnd,
  kStat,
  kStatfs,
  kList,
  kDirent,
  kRawRead,
  kReaddir,
  kOpenSync,
  kFsyncDir,
  kSyncfs,
  kWriteback,
  kSleep,
  kRemountRo,
  kRemountRw,
  kLabel,
  kAttributes,
  kFitrim,
  kShutdown,
  kBmap,
  kMap,
  kSwapMap,
  kEdit,
  kCrash,
  kWait,
};
inline constexpr size_t kOpKindCount = static_cast<size_t>(OpKind::kWait) + 1;

// Bits of Operation::mode, per kind.
inline constexpr uint32_t kCreateExclusive = 1;
inline constexpr uint32_t kCreateTruncate = 2;
inline constexpr uint32_t kRenameNoReplace = 1;
inline constexpr uint32_t kRenameExchange = 2;
inline constexpr uint32_t kQueryOnly = 1;     // label, attributes: set nothing, only tell
inline constexpr uint32_t kOpenSync = 1;      // open_sync: O_SYNC
inline constexpr uint32_t kOpenDataSync = 2;  // open_sync: O_DSYNC

// One operation. Which fields mean something depends on the kind (the table says); the others keep
// their defaults. Positions are signed: a trace may ask for what a kernel refuses.
struct Operation {
  OpKind kind = OpKind::kSync;
  std::string path{};  // below the root, without a leading slash; "" is the root
  std::string to{};
  uint32_t mode = 0;
  int64_t off = 0;
  int64_t len = 0;
  int64_t size = 0;                                 // truncate; fitrim: the shortest run
  uint64_t seed = 0;                                // of the data pattern
  uint32_t moff = 0;                                // misalignment of the memory of direct I/O
  uint64_t pos = 0;                                 // readdir
  int64_t value = 0;                                // attributes, edit
  std::string text{};                               // label; edit: the field's name; crash: a state
  std::optional<std::vector<std::string>> mount{};  // remount: new options
  std::optional<uint64_t> fault_at{};               // the source buffer faults at this byte
  bool no_invalidate = false;                       // the cache refuses to be invalidated
  std::optional<uint32_t> task{};                   // which deterministic task issues it
  bool async = false;                               // do not wait for a direct write

  bool operator==(const Operation&) const = default;
};

struct Trace {
  TraceHeader header;
  std::vector<Operation> ops;
  bool operator==(const Trace&) const = default;
};

[[nodiscard]] std::string_view op_name(OpKind kind);
// True for operations that change what is on the volume (data, sizes, names).
[[nodiscard]] bool op_changes(OpKind kind);

// `file` is only for messages. Errors are EINVAL and name file, line and key:
// "a.trace:3: key \"len\": ...".
[[nodiscard]] sim::Result<Trace> parse_trace(std::string_view text, const std::string& file);
[[nodiscard]] sim::Result<TraceHeader> parse_header(std::string_view line,
                                                    const std::string& place);
[[nodiscard]] sim::Result<Operation> parse_operation(std::string_view line,
                                                     const std::string& place);
// Reads a file, a trace or a workload in J-lang (jlang.h); also ENOENT, EIO and so on, naming it.
[[nodiscard]] sim::Result<Trace> load_trace(const std::string& path);

[[nodiscard]] std::string print_header(const TraceHeader& header);
[[nodiscard]] std::string print_operation(const Operation& op);
[[nodiscard]] std::string print_trace(const Trace& trace);  // ends with a newline

// One line an operation: name, fields (optional ones in brackets), what it does.
[[nodiscard]] std::string trace_help();

}  // namespace zerotail::harness
