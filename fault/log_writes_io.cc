// Between the file format and the recorder's log, which the crash model takes.
#include <algorithm>

#include "zerotail/fault/log_writes.h"

namespace zerotail::fault {

namespace {

using sim::BioOp;
using sim::IoRecord;
using sim::SectorCount;

}  // namespace

// Takes everything and keeps nothing.
class ImportedLog::Sink : public sim::BlockDevice {
 public:
  explicit Sink(SectorCount capacity) { info_.capacity = capacity; }
  [[nodiscard]] const sim::DeviceInfo& info() const override { return info_; }
  void submit(sim::Bio& bio) override { bio.complete(sim::Errno::kOk); }

 private:
  sim::DeviceInfo info_;
};

ImportedLog::ImportedLog(LogWrites log, SectorCount capacity)
    : sink_(std::make_unique<Sink>(capacity)), log_(*sink_, loop_) {
  for (size_t number = 0; number < log.entries.size(); ++number) {
    LogWritesEntry& entry = log.entries[number];
    if (entry.is_mark && entry.mark == kLogEndMark) continue;
    if (entry.is_mark) {
      log_.mark(0, marks_.size());
      marks_.push_back(entry.mark);
    }
    const bool empty = entry.count == SectorCount{};
    if (entry.flush && (empty || entry.discard)) submit(BioOp::kFlush, nullptr, number);
    if (!empty) submit(entry.discard ? BioOp::kDiscard : BioOp::kWrite, &entry, number);
    const uint64_t words[] = {number, entry.sector.value(), entry.count.value(),
                              uint64_t{entry.flush} | uint64_t{entry.fua} << 1 |
                                  uint64_t{entry.discard} << 2 | uint64_t{entry.is_mark} << 3};
    digest_ += sim::bytes_digest(words, sizeof(words), digest_.low);
    digest_ += sim::bytes_digest(entry.mark.data(), entry.mark.size(), digest_.low);
    digest_ += sim::bytes_digest(entry.data.data(), entry.data.size(), digest_.low);
    entry.data = {};  // the recorder has its own copy
  }
}

ImportedLog::~ImportedLog() = default;

void ImportedLog::submit(BioOp op, const LogWritesEntry* entry, size_t number) {
  sim::Bio bio;
  bio.op = op;
  std::vector<std::byte> data;
  if (entry != nullptr) {
    bio.sector = entry->sector;
    bio.count = entry->count;
    if (op == BioOp::kWrite) {
      data = entry->data;  // a bio's memory is never written, but the type does not say so
      bio.segments = {data};
      bio.preflush = entry->flush;
      bio.fua = entry->fua;
    }
  }
  log_.submit(bio);
  ZT_ASSERT_MSG(log_.records().size() == entries_.size() + 1, "an entry beyond the device");
  entries_.push_back(number);
}

namespace {

// What stands in the exported log, by the recorder's events.
struct Step {
  uint64_t event = 0;
  const IoRecord* record = nullptr;  // nullptr: a mark
  const std::string* mark = nullptr;
  bool flush_only = false;  // the flush of a PREFLUSH alone
  bool plain = false;       // a PREFLUSH's write, its flush has a step of its own
};

// Whether another write was completed while this one was under way: then its flush, which does not
// cover that one, stands apart.
bool overtaken(const sim::IoLog& log, const IoRecord& record) {
  return std::any_of(log.records().begin(), log.records().end(), [&](const IoRecord& other) {
    return &other != &record && other.complete_event > record.submit_event &&
           other.complete_event < record.complete_event;
  });
}

LogWritesEntry entry_of_step(const Step& step) {
  LogWritesEntry entry;
  if (step.record == nullptr) {
    entry.is_mark = true;
    entry.mark = *step.mark;
    return entry;
  }
  const IoRecord& record = *step.record;
  entry.flush = step.flush_only || record.op == BioOp::kFlush || (record.preflush && !step.plain);
  if (step.flush_only || record.op == BioOp::kFlush) return entry;
  entry.fua = record.fua && record.complete();
  entry.discard = record.op == BioOp::kDiscard;
  entry.sector = record.sector;
  entry.count = record.count;
  if (record.data) entry.data = *record.data;
  return entry;
}

std::vector<Step> steps_of(const sim::IoLog& log, size_t* failed) {
  std::vector<Step> steps;
  *failed = 0;
  for (const IoRecord& record : log.records()) {
    if (record.status != sim::Errno::kOk) {
      ++*failed;
      continue;
    }
    if (record.op == BioOp::kFlush) {
      // A flush that has not completed promises nothing.
      if (record.complete()) steps.push_back({.event = record.submit_event, .record = &record});
      continue;
    }
    if (!record.complete()) {
      steps.push_back({.event = log.last_event() + 1, .record = &record, .plain = true});
      continue;
    }
    const bool apart = record.preflush && overtaken(log, record);
    if (apart) {
      steps.push_back({.event = record.submit_event, .record = &record, .flush_only = true});
    }
    steps.push_back({.event = record.complete_event, .record = &record, .plain = apart});
  }
  return steps;
}

}  // namespace

sim::Result<LogWrites> export_log_writes(const sim::IoLog& log,
                                         std::span<const LogWritesMark> marks,
                                         sim::ByteCount sector_size, size_t* failed) {
  std::vector<Step> steps = steps_of(log, failed);
  for (const LogWritesMark& mark : marks) {
    steps.push_back({.event = mark.event, .mark = &mark.text});
  }
  std::stable_sort(steps.begin(), steps.end(),
                   [](const Step& a, const Step& b) { return a.event < b.event; });
  LogWrites out;
  out.sector_size = sector_size;
  for (const Step& step : steps) {
    LogWritesEntry entry = entry_of_step(step);
    const uint64_t size = sector_size.value();
    if (sim::dev_pos(entry.sector).value() % size != 0 ||
        sim::bytes(entry.count).value() % size != 0) {
      return sim::Error(sim::Errno::kInval,
                        "a request at sector " + std::to_string(entry.sector.value()) +
                            " is not aligned to log sectors of " + std::to_string(size) + " bytes");
    }
    entry.mark.resize(std::min(entry.mark.size(), longest_mark(sector_size)));
    out.entries.push_back(std::move(entry));
  }
  LogWritesEntry end;
  end.is_mark = true;
  end.mark = kLogEndMark;
  out.entries.push_back(std::move(end));
  return out;
}

}  // namespace zerotail::fault
