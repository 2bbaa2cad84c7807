#include "zerotail/harness/barriers.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <tuple>

#include "zerotail/buffer/io_kind.h"

namespace zerotail::harness {
namespace {

using fault::BarrierChange;
using sim::Result;

bool writes(const sim::IoRecord& record) {
  return record.op == sim::BioOp::kWrite || record.op == sim::BioOp::kDiscard;
}

std::string operation_at(const Recording& recording, uint64_t event) {
  const OpCounts counts = op_counts(recording, event);
  if (counts.issued == 0) return "before the first operation";
  const std::string& text = recording.history->op_text(counts.issued - 1);
  return fmt::format("{} operation {}: {}", counts.returned == counts.issued ? "after" : "during",
                     counts.issued - 1, text);
}

std::string call_at(const Recording& recording, uint64_t event) {
  const OpCounts counts = op_counts(recording, event);
  if (counts.issued == 0) return "start";
  // The unmount at the end is not in the trace.
  if (counts.issued > recording.trace.ops.size()) return "umount";
  return std::string(op_name(recording.trace.ops[counts.issued - 1].kind));
}

Barrier at_record(const Recording& recording, BarrierChange change, const char* what) {
  const sim::IoRecord& record = recording.log->records()[change.at];
  Barrier barrier;
  barrier.change = change;
  barrier.what = what;
  barrier.call = call_at(recording, record.submit_event);
  if (record.op == sim::BioOp::kDiscard) barrier.kind = "discard";
  if (record.op == sim::BioOp::kWrite) barrier.kind = buffer::io_kind_name(record.tag.kind);
  barrier.place = fmt::format("{}request {}{}, {}",
                              change.kind == BarrierChange::Kind::kFlushBefore ? "before " : "",
                              change.at, barrier.kind.empty() ? "" : " (" + barrier.kind + ")",
                              operation_at(recording, record.submit_event));
  return barrier;
}

// Every barrier of the log, then every place that has none, in the order of the log.
std::vector<Barrier> candidates(const Recording& recording) {
  std::vector<Barrier> found;
  const std::vector<sim::IoRecord>& records = recording.log->records();
  const std::vector<sim::IoMark>& marks = recording.log->marks();
  bool written = false;  // since the last flush
  auto mark = recording.promise_marks.begin();
  const auto promises_before = [&](uint64_t event) {
    for (; mark != recording.promise_marks.end() && marks[*mark].event < event; ++mark) {
      if (!written) continue;
      Barrier barrier;
      barrier.change = {BarrierChange::Kind::kFlushAtMark, *mark};
      barrier.what = "flush";
      barrier.call = call_at(recording, marks[*mark].event);
      barrier.place = fmt::format("before the return of operation {}: {}", marks[*mark].id,
                                  recording.history->op_text(marks[*mark].id));
      found.push_back(std::move(barrier));
    }
  };
  for (uint32_t i = 0; i < records.size(); ++i) {
    const sim::IoRecord& record = records[i];
    promises_before(record.submit_event);
    if (record.op == sim::BioOp::kFlush || record.preflush) {
      found.push_back(at_record(recording, {BarrierChange::Kind::kNoFlush, i},
                                record.preflush ? "preflush" : "flush"));
      written = false;
    } else if (writes(record) && written) {
      found.push_back(at_record(recording, {BarrierChange::Kind::kFlushBefore, i}, "flush"));
    }
    if (record.fua) {
      found.push_back(at_record(recording, {BarrierChange::Kind::kNoFua, i}, "fua"));
    }
    written = written || (writes(record) && !record.fua);
  }
  promises_before(UINT64_MAX);
  return found;
}

using Subject = std::tuple<Contract, std::string, std::string>;

Subject subject_of(const Finding& finding) {
  return {finding.violation.contract, finding.violation.kind, finding.violation.path};
}

size_t subjects(const FindingSet& set) {
  std::set<Subject> all;
  for (const Finding& finding : set.findings()) all.insert(subject_of(finding));
  return all.size();
}

// What one exploration shows and the other does not, the first of each subject.
std::vector<Finding> only_in(const FindingSet& set, const FindingSet& other) {
  std::vector<Finding> found;
  std::set<Subject> seen;
  for (const Finding& finding : set.findings()) {
    if (other.contains(finding.fingerprint) || !seen.insert(subject_of(finding)).second) continue;
    found.push_back(finding);
  }
  // Graver contracts first.
  std::stable_sort(found.begin(), found.end(), [](const Finding& a, const Finding& b) {
    return a.violation.contract < b.violation.contract;
  });
  return found;
}

bool is_added(const BarrierChange& change) {
  return change.kind == BarrierChange::Kind::kFlushBefore ||
         change.kind == BarrierChange::Kind::kFlushAtMark;
}

}  // namespace

const char* name_of(BarrierVerdict verdict) {
  switch (verdict) {
    case BarrierVerdict::kRequired:
      return "required";
    case BarrierVerdict::kRedundant:
      return "redundant";
    case BarrierVerdict::kMissing:
      return "missing";
  }
  return "";
}

Result<BarrierReport> examine_barriers(const Workload& workload, const ExploreOptions& asked) {
  ExploreOptions options = asked;
  options.by_operation = true;
  ZT_ASSIGN(const Recording recording, record(workload.trace, workload.setup, options.record));
  FindingSet as_recorded;
  ZT_ASSIGN(const WorkloadReport whole, explore(workload, options, &as_recorded));
  BarrierReport report;
  report.workload = workload.name;
  report.requests = recording.requests;
  report.flushes = recording.flushes;
  report.findings = subjects(as_recorded);
  for (Barrier& barrier : candidates(recording)) {
    ExploreOptions changed = options;
    changed.record.device.barrier = barrier.change;
    FindingSet findings;
    ZT_ASSIGN(const WorkloadReport with_change, explore(workload, changed, &findings));
    barrier.exhaustive = whole.states.left_out == 0 && with_change.states.left_out == 0;
    if (is_added(barrier.change)) {
      barrier.findings = only_in(as_recorded, findings);
      if (barrier.findings.empty()) continue;
      barrier.verdict = BarrierVerdict::kMissing;
    } else {
      barrier.findings = only_in(findings, as_recorded);
      barrier.verdict =
          barrier.findings.empty() ? BarrierVerdict::kRedundant : BarrierVerdict::kRequired;
    }
    report.barriers.push_back(std::move(barrier));
  }
  return report;
}

}  // namespace zerotail::harness
