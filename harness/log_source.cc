// Logs as something to explore: names, ids, one state again.
#include <fmt/format.h>

#include <algorithm>

#include "log_verdict.h"
#include "zerotail/harness/scratch_image.h"

namespace zerotail::harness {
namespace {

using sim::Errno;
using sim::Error;
using sim::Result;

constexpr std::string_view kPrefix = "zt1:log-";

// Entries of the log, those of one kind behind a word: " kept: 5, 7 (in part)".
std::string describe_entries(const LogSource& source, const fault::CrashModel& model,
                             const fault::CrashState& state) {
  const fault::CrashPoint& point = model.points()[state.point];
  const fault::Segment& segment = model.segment(point);
  struct Count {
    size_t kept = 0;
    size_t all = 0;
  };
  std::map<size_t, Count> entries;
  for (uint32_t v = 0; v < point.version_limit; ++v) {
    const fault::Version& version = segment.versions[v];
    const std::vector<uint32_t>& versions = segment.units[version.unit].versions;
    Count& count = entries[source.log->entry_of(version.record)];
    ++count.all;
    const uint16_t pick = state.picks[version.unit];
    if (pick != 0 && versions[pick - 1U] == v) ++count.kept;
  }
  std::string kept;
  std::string lost;
  for (const auto& [entry, count] : entries) {
    if (count.kept > 0) {
      kept += fmt::format(" {}{}", entry, count.kept < count.all ? " (in part)" : "");
    } else {
      lost += fmt::format(" {}", entry);
    }
  }
  return fmt::format("epoch {}; pending entries kept:{}; lost or replaced:{}", segment.epoch,
                     kept.empty() ? " none" : kept, lost.empty() ? " none" : lost);
}

std::string describe_point(const LogSource& source, const fault::CrashModel& model,
                           const fault::CrashPoint& point) {
  switch (point.kind) {
    case fault::PointKind::kStart:
      return "before the first entry";
    case fault::PointKind::kMark:
      return fmt::format("after the mark '{}'", source.log->marks()[point.mark]);
    case fault::PointKind::kWrite: {
      const sim::IoRecord& record = model.records()[point.record];
      return fmt::format("while entry {} is under way ({} sectors from {} on)",
                         source.log->entry_of(point.record), record.count.value(),
                         record.sector.value());
    }
  }
  return {};
}

}  // namespace

std::string LogSource::workload() const {
  sim::Digest digest = log->digest();
  digest += base.digest();
  return fmt::format("log-{:016x}", digest.low ^ digest.high);
}

LogSource make_log_source(const std::string& log_name, const std::string& base_name,
                          fault::LogWrites log, sim::Snapshot base) {
  LogSource source;
  source.log_name = log_name;
  source.base_name = base_name;
  source.sector_size = log.sector_size;
  source.log = std::make_unique<fault::ImportedLog>(std::move(log), base.capacity());
  source.base = std::move(base);
  for (uint32_t i = 0; i < source.log->marks().size(); ++i) source.mark_indices.push_back(i);
  return source;
}

sim::Status drop_barriers(fault::LogWrites* log, const std::vector<size_t>& entries,
                          const std::string& name) {
  for (const size_t number : entries) {
    if (number >= log->entries.size()) {
      return Error(Errno::kInval, fmt::format("{}: has no entry {}, only {} entries", name, number,
                                              log->entries.size()));
    }
    fault::LogWritesEntry& entry = log->entries[number];
    if (!entry.flush && !entry.fua) {
      return Error(Errno::kInval, fmt::format("{}: entry {} at byte {}: has neither flush nor FUA",
                                              name, number, entry.place.value()));
    }
    entry.flush = false;
    entry.fua = false;
  }
  return {};
}

std::string print(const LogStateId& id) {
  return fmt::format("zt1:{}:{}:{}", id.workload, fault::print_device(id.device), id.state);
}

bool is_log_state_id(std::string_view text) { return text.substr(0, kPrefix.size()) == kPrefix; }

Result<LogStateId> parse_log_state_id(std::string_view text) {
  const size_t first = text.find(':');
  const size_t second = text.find(':', first + 1);
  const size_t third = second == std::string_view::npos ? second : text.find(':', second + 1);
  if (!is_log_state_id(text) || third == std::string_view::npos) {
    return Error(Errno::kInval,
                 fmt::format("'{}' is no id of a log's state, like zt1:log-0123456789abcdef:vc512:"
                             "p3+1",
                             text));
  }
  LogStateId id;
  id.workload = std::string(text.substr(first + 1, second - first - 1));
  ZT_ASSIGN(id.device, fault::parse_device(text.substr(second + 1, third - second - 1)));
  id.state = std::string(text.substr(third + 1));
  return id;
}

Result<RebuiltLogState> rebuild(const LogSource& source, const LogStateId& id) {
  if (const std::string name = source.workload(); name != id.workload) {
    return Error(Errno::kInval, fmt::format("{} and {}: are {}, the id is of {}", source.log_name,
                                            source.base_name, name, id.workload));
  }
  const fault::CrashModel model(source.log->log(), source.base, id.device, source.mark_indices);
  ZT_ASSIGN(const fault::CrashState state, model.parse(id.state));
  const fault::CrashPoint& point = model.points()[state.point];
  fault::CrashImage image(model);
  image.set(state);
  RebuiltLogState rebuilt;
  rebuilt.disk = image.materialise();
  rebuilt.mark = last_mark(source, point);
  rebuilt.description =
      fmt::format("{}{}\n{}", describe_point(source, model, point),
                  rebuilt.mark.empty() ? "" : fmt::format("; last mark '{}'", rebuilt.mark),
                  describe_entries(source, model, state));
  return rebuilt;
}

std::string last_mark(const LogSource& source, const fault::CrashPoint& point) {
  const std::vector<sim::IoMark>& marks = source.log->log().marks();
  const auto next = std::partition_point(marks.begin(), marks.end(), [&](const sim::IoMark& mark) {
    return mark.event <= point.event;
  });
  if (next == marks.begin()) return {};
  return source.log->marks()[static_cast<size_t>(next - marks.begin()) - 1];
}

Result<LogVerdict> judge_disk(const sim::Snapshot& disk, const std::string& mark,
                              const CheckerOptions& options) {
  ZT_ASSIGN(ScratchImage image, ScratchImage::create(options.folder + "/state.img"));
  ZT_TRY(image.hold(disk, true));
  CheckerPool pool({.slots = 1, .timeout = options.timeout, .clock = options.clock});
  ZT_TRY(pool.start(0, options.command.words({image.path(), mark})));
  ZT_ASSIGN(std::optional<CheckerPool::Ended> ended, pool.wait());
  if (!ended) return Error(Errno::kAgain, "interrupted");
  ZT_TRY(check_runnable(ended->outcome, options.ok, options.command.text()));
  return judge_outcome(std::move(ended->outcome), options.ok, {}, image.path());
}

}  // namespace zerotail::harness
