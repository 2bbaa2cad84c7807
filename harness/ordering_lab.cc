#include "zerotail/harness/ordering_lab.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "zerotail/harness/explain.h"
#include "zerotail/harness/workloads.h"

namespace zerotail::harness {
namespace {

using sim::Result;
using volume::Ordering;
using volume::Rule;

bool same_finding(const Finding& a, const Violation& b) {
  return a.violation.contract == b.contract && a.violation.kind == b.kind &&
         a.violation.path == b.path;
}

// One job explored under an ordering.
Result<FindingSet> findings_of(const LabJob& job, Ordering ordering, ExploreOptions options) {
  options.record.device = job.device;
  options.record.io_path = job.io_path;
  options.record.ordering = ordering;
  FindingSet findings;
  ZT_TRY(explore(job.workload, options, &findings));
  return findings;
}

}  // namespace

Result<LabRun> run_ordering(const std::vector<LabJob>& jobs, Ordering ordering,
                            const ExploreOptions& options) {
  LabRun run;
  run.ordering = ordering;
  ExploreOptions one = options;
  one.record.ordering = ordering;
  for (const LabJob& job : jobs) {
    one.record.device = job.device;
    one.record.io_path = job.io_path;
    ZT_TRY(explore(job.workload, one, &run.findings));
    ZT_ASSIGN(const Recording recording,
              record(job.workload.trace, job.workload.setup, one.record));
    for (const auto& [name, cost] : cost_of(recording)) run.costs[name].add(cost);
  }
  return run;
}

// ---- small examples

namespace {

Result<std::optional<Finding>> shown_under(const LabJob& job, const Finding& wanted,
                                           Ordering ordering, const ExploreOptions& options) {
  ZT_ASSIGN(const FindingSet findings, findings_of(job, ordering, options));
  for (const Finding& finding : findings.findings()) {
    if (same_finding(finding, wanted.violation)) return std::optional<Finding>(finding);
  }
  return std::optional<Finding>();
}

// The finding as this job shows it, or nothing.
Result<std::optional<Finding>> shown_by(const LabJob& job, const Finding& wanted,
                                        const ExploreOptions& options, const LabGoal& goal) {
  ZT_ASSIGN(std::optional<Finding> shown,
            shown_under(job, wanted, options.record.ordering, options));
  if (shown && goal.gone_with) {
    ZT_ASSIGN(const auto still, shown_under(job, wanted, *goal.gone_with, options));
    if (still) shown.reset();
  }
  if (shown && goal.shown_with) {
    ZT_ASSIGN(const auto also, shown_under(job, wanted, *goal.shown_with, options));
    if (!also) shown.reset();
  }
  return shown;
}

LabJob without_op(const LabJob& job, size_t op) {
  Trace trace = job.workload.trace;
  trace.header.setup = job.workload.setup - (op < job.workload.setup ? 1 : 0);
  trace.ops.erase(trace.ops.begin() + static_cast<std::ptrdiff_t>(op));
  return {workload_from_trace(std::move(trace)), job.device, job.io_path};
}

}  // namespace

Result<LabExample> shrink_example(const LabJob& job, const Finding& finding,
                                  const ExploreOptions& options, const LabGoal& goal) {
  LabJob best = job;
  best.workload.trace.header.setup = job.workload.setup;
  best.workload.trace.header.about.clear();
  best.workload = workload_from_trace(best.workload.trace);
  ZT_ASSIGN(std::optional<Finding> shown, shown_by(best, finding, options, goal));
  if (!shown) {
    return sim::Error(sim::Errno::kInval, fmt::format("{}: the finding {} is not there",
                                                      job.workload.name, finding.fingerprint));
  }
  // Until a whole round has left out nothing: what one operation needed may be gone by then.
  for (bool smaller = true; smaller;) {
    smaller = false;
    for (size_t op = best.workload.trace.ops.size(); op-- > 0;) {
      LabJob candidate = without_op(best, op);
      ZT_ASSIGN(std::optional<Finding> still, shown_by(candidate, finding, options, goal));
      if (!still) continue;
      best = std::move(candidate);
      shown = std::move(still);
      smaller = true;
    }
  }
  ZT_ASSIGN(const ReproId id, parse_repro_id(shown->repro.substr(shown->repro.rfind(' ') + 1)));
  ZT_ASSIGN(RebuiltState state, rebuild(best.workload, id, options.record));
  return LabExample{std::move(best.workload), std::move(*shown), std::move(state.description)};
}

// ---- comparing

namespace {

std::vector<std::string> missing_in(const FindingSet& from, const FindingSet& in) {
  std::vector<std::string> missing;
  for (const Finding& finding : from.findings()) {
    if (!in.contains(finding.fingerprint)) missing.push_back(finding.fingerprint);
  }
  return missing;
}

class Comparison {
 public:
  Comparison(const std::vector<LabJob>& jobs, const ExploreOptions& options, const LabHook& hook)
      : jobs_(jobs), options_(options), hook_(hook) {}

