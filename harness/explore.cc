// Exploring a workload as a whole, and rebuilding one of its states.
#include "zerotail/harness/explore.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "nested.h"
#include "zerotail/fault/faults.h"
#include "zerotail/harness/check.h"
#include "zerotail/harness/enumerate.h"
#include "zerotail/harness/exploration.h"
#include "zerotail/harness/judge.h"

namespace zerotail::harness {
namespace {

using sim::Result;

double log2_sum(double a, double b) {
  const double high = std::max(a, b);
  const double low = std::min(a, b);
  return high + std::log2(1.0 + std::exp2(low - high));
}

std::string describe_point(const Recording& recording, const fault::CrashModel& model,
                           const fault::CrashState& state) {
  const fault::CrashPoint& point = model.points()[state.point];
  const OpCounts counts = op_counts(recording, point.event);
  std::string text;
  if (counts.issued == 0) {
    text = "before the first operation";
  } else {
    const std::string& op = recording.history->op_text(counts.issued - 1);
    text = counts.returned == counts.issued
               ? fmt::format("after operation {} has returned: {}", counts.issued - 1, op)
               : fmt::format("during operation {}: {}", counts.issued - 1, op);
  }
  const fault::Segment& segment = model.segment(point);
  text += fmt::format("\nepoch {}; ", segment.epoch);
  std::string kept;
  std::string lost;
  for (size_t i = 0; i < segment.units.size(); ++i) {
    const fault::Unit& unit = segment.units[i];
    size_t there = 0;
    for (const uint32_t version : unit.versions) there += version < point.version_limit ? 1 : 0;
    if (there == 0) continue;
    std::string& list = state.picks[i] > 0 ? kept : lost;
    list += fmt::format(" {}", unit.sector.value());
    if (state.picks[i] > 0 && state.picks[i] < there) list += fmt::format("v{}", state.picks[i]);
  }
  text += fmt::format("pending units kept (first sector):{}; lost:{}",
                      kept.empty() ? " none" : kept, lost.empty() ? " none" : lost);
  return text;
}

// One level of a rebuilt state: the recording and what is wrong in its state `id`.
Result<RebuiltState> rebuild_level(const Workload& workload, const std::string& id,
                                   const RecordOptions& options) {
  ZT_ASSIGN(Recording recording, record(workload.trace, workload.setup, options));
  RebuiltState rebuilt;
  {
    const fault::CrashModel model(*recording.log, recording.base, options.device,
                                  recording.promise_marks);
    ZT_ASSIGN(const fault::CrashState state, model.parse(id));
    const fault::CrashPoint& point = model.points()[state.point];
    fault::CrashImage image(model);
    image.set(state);
    Judge judge(recording, model, true);
    judge.move_to(point);
    judge.look_at(image);
    rebuilt.violations = judge.judge();
    rebuilt.counts = judge.counts();
    rebuilt.disk = image.materialise();
    rebuilt.description = describe_point(recording, model, state);
  }
  rebuilt.recording = std::move(recording);
  return rebuilt;
}

}  // namespace

void StateCounts::add(const StateCounts& other) {
  if (other.considered == 0) return;
  log2 = considered == 0 ? other.log2 : log2_sum(log2, other.log2);
  considered += other.considered;
  checked += other.checked;
  merged += other.merged;
  pruned += other.pruned;
  left_out += other.left_out;
}

void NestedCounts::add(const NestedCounts& other) {
  continued += other.continued;
  of += other.of;
  unusable += other.unusable;
  states.add(other.states);
}

void WorkloadReport::add(const WorkloadReport& other) {
  states.add(other.states);
  points += other.points;
  epochs += other.epochs;
  requests += other.requests;
  flushes += other.flushes;
  for (size_t i = 0; i < tiers.size(); ++i) tiers[i].add(other.tiers[i]);
  nested.add(other.nested);
  core_mounts += other.core_mounts;
  const std::string both = digest + other.digest;
  digest = sim::bytes_digest(both.data(), both.size()).hex();
  workloads += other.workloads;
}

std::string report_group(const std::string& workload) {
  const size_t dash = workload.find('-');
  if (!is_enumerated(workload) || dash == std::string::npos) return workload;
  return workload.substr(0, std::min(workload.size(), workload.find('.', dash)));
}

Workload workload_from_trace(Trace trace) {
  Workload workload;
  const std::string text = print_trace(trace);
  workload.name = fmt::format("trace-{:016x}", sim::bytes_digest(text.data(), text.size()).low);
  workload.setup = std::min<size_t>(trace.header.setup, trace.ops.size());
  workload.trace = std::move(trace);
  return workload;
}

std::string name_in_findings(const Workload& workload, const RecordOptions& options) {
  const TraceHeader& header = workload.trace.header;
  std::string name = header.trace.empty() ? workload.name : header.trace;
  if (!workload.family.empty()) name = workload.family;
  // What a changed barrier does is compared with what was there without: the names are the same.
  DeviceConfig device = options.device;
  device.barrier = {};
  if (device != DeviceConfig{}) name += "@" + print(device);
  std::optional<fault::FaultPlan> plan = options.faults;
  if (!plan && !header.faults.empty()) {
    if (auto parsed = fault::parse_fault_plan(header.faults); parsed.ok()) plan = *parsed;
  }
  if (!plan) return name;
  std::set<std::string> kinds;
  for (const fault::FaultRule& rule : plan->rules) kinds.emplace(rule.kind->name);
  return fmt::format("{}!{}", name, fmt::join(kinds, ","));
}

WorkloadReport combine(WorkloadReport heading, const std::vector<PartReport>& parts,
                       FindingSet* findings) {
  WorkloadReport report = std::move(heading);
  sim::Digest digest;
  for (const PartReport& part : parts) {
    report.states.add(part.states);
    report.nested.add(part.nested);
    for (size_t i = 0; i < report.tiers.size(); ++i) report.tiers[i].add(part.tiers[i]);
    report.core_mounts += part.core_mounts;
    digest += sim::bytes_digest(&part.digest, sizeof(part.digest), digest.low);
    for (const Finding& finding : part.findings) findings->add(finding);
  }
  report.digest = digest.hex();
  return report;
}

Result<WorkloadReport> explore(const Workload& workload, const ExploreOptions& options,
                               FindingSet* findings, const ProgressHook& hook) {
  ZT_ASSIGN(const std::unique_ptr<Exploration> exploration, Exploration::create(workload, options));
  ExploreProgress progress;
  for (size_t part = 0; part < exploration->parts(); ++part) {
    progress.total += exploration->states_of(part);
  }
  std::vector<PartReport> parts;
  for (size_t part = 0; part < exploration->parts(); ++part) {
    const uint64_t before = progress.states;
    parts.push_back(exploration->explore(part, [&](const ExploreProgress& now) {
      progress.states = before + now.states;
      return !hook || hook(progress);
    }));
    if (!parts.back().complete) break;
  }
  return combine(exploration->heading(), parts, findings);
}

Result<RebuiltState> rebuild(const Workload& workload, const ReproId& id, RecordOptions options) {
  options.device = id.device;
  options.io_path = id.io_path;
  options.ordering = id.ordering;
  options.cache = id.cache;
  options.seed = id.seed;
  const size_t cut = id.state.find(kNestedSeparator);
  ZT_ASSIGN(RebuiltState first, rebuild_level(workload, id.state.substr(0, cut), options));
  if (cut == std::string::npos) return first;
  options.image = first.disk;
  options.keep_free = true;
  options.faults.reset();  // they spoilt the first run
  ZT_ASSIGN(RebuiltState second,
            rebuild_level(continuation(workload), id.state.substr(cut + 1), options));
  second.description =
      fmt::format("first crash: {}\nsecond crash, {}", first.description, second.description);
  drop_older(older_damage(first.disk), &second.violations);
  return second;
}

}  // namespace zerotail::harness
