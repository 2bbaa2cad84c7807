// Logs of dm-log-writes, version 1: what a device was told to write, flush and discard, in order.
// The kernel's device-mapper target writes them, QEMU's blklogwrites driver writes the same format.
//
//   super block   one log sector, little-endian: u64 magic, u64 version, u64 number of entries,
//                 u32 bytes a log sector; zeros
//   entry         one log sector: u64 sector, u64 sectors, u64 flags, u64 length of the mark's
//   text,
//                 that text, zeros; then the data of its sectors, unless it is a discard
//
// Sectors in the file count in log sectors, which are the recorded device's logical blocks; here
// they are sim's. The file says nothing of when a write was submitted or completed: the kernel logs
// a write when the first flush after its completion is submitted and a FUA write when it completes,
// QEMU logs writes as they come. What stands in the log before a flush is covered by it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "zerotail/sim/digest.h"
#include "zerotail/sim/event_loop.h"
#include "zerotail/sim/io_log.h"
#include "zerotail/sim/result.h"
#include "zerotail/sim/units.h"

namespace zerotail::fault {

// The mark with which the kernel closes a log.
inline constexpr std::string_view kLogEndMark = "dm-log-writes-end";

struct LogWritesEntry {
  bool flush = false;  // with data: a flush, then the write
  bool fua = false;
  bool discard = false;
  bool metadata = false;
  bool is_mark = false;
  sim::Sector sector;
  sim::SectorCount count;
  std::string mark;             // is_mark: its text
  std::vector<std::byte> data;  // a write's: count * 512 bytes
  sim::DevPos place;            // where it stood in the file it was read from
  bool operator==(const LogWritesEntry&) const = default;
};

struct LogWrites {
  sim::ByteCount sector_size{512};  // a power of two, 512 to 64 KiB
  std::vector<LogWritesEntry> entries;
  // Entries that stand behind those that the super block counts, when they were not asked for: the
  // recorder was killed, or the log file held an older log.
  size_t uncounted = 0;
};

struct LogReadOptions {
  // The recorded device; an entry beyond it is an error.
  std::optional<sim::SectorCount> capacity{};
  // Take what stands behind the counted entries, as long as it reads as entries.
  bool scan = false;
};
// EINVAL: no log, another version, a strange sector size, an entry that is cut off, beyond the
// device or makes no sense. where() names `name`, the entry (from 0) and its byte in the file.
[[nodiscard]] sim::Result<LogWrites> parse_log_writes(std::string_view content,
                                                      const std::string& name,
                                                      const LogReadOptions& options);
// The file's content. EINVAL: an entry that is not aligned to the log's sectors, a mark too long.
[[nodiscard]] sim::Result<std::string> print_log_writes(const LogWrites& log);
// Bytes of text that a mark can have.
[[nodiscard]] size_t longest_mark(sim::ByteCount sector_size);

// A log as the crash model takes it: each entry submitted and completed at its place.
class ImportedLog {
 public:
  // `log` fits the device. The closing mark and entries without effect are left out.
  ImportedLog(LogWrites log, sim::SectorCount capacity);
  ~ImportedLog();
  ImportedLog(const ImportedLog&) = delete;
  ImportedLog& operator=(const ImportedLog&) = delete;

  [[nodiscard]] const sim::IoLog& log() const { return log_; }
  // The texts of log().marks(), in their order.
  [[nodiscard]] const std::vector<std::string>& marks() const { return marks_; }
  // The number of the entry that a record of the log was made from.
  [[nodiscard]] size_t entry_of(uint32_t record) const { return entries_[record]; }
  // A hash of everything that the crash states rest on.
  [[nodiscard]] sim::Digest digest() const { return digest_; }

 private:
  class Sink;
  void submit(sim::BioOp op, const LogWritesEntry* entry, size_t number);

  sim::EventLoop loop_;
  std::unique_ptr<Sink> sink_;
  sim::IoLog log_;
  std::vector<std::string> marks_;
  std::vector<size_t> entries_;
  sim::Digest digest_;
};

// A mark to put into an exported log, behind everything that came before this event.
struct LogWritesMark {
  uint64_t event = 0;
  std::string text;  // cut where it is too long
};
// What a recorder has seen, as a log: a write at its completion, a flush where it was submitted, so
// that it covers what stands before it. Writes still under way come last. Requests that failed are
// left out: the format cannot say that they may have happened; `failed` counts them.
// `marks` ascend by event. EINVAL: a request is not aligned to `sector_size`.
[[nodiscard]] sim::Result<LogWrites> export_log_writes(const sim::IoLog& log,
                                                       std::span<const LogWritesMark> marks,
                                                       sim::ByteCount sector_size, size_t* failed);

}  // namespace zerotail::fault
