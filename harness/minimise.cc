#include "zerotail/harness/minimise.h"

#include <fmt/format.h>

#include <algorithm>

#include "state_search.h"
#include "zerotail/harness/circumstances.h"
#include "zerotail/harness/minimise_trace.h"

namespace zerotail::harness {
namespace {

using sim::Errno;
using sim::Error;
using sim::Result;

// Whatever its circumstances.
bool is_sought(const Finding& finding, const Wanted& what) {
  const Violation& v = finding.violation;
  return v.contract == what.contract && v.kind == what.kind && v.path == what.path;
}

// The trace as one that needs no options: what the id and the options say stands in its header.
Trace self_contained(const Workload& workload, const ReproId& id, const RecordOptions& record) {
  Trace trace = workload.trace;
  trace.header.setup = workload.setup;
  trace.header.io_path = volume::print(id.io_path);
  trace.header.ordering = volume::print(id.ordering);
  apply(id.cache, &trace.header);
  if (record.faults) trace.header.faults = fault::print(*record.faults);
  return trace;
}

RecordOptions options_of(const ReproId& id, RecordOptions record) {
  record.device = id.device;
  record.io_path = id.io_path;
  record.ordering = id.ordering;
  record.cache = {};
  record.seed = id.seed;
  record.faults.reset();
  return record;
}

CaseSize size_of(const Trace& trace, const StateSize& state) {
  CaseSize size;
  size.operations = trace.ops.size();
  size.recorded = trace.ops.size() - std::min<size_t>(trace.header.setup, trace.ops.size());
  if (const auto plan = fault::parse_fault_plan(trace.header.faults); plan.ok()) {
    size.rules = plan->rules.size();
  }
  size.sectors = state.sectors;
  size.torn = state.tear != StateSize::Tear::kNone;
  return size;
}

Finding finding_of(const Workload& workload, const ReproId& id, const RecordOptions& record,
                   Violation violation, Circumstances circumstances) {
  Finding finding;
  finding.workload = name_in_findings(workload, record);
  finding.fingerprint = fingerprint(violation, finding.workload);
  finding.group = group_of(violation, circumstances);
  finding.violation = std::move(violation);
  finding.circumstances = std::move(circumstances);
  finding.state = id.state;
  finding.repro = "zerotail repro " + print(id);
  return finding;
}

// Of one state, by the complete judge.
Result<std::vector<Finding>> judged(const Workload& workload, const ReproId& id,
                                    const RecordOptions& record, RebuiltState* rebuilt) {
  ZT_ASSIGN(*rebuilt, rebuild(workload, id, record));
  const Recording& recording = rebuilt->recording;
  RecordOptions named = record;
  named.device = id.device;
  std::vector<Finding> findings;
  for (const Violation& violation : rebuilt->violations) {
    findings.push_back(finding_of(workload, id, named, violation,
                                  circumstances(recording, rebuilt->counts, violation)));
  }
  if (id.state != kNoCrash) return findings;
  for (const WrongAnswer& wrong : recording.wrong_answers) {
    Violation violation{Contract::kAnswers, "differs", wrong.path, std::nullopt, wrong.text};
    const OpCounts counts{wrong.op + 1, wrong.op + 1};
    Circumstances around = circumstances(recording, counts, violation);
    findings.push_back(finding_of(workload, id, named, std::move(violation), std::move(around)));
  }
  return findings;
}

Result<Finding> confirmed(const Workload& workload, const ReproId& id, const Wanted& what,
                          const RecordOptions& record, RebuiltState* rebuilt) {
  ZT_ASSIGN(std::vector<Finding> findings, judged(workload, id, record, rebuilt));
  for (Finding& finding : findings) {
    if (is_sought(finding, what) && finding.circumstances == what.circumstances) {
      return std::move(finding);
    }
  }
  return Error(Errno::kInval, fmt::format("{}: does not show {} {} of '{}'", print(id),
                                          contract_info(what.contract).name, what.kind, what.path));
}

// The smallest trace and state of one finding.
class Minimiser {
 public:
  // `trace` stands for itself; `state` shows the finding.
  Minimiser(Trace trace, const ReproId& id, const Wanted& what, const MinimiseOptions& options,
            const MinimiseHook& hook)
      : trace_(std::move(trace)),
        id_(id),
        what_(what),
        options_(options),
        record_(options_of(id, options.record)),
        hook_(hook) {}

  struct Small {
    Trace trace;
    std::string state;
    CaseSize size;
  };

  Result<CaseSize> size_before() {
    StateSearch search(what_, record_, options_.states_per_trace);
    ZT_TRY(search.begin_at(trace_, id_.state));
    return size_of(trace_, search.last_size());
  }

  // With a rule, the finding must be gone under it.
  Result<Small> shrink(std::optional<volume::Rule> rule) {
    StateSearch search(what_, record_, options_.states_per_trace);
    ZT_TRY(search.begin_at(trace_, id_.state));
    Small small{trace_, id_.state, {}};
    const uint64_t before = states_;
    const auto question = [&](const Trace& candidate) {
      if (!go_on()) return false;
      ++traces_;
      const std::optional<std::string> found = search.find(candidate);
      states_ = before + search.states();
      bool yes = found.has_value();
      if (yes && rule) {
        const auto shown = shown_under(candidate, id_.ordering.with(*rule));
        yes = shown.ok() && !*shown;
      }
      if (yes) small.state = *found;
      if (yes) operations_ = candidate.ops.size();
      stopped_ = hook_ && !hook_({states_, traces_, operations_});
      return yes;
    };
    TraceMinimiseOptions steps;
    steps.tries = options_.tries;
    steps.keep_path = what_.path;
    steps.image = options_.record.image.has_value();
    MinimisedTrace smallest = minimise_trace(trace_, question, steps);
    complete_ = complete_ && smallest.complete;
    small.trace = std::move(smallest.trace);
    ZT_ASSIGN(small.state, search.smallest(small.trace, small.state));
    states_ = before + search.states();
    small.size = size_of(small.trace, search.last_size());
    return small;
  }