  Result<LabReport> run() {
    LabReport report;
    ZT_ASSIGN(report.linux_run, explore_all(Ordering::kLinux));
    ZT_ASSIGN(report.careful_run, explore_all(Ordering::kCareful));
    for (const exfat::RuleInfo& info : exfat::all_rules()) {
      ZT_ASSIGN(LabRun alone, explore_all(Ordering::kLinux.with(info.rule)));
      ZT_ASSIGN(const LabRun others, explore_all(Ordering::kCareful.without(info.rule)));
      RuleWorth worth{info.rule, {}, {}, {}, {}};
      worth.removes = missing_in(report.linux_run.findings, alone.findings);
      worth.adds = missing_in(alone.findings, report.linux_run.findings);
      worth.only = missing_in(others.findings, report.careful_run.findings);
      times_.push_back(total(alone.costs).nanoseconds);
      worth.costs = std::move(alone.costs);
      report.rules.push_back(std::move(worth));
    }
    ZT_TRY(find_weaknesses(&report));
    return report;
  }

 private:
  Result<LabRun> explore_all(Ordering ordering) {
    const size_t all = 2 + 2 * exfat::kRuleCount;
    if (hook_ && !hook_(done_, all)) return sim::Error(sim::Errno::kAgain, "stopped");
    ++done_;
    return run_ordering(jobs_, ordering, options_);
  }

  // The workload of a finding, from the repro line's name and device.
  Result<const LabJob*> job_of(const Finding& finding) const {
    ZT_ASSIGN(const ReproId id, parse_repro_id(finding.repro.substr(finding.repro.rfind(' ') + 1)));
    for (const LabJob& job : jobs_) {
      if (job.workload.name == id.workload && job.device == id.device) return &job;
    }
    return sim::Error(sim::Errno::kInval, finding.workload + ": no such workload");
  }

  std::vector<size_t> rules_by_cost() const {
    std::vector<size_t> order(times_.size());
    for (size_t i = 0; i < order.size(); ++i) order[i] = i;
    std::stable_sort(order.begin(), order.end(),
                     [this](size_t a, size_t b) { return times_[a] < times_[b]; });
    return order;
  }

  // What is left of all rules when each that is not needed is left out, dear ones first.
  Result<std::optional<Ordering>> joint_cure(const Finding& finding, const LabReport& report) {
    if (report.careful_run.findings.contains(finding.fingerprint)) {
      return std::optional<Ordering>();
    }
    ZT_ASSIGN(const LabJob* const job, job_of(finding));
    const std::vector<size_t> order = rules_by_cost();
    Ordering cure = Ordering::kCareful;
    for (auto i = order.rbegin(); i != order.rend(); ++i) {
      const Ordering less = cure.without(report.rules[*i].rule);
      ZT_ASSIGN(const FindingSet findings, findings_of(*job, less, options_));
      if (!findings.contains(finding.fingerprint)) cure = less;
    }
    return std::optional<Ordering>(cure);
  }

  using Group = std::vector<const Finding*>;

