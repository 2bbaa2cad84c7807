#include "zerotail/harness/explore.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <unordered_map>

#include "seen_states.h"
#include "zerotail/harness/judge.h"

namespace zerotail::harness {
namespace {

using sim::Result;

constexpr uint64_t kLeastPerPoint = 8;

double log2_sum(double a, double b) {
  const double high = std::max(a, b);
  const double low = std::min(a, b);
  return high + std::log2(1.0 + std::exp2(low - high));
}

// The command that rebuilds a state, but for the state's id at its end.
std::string repro_prefix(const Workload& workload, const RecordOptions& options) {
  const ReproId id{workload.name,
                   options.device,
                   options.io_path,
                   options.ordering,
                   options.cache,
                   options.seed,
                   {}};
  const std::string faults =
      options.faults ? fmt::format("--fault '{}' ", fault::print(*options.faults)) : std::string();
  return "zerotail repro " + faults + print(id);
}

// Violations as findings: the text of the first state that shows one, a fingerprint made once.
class Collector {
 public:
  Collector(const Workload& workload, const ExploreOptions& options, FindingSet* findings)
      : workload_(workload), options_(options), findings_(*findings), name_(workload.name) {
    if (options.record.device != DeviceConfig{}) name_ += "@" + print(options.record.device);
    if (options.record.faults) name_ += "!" + fault::print(*options.record.faults);
  }

  // Adds a state's violations; what is added to the run's digest is the order of fingerprints.
  void add(const std::vector<Violation>& violations, const std::string& state,
           sim::Digest* digest) {
    for (const Violation& violation : violations) {
      if (!options_.contracts[static_cast<size_t>(violation.contract)]) continue;
      key_.assign(violation.kind);
      key_.push_back(static_cast<char>(violation.contract));
      key_.append(violation.path);
      auto [place, fresh] = prints_.try_emplace(key_);
      if (fresh) place->second = fingerprint(violation, name_);
      *digest += sim::bytes_digest(place->second.data(), place->second.size(), digest->low);
      report(violation, place->second, state);
    }
  }

 private:
  void report(const Violation& violation, const std::string& print, const std::string& state) {
    if (findings_.contains(print)) {
      findings_.count_again(print);
      return;
    }
    Finding finding;
    finding.violation = violation;
    finding.workload = name_;
    finding.state = state;
    finding.repro = repro_prefix(workload_, options_.record) + state;
    finding.fingerprint = print;
    findings_.add(std::move(finding));
  }

  const Workload& workload_;
  const ExploreOptions& options_;
  FindingSet& findings_;
  std::string name_;  // the workload's, with a device that is not the default
  std::string key_;
  std::unordered_map<std::string, std::string> prints_;
};

// The states of one workload, point by point.
class Exploration {
 public:
  Exploration(const Workload& workload, const ExploreOptions& options, const Recording& recording,
              const fault::CrashModel& model, FindingSet* findings)
      : options_(options),
        model_(model),
        image_(model),
        judge_(recording, model, options.core_probe),
        collector_(workload, options, findings),
        repro_prefix_(repro_prefix(workload, options.record)) {
    per_point_ = std::max<uint64_t>(kLeastPerPoint,
                                    options.budget / std::max<uint64_t>(1, model.points().size()));
  }

  // False when the hook asked to stop.
  bool run(const ProgressHook& hook) {
    ExploreProgress progress;
    progress.total = per_point_ * model_.points().size();
    bool first = true;
    for (const fault::CrashPoint& point : model_.points()) {
      progress.total -= per_point_;
      if (!explore_point(point, hook, &progress)) return false;
      const double log2 = model_.states_log2(point);
      counts_.log2 = first ? log2 : log2_sum(counts_.log2, log2);
      first = false;
    }
    return true;
  }

  [[nodiscard]] const StateCounts& counts() const { return counts_; }
  [[nodiscard]] const sim::Digest& digest() const { return digest_; }
  [[nodiscard]] uint64_t core_mounts() const { return judge_.core_mounts(); }

 private:
  bool explore_point(const fault::CrashPoint& point, const ProgressHook& hook,
                     ExploreProgress* progress) {
    fault::EnumerationOptions tiers = options_.tiers;
    tiers.states_per_point = per_point_;
    const fault::Enumeration enumeration = fault::enumerate_states(model_, point, tiers);
    const uint64_t all = model_.state_count(point, kStateLimit).value_or(kStateLimit);
    ZT_ASSERT(all >= enumeration.states.size());
    counts_.considered += all;
    counts_.left_out += all - enumeration.states.size();
    progress->total += enumeration.states.size();
    const uint64_t context = judge_.context();
    judge_.move_to(point);
    if (judge_.context() != context) seen_.begin(judge_.far_units());
    for (size_t i = 0; i < enumeration.states.size(); ++i) {
      explore_state(enumeration.states[i]);
      ++progress->states;
      if (hook && !hook(*progress)) {
        counts_.left_out += enumeration.states.size() - i - 1;
        return false;
      }
    }
    return true;
  }

