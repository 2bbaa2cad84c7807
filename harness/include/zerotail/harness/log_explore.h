// Crash states of an imported log, judged by a checker from outside (external_checker.h): for any
// file system, whoever wrote the log.
//
// The states, their ids and counts are those of explore.h, but that the budget is kept to, because
// a checker takes time. Verdicts are exit codes. Results do not depend on how many checkers run at
// a time: verdicts are taken in the order of the states.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "zerotail/fault/log_writes.h"
#include "zerotail/harness/explore.h"
#include "zerotail/harness/external_checker.h"
#include "zerotail/harness/finding.h"

namespace zerotail::harness {

// A recorded log and the disk that it began with.
struct LogSource {
  std::string log_name;  // as the user names them, for repro lines
  std::string base_name;
  sim::ByteCount sector_size;  // of the log: the recorded device's logical block
  sim::Snapshot base;
  std::unique_ptr<fault::ImportedLog> log;
  std::vector<size_t> without;         // entries that lost their barrier
  std::vector<uint32_t> mark_indices;  // of all marks
  // `log-` and 16 hex digits: a hash of the log and of the disk.
  [[nodiscard]] std::string workload() const;
};
[[nodiscard]] LogSource make_log_source(const std::string& log_name, const std::string& base_name,
                                        fault::LogWrites log, sim::Snapshot base);

// Takes flush and FUA from entries. EINVAL: there is no such entry, or it has neither.
sim::Status drop_barriers(fault::LogWrites* log, const std::vector<size_t>& entries,
                          const std::string& name);

// The id of a state of a log: zt1:log-<16 hex digits>:<device>:<state>.
struct LogStateId {
  std::string workload;
  DeviceConfig device;
  std::string state;
};
[[nodiscard]] std::string print(const LogStateId& id);
[[nodiscard]] bool is_log_state_id(std::string_view text);
// EINVAL says what is wrong.
[[nodiscard]] sim::Result<LogStateId> parse_log_state_id(std::string_view text);

struct CheckerOptions {
  CheckCommand command;
  std::vector<int> ok{0};  // exit codes that mean good
  size_t jobs = 1;
  std::chrono::nanoseconds timeout{};  // 0: none
  CheckerPool::Clock clock;
  bool fresh_images = false;  // write the whole image for each state, whatever the checker did
  std::string folder;         // an existing one, for the images
};

struct LogExploreOptions {
  DeviceConfig device;
  fault::EnumerationOptions tiers;
  uint64_t budget = 4096;  // states enumerated, at most
  bool check_all = false;  // also states whose content was judged already (an audit)
  CheckerOptions checker;
};

// The checker's verdict on one state.
struct LogVerdict {
  bool good = true;
  CheckOutcome outcome;
  std::string fingerprint;           // bad: of the kind and of what the output says
  std::vector<std::string> telling;  // bad: lines that the unspoilt disk does not give
};

struct LogExploration {
  WorkloadReport report;
  FindingSet findings;
  std::map<std::string, std::string> outputs;  // by fingerprint: of the first state that shows it
  LogVerdict base;                             // on the disk before the log
  uint64_t sectors_written = 0;                // to go from one state to the next, all images
  uint64_t repairs = 0;                        // states whose image a checker had written to
  bool complete = true;                        // false: the hook asked to stop
};

struct LogProgress {
  uint64_t states = 0;
  uint64_t total = 0;
  uint64_t findings = 0;
};
using LogHook = std::function<bool(const LogProgress&)>;

// Errors: an image cannot be made or written, the checker cannot be run, or it writes to images in
// a way that cannot be seen (then `fresh_images` is needed).
[[nodiscard]] sim::Result<LogExploration> explore_log(const LogSource& source,
                                                      const LogExploreOptions& options,
                                                      const LogHook& hook = {});

// One state again.
struct RebuiltLogState {
  sim::Snapshot disk;
  std::string mark;         // the last one that was passed
  std::string description;  // where the power fails, what is kept
};
// EINVAL: the log has no such state, or is another one than the id's.
[[nodiscard]] sim::Result<RebuiltLogState> rebuild(const LogSource& source, const LogStateId& id);
// Runs the checker on one disk.
[[nodiscard]] sim::Result<LogVerdict> judge_disk(const sim::Snapshot& disk, const std::string& mark,
                                                 const CheckerOptions& options);

// What of an output tells damage from damage: its lines, each once, the image's name and all
// numbers replaced.
[[nodiscard]] std::vector<std::string> normalise_output(std::string_view output,
                                                        const std::string& image);

}  // namespace zerotail::harness