  Result<Cures> cures_of(const Trace& trace) {
    Cures cures;
    for (const exfat::RuleInfo& info : exfat::all_rules()) {
      if (id_.ordering.has(info.rule)) continue;
      ZT_ASSIGN(const bool shown, shown_under(trace, id_.ordering.with(info.rule)));
      if (!shown) cures.rules.push_back(info.rule);
    }
    ZT_ASSIGN(const bool shown, shown_under(trace, volume::Ordering::kCareful));
    cures.careful = !shown;
    return cures;
  }

  [[nodiscard]] const Trace& trace() const { return trace_; }
  [[nodiscard]] const RecordOptions& record() const { return record_; }
  [[nodiscard]] uint64_t states() const { return states_; }
  [[nodiscard]] uint64_t traces() const { return traces_; }
  [[nodiscard]] bool complete() const { return complete_ && go_on(); }

 private:
  [[nodiscard]] bool go_on() const { return !stopped_ && states_ < options_.states; }

  // Whether the trace shows it under an ordering, whatever the circumstances.
  Result<bool> shown_under(const Trace& trace, volume::Ordering ordering) {
    ExploreOptions explore_options;
    explore_options.record = record_;
    explore_options.record.ordering = ordering;
    explore_options.budget = options_.states_per_trace;
    explore_options.core_probe = what_.contract == Contract::kMountable;
    FindingSet findings;
    ZT_ASSIGN(const WorkloadReport report,
              explore(workload_from_trace(trace), explore_options, &findings));
    states_ += report.states.checked;
    return std::any_of(findings.findings().begin(), findings.findings().end(),
                       [this](const Finding& finding) { return is_sought(finding, what_); });
  }

  Trace trace_;
  ReproId id_;
  const Wanted& what_;
  const MinimiseOptions& options_;
  RecordOptions record_;
  const MinimiseHook& hook_;
  uint64_t states_ = 0;
  uint64_t traces_ = 0;
  size_t operations_ = 0;
  bool stopped_ = false;
  bool complete_ = true;
};

// No rule that cured the one cures the other.
bool are_apart(const Cures& before, const Cures& after) {
  return !before.rules.empty() &&
         std::none_of(before.rules.begin(), before.rules.end(), [&after](volume::Rule rule) {
           return std::find(after.rules.begin(), after.rules.end(), rule) != after.rules.end();
         });
}

// Minimises again, once for each rule that must go on curing the finding; the smallest is taken.
sim::Status hold_by_cure(Minimiser& minimiser, MinimalCase* result, Minimiser::Small* small) {
  std::optional<Minimiser::Small> best;
  for (const volume::Rule rule : result->cures_before.rules) {
    ZT_ASSIGN(Minimiser::Small other, minimiser.shrink(rule));
    if (best && best->trace.ops.size() <= other.trace.ops.size()) continue;
    best = std::move(other);
    result->held_by = rule;
  }
  *small = std::move(*best);
  ZT_ASSIGN(result->cures, minimiser.cures_of(small->trace));
  return {};
}

}  // namespace

Wanted wanted(const Finding& finding) {
  const Violation& v = finding.violation;
  return {v.contract, v.kind, v.path, finding.circumstances};
}

Result<std::vector<Finding>> findings_of(const Workload& workload, const ReproId& id,
                                         const RecordOptions& options) {
  RebuiltState rebuilt;
  return judged(workload, id, options, &rebuilt);
}

Result<MinimalCase> minimise(const Workload& workload, const ReproId& id, const Wanted& what,
                             const MinimiseOptions& options, const MinimiseHook& hook) {
  if (id.state.find(kNestedSeparator) != std::string::npos) {
    return Error(Errno::kInval,
                 print(id) + ": a crash after a crash: minimise the first crash's own findings");
  }
  ReproId whole = id;
  whole.cache = {};
  Trace trace = self_contained(workload, id, options.record);
  whole.workload = workload_from_trace(trace).name;
  Minimiser minimiser(trace, whole, what, options, hook);
  RebuiltState rebuilt;
  ZT_TRY(
      confirmed(workload_from_trace(std::move(trace)), whole, what, minimiser.record(), &rebuilt));
  MinimalCase result;
  ZT_ASSIGN(result.before, minimiser.size_before());
  ZT_ASSIGN(Minimiser::Small small, minimiser.shrink(std::nullopt));
  if (options.look_for_cures && what.contract != Contract::kAnswers) {
    ZT_ASSIGN(result.cures_before, minimiser.cures_of(minimiser.trace()));
    ZT_ASSIGN(result.cures, minimiser.cures_of(small.trace));
    if (are_apart(result.cures_before, result.cures)) {
      ZT_TRY(hold_by_cure(minimiser, &result, &small));
    }
  }
  result.after = small.size;
  result.traces = minimiser.traces();
  result.states = minimiser.states();
  result.complete = minimiser.complete();
  result.workload = workload_from_trace(std::move(small.trace));
  result.id = whole;
  result.id.workload = result.workload.name;
  result.id.state = small.state;
  ZT_ASSIGN(result.finding,
            confirmed(result.workload, result.id, what, minimiser.record(), &rebuilt));
  result.description = std::move(rebuilt.description);
  result.disk = std::move(rebuilt.disk);
  return result;
}

}  // namespace zerotail::harness
