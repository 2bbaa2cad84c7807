#include "zerotail/harness/exploration.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <unordered_map>

#include "nested.h"
#include "seen_states.h"
#include "zerotail/harness/check.h"
#include "zerotail/harness/circumstances.h"
#include "zerotail/harness/judge.h"
#include "zerotail/sim/prng.h"

namespace zerotail::harness {
namespace {

using sim::Result;

constexpr uint64_t kLeastPerPoint = 8;

// Violations as findings: the text of the first state that shows one, a fingerprint made once.
class Collector {
 public:
  // `after`: the crash state that the workload started from, with the separator. What goes on is
  // the same after every workload, so that findings of it have one name.
  Collector(const Workload& workload, const ExploreOptions& options, const std::string& after)
      : options_(options),
        after_(after),
        family_(after.empty() && !workload.family.empty()),
        touch_(workload.family_tells_touch),
        name_(
            name_in_findings(after.empty() ? workload : Workload{"again", {}, 0}, options.record)) {
    const RecordOptions& record = options.record;
    const std::string plain = name_of_continued(workload.name);
    const std::string faults = record.faults
                                   ? fmt::format("--fault '{}' ", fault::print(*record.faults))
                                   : options.faults_before;
    repro_prefix_ = "zerotail repro " + faults +
                    print(ReproId{plain, record.device, record.io_path, record.ordering,
                                  record.cache, record.seed, after});
  }

  // Adds a state's violations; what is added to the run's digest is the order of fingerprints.
  // `recording` and `counts` say where it happened.
  void add(const std::vector<Violation>& violations, const std::string& state,
           const Recording& recording, OpCounts counts, sim::Digest* digest) {
    for (const Violation& violation : violations) {
      if (!options_.contracts[static_cast<size_t>(violation.contract)]) continue;
      key_.assign(violation.kind);
      key_.push_back(static_cast<char>(violation.contract));
      key_.append(violation.path);
      // In a family the circumstances decide, and they follow from the counts.
      if (family_ || options_.by_operation)
        key_ += fmt::format("\n{} {}", counts.issued, counts.returned);
      auto [place, fresh] = prints_.try_emplace(key_);
      if (fresh) place->second = print_of(violation, recording, counts);
      *digest += sim::bytes_digest(place->second.data(), place->second.size(), digest->low);
      if (findings_.contains(place->second)) {
        findings_.count_again(place->second);
      } else {
        report(violation, place->second, state, circumstances(recording, counts, violation));
      }
    }
  }

  // Findings of a crash after a crash.
  void add(const std::vector<Finding>& findings) {
    for (const Finding& finding : findings) findings_.add(finding);
  }
  // What was found since the last call.
  [[nodiscard]] std::vector<Finding> take() {
    std::vector<Finding> all = std::move(findings_.findings());
    findings_ = FindingSet{};
    return all;
  }
  [[nodiscard]] const std::string& repro_prefix() const { return repro_prefix_; }

 private:
  [[nodiscard]] std::string print_of(const Violation& violation, const Recording& recording,
                                     OpCounts counts) const {
    if (options_.by_operation) {
      return fingerprint(violation, fmt::format("{}#{}.{}", name_, counts.issued, counts.returned));
    }
    if (!family_) return fingerprint(violation, name_);
    Circumstances found = circumstances(recording, counts, violation);
    if (!touch_) found.touch.clear();
    return fingerprint_in_family(group_of(violation, found), name_);
  }

  void report(const Violation& violation, const std::string& print, const std::string& state,
              Circumstances circumstances) {
    Finding finding;
    finding.violation = violation;
    finding.group = group_of(violation, circumstances);
    finding.circumstances = std::move(circumstances);
    finding.workload = name_;
    finding.state = after_ + state;
    finding.repro = repro_prefix_ + state;
    finding.fingerprint = print;
    findings_.add(std::move(finding));
  }