  // The rule that removes most of a group alone, the cheaper one of two; the findings that it
  // removes are taken out of the group.
  std::pair<std::optional<Rule>, Group> best_rule(Group* group, const LabReport& report) const {
    std::optional<Rule> best;
    Group taken;
    for (const size_t i : rules_by_cost()) {
      const RuleWorth& worth = report.rules[i];
      Group removed;
      for (const Finding* finding : *group) {
        const auto& prints = worth.removes;
        if (std::find(prints.begin(), prints.end(), finding->fingerprint) != prints.end()) {
          removed.push_back(finding);
        }
      }
      if (removed.size() <= taken.size()) continue;
      taken = std::move(removed);
      best = worth.rule;
    }
    std::erase_if(*group, [&taken](const Finding* finding) {
      return std::find(taken.begin(), taken.end(), finding) != taken.end();
    });
    return {best, std::move(taken)};
  }

  sim::Status add_weakness(const std::string& reason, std::optional<Ordering> cure,
                           const Group& group, LabReport* report) {
    const Finding* smallest = group.front();
    Weakness weakness{reason, cure, {}, {}};
    for (const Finding* finding : group) {
      weakness.findings.push_back(finding->fingerprint);
      if (smaller(*finding, *smallest)) smallest = finding;
    }
    ZT_ASSIGN(const LabJob* const job, job_of(*smallest));
    ExploreOptions options = options_;
    options.record.device = job->device;
    options.record.io_path = job->io_path;
    options.record.ordering = Ordering::kLinux;
    LabGoal goal{cure, std::nullopt};
    if (!cure) goal.shown_with = Ordering::kCareful;
    ZT_ASSIGN(weakness.example, shrink_example(*job, *smallest, options, goal));
    report->weaknesses.push_back(std::move(weakness));
    return {};
  }

  sim::Status find_weaknesses(LabReport* report) {
    std::vector<std::pair<std::string, Group>> by_reason;
    for (const Finding& finding : report->linux_run.findings.findings()) {
      std::string reason = explain(finding);
      if (reason.empty()) reason = "not explained";
      auto place = std::find_if(by_reason.begin(), by_reason.end(),
                                [&reason](const auto& one) { return one.first == reason; });
      if (place == by_reason.end()) place = by_reason.insert(place, {reason, {}});
      place->second.push_back(&finding);
    }
    for (auto& [reason, group] : by_reason) {
      for (;;) {
        const auto [rule, taken] = best_rule(&group, *report);
        if (!rule) break;
        ZT_TRY(add_weakness(reason, Ordering::kLinux.with(*rule), taken, report));
      }
      std::map<std::string, std::pair<std::optional<Ordering>, Group>> rest;
      for (const Finding* finding : group) {
        ZT_ASSIGN(const std::optional<Ordering> cure, joint_cure(*finding, *report));
        auto& one = rest[cure ? volume::print(*cure) : std::string()];
        one.first = cure;
        one.second.push_back(finding);
      }
      for (const auto& [text, one] : rest) {
        ZT_TRY(add_weakness(reason, one.first, one.second, report));
      }
    }
    std::stable_sort(report->weaknesses.begin(), report->weaknesses.end(),
                     [](const Weakness& a, const Weakness& b) {
                       const Contract left = a.example.finding.violation.contract;
                       const Contract right = b.example.finding.violation.contract;
                       if (left != right) return left < right;
                       return a.findings.size() > b.findings.size();
                     });
    return {};
  }

  // The graver contract first, then the workload with fewer operations.
  bool smaller(const Finding& a, const Finding& b) const {
    if (a.violation.contract != b.violation.contract) {
      return a.violation.contract < b.violation.contract;
    }
    const auto left = job_of(a);
    const auto right = job_of(b);
    if (!left.ok() || !right.ok()) return false;
    return (*left)->workload.trace.ops.size() < (*right)->workload.trace.ops.size();
  }

  const std::vector<LabJob>& jobs_;
  const ExploreOptions& options_;
  const LabHook& hook_;
  size_t done_ = 0;
  std::vector<uint64_t> times_;  // of each rule alone
};

}  // namespace

Result<LabReport> compare_orderings(const std::vector<LabJob>& jobs, const ExploreOptions& options,
                                    const LabHook& hook) {
  return Comparison(jobs, options, hook).run();
}

}  // namespace zerotail::harness