  void explore_state(const fault::CrashState& state) {
    image_.set(state);
    if (options_.prune) {
      switch (seen_.look_up(image_)) {
        case SeenStates::Known::kSame:
          ++counts_.merged;
          return;
        case SeenStates::Known::kEquivalent:
          ++counts_.pruned;
          return;
        case SeenStates::Known::kNo:
          break;
      }
    }
    const std::string id = model_.print(state);
    const sim::ReproScope scope(repro_prefix_ + id);
    judge_.look_at(image_);
    ++counts_.checked;
    digest_ += sim::bytes_digest(id.data(), id.size(), digest_.low);
    digest_ += image_.digest();
    collector_.add(judge_.judge(), id, &digest_);
    if (options_.prune) seen_.add(image_, judge_.far_units_read());
  }

  const ExploreOptions& options_;
  const fault::CrashModel& model_;
  fault::CrashImage image_;
  Judge judge_;
  Collector collector_;
  std::string repro_prefix_;
  uint64_t per_point_ = 0;
  StateCounts counts_;
  sim::Digest digest_;
  SeenStates seen_;
};

void report_wrong_answers(const Workload& workload, const ExploreOptions& options,
                          const Recording& recording, FindingSet* findings, sim::Digest* digest) {
  Collector collector(workload, options, findings);
  for (const WrongAnswer& wrong : recording.wrong_answers) {
    const Violation violation{Contract::kAnswers, "differs", wrong.path, std::nullopt,
                              fmt::format("operation {} ({}): {}", wrong.op,
                                          recording.history->op_text(wrong.op), wrong.text)};
    collector.add({violation}, "p0+", digest);
  }
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

}  // namespace

void StateCounts::add(const StateCounts& other) {
  log2 = considered == 0 ? other.log2 : log2_sum(log2, other.log2);
  considered += other.considered;
  checked += other.checked;
  merged += other.merged;
  pruned += other.pruned;
  left_out += other.left_out;
}

Workload workload_from_trace(Trace trace) {
  Workload workload;
  const std::string text = print_trace(trace);
  workload.name = fmt::format("trace-{:016x}", sim::bytes_digest(text.data(), text.size()).low);
  workload.setup = std::min<size_t>(trace.header.setup, trace.ops.size());
  workload.trace = std::move(trace);
  return workload;
}

Result<WorkloadReport> explore(const Workload& workload, const ExploreOptions& options,
                               FindingSet* findings, const ProgressHook& hook) {
  const sim::ReproScope scope("zerotail explore, workload " + workload.name);
  ZT_ASSIGN(Recording recording, record(workload.trace, workload.setup, options.record));
  const fault::CrashModel model(*recording.log, recording.base, options.record.device,
                                recording.promise_marks);
  Exploration exploration(workload, options, recording, model, findings);
  exploration.run(hook);
  sim::Digest digest = exploration.digest();
  report_wrong_answers(workload, options, recording, findings, &digest);
  WorkloadReport report;
  report.workload = workload.name;
  report.states = exploration.counts();
  report.points = model.points().size();
  report.epochs = model.points().empty() ? 0 : model.segment(model.points().back()).epoch + 1;
  report.requests = recording.requests;
  report.flushes = recording.flushes;
  report.core_mounts = exploration.core_mounts();
  report.digest = digest.hex();
  return report;
}

Result<RebuiltState> rebuild(const Workload& workload, const ReproId& id, RecordOptions options) {
  options.device = id.device;
  options.io_path = id.io_path;
  options.ordering = id.ordering;
  options.cache = id.cache;
  options.seed = id.seed;
  ZT_ASSIGN(Recording recording, record(workload.trace, workload.setup, options));
  RebuiltState rebuilt;
  {
    const fault::CrashModel model(*recording.log, recording.base, id.device,
                                  recording.promise_marks);
    ZT_ASSIGN(const fault::CrashState state, model.parse(id.state));
    const fault::CrashPoint& point = model.points()[state.point];
    fault::CrashImage image(model);
    image.set(state);
    Judge judge(recording, model, true);
    judge.move_to(point);
    judge.look_at(image);
    rebuilt.violations = judge.judge();
    rebuilt.disk = image.materialise();
    rebuilt.description = describe_point(recording, model, state);
  }
  rebuilt.recording = std::move(recording);
  return rebuilt;
}

}  // namespace zerotail::harness