  const ExploreOptions& options_;
  std::string after_;
  bool family_;
  bool touch_;  // of a family: it tells findings apart
  std::string repro_prefix_;
  FindingSet findings_;
  std::string name_;  // the workload's, with a device that is not the default
  std::string key_;
  std::unordered_map<std::string, std::string> prints_;
};

// Points [begin, end) of one segment.
struct Range {
  uint32_t begin = 0;
  uint32_t end = 0;
};

std::vector<Range> cut_into_parts(const fault::CrashModel& model) {
  std::vector<Range> parts;
  for (const fault::CrashPoint& point : model.points()) {
    const bool same = !parts.empty() && model.points()[parts.back().begin].segment == point.segment;
    if (!same) parts.push_back({point.index, point.index});
    parts.back().end = point.index + 1;
  }
  return parts;
}

// The points at which an operation returns: the last before the mark of its return.
std::vector<bool> find_boundaries(const Recording& recording, const fault::CrashModel& model) {
  std::vector<bool> boundary(model.points().size());
  for (const sim::IoMark& mark : recording.log->marks()) {
    if (mark.kind != kMarkReturned) continue;
    const auto after = std::partition_point(
        model.points().begin(), model.points().end(),
        [&](const fault::CrashPoint& point) { return point.event <= mark.event; });
    if (after != model.points().begin()) {
      boundary[static_cast<size_t>(after - model.points().begin()) - 1] = true;
    }
  }
  return boundary;
}

}  // namespace

struct Exploration::Impl {
  Impl(const Workload& workload_in, const ExploreOptions& options_in, Recording recording_in,
       const std::string& after)
      : workload(workload_in),
        options(options_in),
        recording(std::move(recording_in)),
        model(*recording.log, recording.base, options.record.device, recording.promise_marks),
        image(model),
        judge(recording, model, options.core_probe),
        collector(workload, options, after),
        boundary(find_boundaries(recording, model)),
        parts(cut_into_parts(model)),
        nested(!after.empty()),
        older(nested ? older_damage(recording.base) : Older{}) {
    const uint64_t points = std::max<uint64_t>(1, model.points().size());
    per_point = std::max<uint64_t>(kLeastPerPoint, options.budget / points);
    nested_step = options.nested == 0 ? 0 : (points + options.nested - 1) / options.nested;
    heading.workload = workload.name;
    heading.device = options.record.device;
    heading.points = model.points().size();
    heading.epochs = model.points().empty() ? 0 : model.segment(model.points().back()).epoch + 1;
    heading.requests = recording.requests;
    heading.flushes = recording.flushes;
  }

  // False when the hook asked to stop.
  bool explore_point(const fault::CrashPoint& point, const ProgressHook& hook) {
    fault::EnumerationOptions tiers = options.tiers;
    tiers.states_per_point = per_point;
    tiers.boundary = boundary[point.index];
    const uint64_t context = judge.context();
    judge.move_to(point);
    if (judge.context() != context) seen.begin(judge.far_units());
    bool stopped = false;
    const fault::EnumerationCounts counts =
        fault::for_each_state(model, point, tiers, [&](const fault::CrashState& state) {
          explore_state(state);
          ++progress.states;
          stopped = hook && !hook(progress);
          return !stopped;
        });
    const uint64_t all = model.state_count(point, kStateLimit).value_or(kStateLimit);
    ZT_ASSERT(all >= counts.states);
    StateCounts& states = report.states;
    states.add({model.states_log2(point), all, 0, 0, 0, all - counts.states});
    for (size_t i = 0; i < counts.tiers.size(); ++i) report.tiers[i].add(counts.tiers[i]);
    report.nested.of += counts.states;
    if (!stopped && nested_step != 0 && point.index % nested_step == 0) {
      stopped = !explore_nested(point, counts.states, tiers, hook);
    }
    return !stopped;
  }

  void explore_state(const fault::CrashState& state) {
    image.set(state);
    if (options.prune) {
      switch (seen.look_up(image)) {
        case SeenStates::Known::kSame:
          ++report.states.merged;
          return;
        case SeenStates::Known::kEquivalent:
          ++report.states.pruned;
          return;
        case SeenStates::Known::kNo:
          break;
      }
    }
    const std::string id = model.print(state);
    const sim::ReproScope scope(collector.repro_prefix() + id);
    judge.look_at(image);
    ++report.states.checked;
    report.digest += sim::bytes_digest(id.data(), id.size(), report.digest.low);
    report.digest += image.digest();
    if (nested) {
      std::vector<Violation> violations = judge.judge();
      drop_older(older, &violations);
      collector.add(violations, id, recording, judge.counts(), &report.digest);
    } else {
      collector.add(judge.judge(), id, recording, judge.counts(), &report.digest);
    }
    if (options.prune) seen.add(image, judge.far_units_read());
  }

  // Goes on working from one state of the point, drawn from the seed.
  bool explore_nested(const fault::CrashPoint& point, uint64_t count,
                      const fault::EnumerationOptions& tiers, const ProgressHook& hook) {
    if (count == 0) return true;
    sim::Prng prng = sim::Prng(options.tiers.seed).fork("nested").fork(point.index);
    uint64_t skip = prng.below(count);
    fault::CrashState chosen;
    fault::for_each_state(model, point, tiers, [&](const fault::CrashState& state) {
      chosen = state;
      return skip-- != 0;
    });
    image.set(chosen);
    const sim::Snapshot disk = image.materialise();
    if (!can_go_on(disk)) {
      ++report.nested.unusable;
      return true;
    }
    ExploreOptions again = options;
    again.nested = 0;
    again.budget = options.nested_budget;
    again.record.image = disk;
    again.record.keep_free = true;
    if (options.record.faults) {
      again.faults_before = fmt::format("--fault '{}' ", fault::print(*options.record.faults));
      again.record.faults.reset();  // they spoilt the first run
    }
    const std::string id = model.print(chosen);
    const sim::ReproScope scope(collector.repro_prefix() + id);
    const auto exploration =
        Exploration::create(continuation(workload), again, id + kNestedSeparator);
    if (!exploration.ok()) {
      ++report.nested.unusable;
      return true;
    }
    ++report.nested.continued;
    for (size_t part = 0; part < (*exploration)->parts(); ++part) {
      const uint64_t before = progress.states;
      const PartReport inner = (*exploration)->explore(part, [&](const ExploreProgress& now) {
        progress.states = before + now.states;
        return !hook || hook(progress);
      });
      report.nested.states.add(inner.states);
      report.core_mounts += inner.core_mounts;
      report.digest += sim::bytes_digest(&inner.digest, sizeof(inner.digest), report.digest.low);
      collector.add(inner.findings);
      if (!inner.complete) return false;
    }
    return true;
  }

  void report_wrong_answers() {
    for (const WrongAnswer& wrong : recording.wrong_answers) {
      const Violation violation{Contract::kAnswers, "differs", wrong.path, std::nullopt,
                                fmt::format("operation {} ({}): {}", wrong.op,
                                            recording.history->op_text(wrong.op), wrong.text)};
      collector.add({violation}, "p0+", recording, {wrong.op + 1, wrong.op + 1}, &report.digest);
    }
  }

  Workload workload;
  ExploreOptions options;
  Recording recording;
  fault::CrashModel model;
  fault::CrashImage image;
  Judge judge;
  Collector collector;
  SeenStates seen;
  std::vector<bool> boundary;
  std::vector<Range> parts;
  bool nested;  // starts from a crash state
  Older older;  // damage of that state
  uint64_t per_point = 0;
  uint64_t nested_step = 0;  // every so many points; 0: never
  WorkloadReport heading;
  PartReport report;  // of the part in progress
  ExploreProgress progress;
};

Exploration::Exploration(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Exploration::~Exploration() = default;

Result<std::unique_ptr<Exploration>> Exploration::create(const Workload& workload,
                                                         const ExploreOptions& options,
                                                         const std::string& after) {
  const sim::ReproScope scope("zerotail explore, workload " + workload.name);
  ZT_ASSIGN(Recording recording, record(workload.trace, workload.setup, options.record));
  auto impl = std::make_unique<Impl>(workload, options, std::move(recording), after);
  return std::unique_ptr<Exploration>(new Exploration(std::move(impl)));
}

size_t Exploration::parts() const { return impl_->parts.size() + 1; }

uint64_t Exploration::states_of(size_t part) const {
  if (part >= impl_->parts.size()) return 0;
  uint64_t count = 0;
  for (uint32_t i = impl_->parts[part].begin; i < impl_->parts[part].end; ++i) {
    const fault::CrashPoint& point = impl_->model.points()[i];
    count += impl_->model.state_count(point, impl_->per_point).value_or(impl_->per_point);
  }
  return count;
}

PartReport Exploration::explore(size_t part, const ProgressHook& hook) {
  Impl& impl = *impl_;
  impl.report = PartReport{};
  impl.report.part = part;
  impl.progress = {0, states_of(part)};
  const uint64_t mounts = impl.judge.core_mounts();
  if (part >= impl.parts.size()) {
    impl.report_wrong_answers();
  } else {
    // Nothing of another part is remembered.
    impl.judge.forget();
    for (uint32_t i = impl.parts[part].begin; i < impl.parts[part].end; ++i) {
      impl.report.complete = impl.explore_point(impl.model.points()[i], hook);
      if (!impl.report.complete) break;
    }
  }
  impl.report.core_mounts += impl.judge.core_mounts() - mounts;
  impl.report.findings = impl.collector.take();
  return std::move(impl.report);
}

const WorkloadReport& Exploration::heading() const { return impl_->heading; }

}  // namespace zerotail::harness
