// The run: states in order, each content once, to whichever checker is free; verdicts in order.
#include "zerotail/harness/log_explore.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <unordered_set>

#include "log_verdict.h"
#include "zerotail/harness/scratch_image.h"

namespace zerotail::harness {
namespace {

using sim::Errno;
using sim::Error;
using sim::Result;
using sim::Snapshot;
using sim::Status;

// All that is pending kept, and nothing of it.
constexpr uint64_t kLeastPerMark = 2;

struct DigestHash {
  size_t operator()(const sim::Digest& digest) const { return digest.low; }
};

// What is known of a state that was given to a checker.
struct Pending {
  std::string id;
  sim::Digest content;
  std::string image;
  std::optional<CheckOutcome> outcome;  // once it has ended
};

class LogExplorer {
 public:
  LogExplorer(const LogSource& source, const LogExploreOptions& options, const LogHook& hook)
      : source_(source),
        options_(options),
        hook_(hook),
        model_(source.log->log(), source.base, options.device, source.mark_indices),
        image_(model_),
        pool_({.slots = options.checker.jobs,
               .timeout = options.checker.timeout,
               .clock = options.checker.clock}),
        slot_jobs_(options.checker.jobs) {
    const auto marks = static_cast<uint64_t>(
        std::count_if(model_.points().begin(), model_.points().end(), is_mark));
    uint64_t points = model_.points().size();
    uint64_t budget = options.budget;
    per_point_ = std::max<uint64_t>(1, budget / points);
    all_marks_ = marks <= budget / 4;
    if (all_marks_) {
      points -= marks;
      budget -= kLeastPerMark * marks;
    }
    budget = std::max<uint64_t>(1, budget);
    step_ = std::max<uint64_t>(1, (points + budget - 1) / budget);
  }

  Result<LogExploration> run() {
    ZT_TRY(make_images());
    ZT_TRY(judge_base());
    head();
    for (const fault::CrashPoint& point : model_.points()) {
      if (!explore_point(point)) break;
    }
    while (status_.ok() && !stopped_ && pool_.running() > 0) await_one();
    if (!status_.ok()) return status_.error();
    if (!stopped_) ZT_TRY(audit_images());
    result_.complete = !stopped_;
    result_.report.digest = digest_.hex();
    for (const ScratchImage& image : images_) {
      result_.sectors_written += image.sectors_written();
      result_.repairs += image.repairs();
    }
    return std::move(result_);
  }

 private:
  Status make_images() {
    for (size_t i = 0; i < options_.checker.jobs; ++i) {
      ZT_ASSIGN(ScratchImage image,
                ScratchImage::create(fmt::format("{}/state-{}.img", options_.checker.folder, i)));
      images_.push_back(std::move(image));
    }
    return {};
  }

  // What the checker says of the disk before the log: whether it can be run at all, and which of
  // its words mean nothing.
  Status judge_base() {
    ZT_TRY(hold(0, source_.base));
    ZT_TRY(start(0, {}));
    std::optional<CheckerPool::Ended> ended;
    while (!ended) {
      ZT_ASSIGN(ended, pool_.wait());
      if (!ended && hook_ && !hook_(progress_)) {
        stopped_ = true;
        return {};
      }
    }
    ZT_TRY(check_runnable(ended->outcome, options_.checker.ok, options_.checker.command.text()));
    result_.base =
        judge_outcome(std::move(ended->outcome), options_.checker.ok, {}, images_[0].path());
    if (result_.base.good) {
      usual_ = normalise_output(result_.base.outcome.output, images_[0].path());
    }
    return audit_images();
  }

  void head() {
    WorkloadReport& report = result_.report;
    report.workload = source_.workload();
    report.points = model_.points().size();
    report.epochs = model_.segment(model_.points().back()).epoch + 1;
    for (const sim::IoRecord& record : model_.records()) {
      const bool flush = record.op == sim::BioOp::kFlush;
      report.requests += flush ? 0 : 1;
      report.flushes += flush || record.preflush ? 1 : 0;
    }
    for (const fault::CrashPoint& point : model_.points()) {
      const uint64_t budget = budget_at(point);
      if (budget > 0) progress_.total += model_.state_count(point, budget).value_or(budget);
    }
  }

  static bool is_mark(const fault::CrashPoint& point) {
    return point.kind == fault::PointKind::kMark;
  }
  // States to look at. More points than the budget has states: all marks, because something was
  // promised there, and every so many of the others.
  [[nodiscard]] uint64_t budget_at(const fault::CrashPoint& point) const {
    if (all_marks_ && is_mark(point)) return std::max(per_point_, kLeastPerMark);
    return point.index % step_ == 0 ? per_point_ : 0;
  }

  // False: an error, or the hook asked to stop.
  bool explore_point(const fault::CrashPoint& point) {
    if (stopped_) return false;
    fault::EnumerationOptions tiers = options_.tiers;
    tiers.states_per_point = budget_at(point);
    tiers.boundary = is_mark(point);
    mark_ = last_mark(source_, point);
    const fault::EnumerationCounts counts =
        fault::for_each_state(model_, point, tiers, [this](const fault::CrashState& state) {
          explore_state(state);
          ++progress_.states;
          stopped_ = stopped_ || (hook_ && !hook_(progress_));
          return status_.ok() && !stopped_;
        });
    const uint64_t all =
        std::max(counts.states, model_.state_count(point, kStateLimit).value_or(kStateLimit));
    StateCounts& states = result_.report.states;
    states.add({model_.states_log2(point), all, 0, 0, 0, all - counts.states});
    for (size_t i = 0; i < counts.tiers.size(); ++i) result_.report.tiers[i].add(counts.tiers[i]);
    return status_.ok() && !stopped_;
  }

  void explore_state(const fault::CrashState& state) {
    image_.set(state);
    sim::Digest key = image_.digest();
    if (options_.checker.command.uses_mark()) {
      key += sim::bytes_digest(mark_.data(), mark_.size(), 1);
    }
    if (!seen_.insert(key).second && !options_.check_all) {
      ++result_.report.states.merged;
      return;
    }
    ++result_.report.states.checked;
    while (status_.ok() && !stopped_ && pool_.running() == images_.size()) await_one();
    if (!status_.ok() || stopped_) return;
    const auto free = std::find(slot_jobs_.begin(), slot_jobs_.end(), std::nullopt);
    const auto slot = static_cast<size_t>(free - slot_jobs_.begin());
    status_ = hold(slot, image_.materialise());
    if (status_.ok()) status_ = start(slot, mark_);
    if (!status_.ok()) return;
    *free = next_job_;
    pending_[next_job_++] = {model_.print(state), image_.digest(), images_[slot].path(), {}};
  }

  Status hold(size_t slot, const Snapshot& disk) {
    return images_[slot].hold(disk, options_.checker.fresh_images);
  }
  Status start(size_t slot, const std::string& mark) {
    return pool_.start(slot, options_.checker.command.words({images_[slot].path(), mark}));
  }

  void await_one() {
    auto ended = pool_.wait();
    if (!ended.ok()) {
      status_ = ended.error();
      return;
    }
    if (!ended->has_value()) {  // a signal
      stopped_ = hook_ && !hook_(progress_);
      return;
    }
    std::optional<uint64_t>& job = slot_jobs_[(*ended)->slot];
    pending_[*job].outcome = std::move((*ended)->outcome);
    job.reset();
    take_verdicts();
  }

  // Verdicts are taken in the order of the states.
  void take_verdicts() {
    while (!pending_.empty() && pending_.begin()->second.outcome && status_.ok()) {
      Pending state = std::move(pending_.begin()->second);
      pending_.erase(pending_.begin());
      status_ =
          check_runnable(*state.outcome, options_.checker.ok, options_.checker.command.text());
      if (!status_.ok()) return;
      LogVerdict verdict =
          judge_outcome(std::move(*state.outcome), options_.checker.ok, usual_, state.image);
      const std::string text = state.id + " " + state.content.hex() + " " + verdict.outcome.kind() +
                               " " + verdict.fingerprint;
      digest_ += sim::bytes_digest(text.data(), text.size(), digest_.low);
      if (verdict.good) {
        for (std::string& line : normalise_output(verdict.outcome.output, state.image)) {
          said_of_good_.insert(std::move(line));
        }
      } else {
        report(state, std::move(verdict));
      }
    }
  }

  void report(const Pending& state, LogVerdict verdict) {
    const bool timeout = verdict.outcome.end == CheckOutcome::End::kTimeout;
    if (result_.findings.contains(verdict.fingerprint)) {
      result_.findings.count_again(verdict.fingerprint);
      return;
    }
    Finding finding;
    finding.violation.contract = Contract::kConsistent;
    finding.violation.kind = verdict.outcome.kind();
    finding.violation.path = source_.log_name;
    finding.violation.detail = detail_of(verdict);
    finding.workload = source_.workload();
    finding.state = state.id;
    finding.repro = repro_line(state.id);
    if (timeout) {
      const auto limit = std::chrono::ceil<std::chrono::seconds>(options_.checker.timeout);
      finding.repro += fmt::format(" --check-timeout {}", limit.count());
    }
    finding.fingerprint = verdict.fingerprint;
    finding.group = verdict.fingerprint;  // it rests on the words alone, whatever the log
    result_.outputs[verdict.fingerprint] = std::move(verdict.outcome.output);
    result_.findings.add(std::move(finding));
    ++progress_.findings;
  }

  // The first line that no good state gave so far. (The fingerprint must not depend on them.)
  [[nodiscard]] std::string detail_of(const LogVerdict& verdict) const {
    if (verdict.telling.empty()) return "the checker says nothing of it";
    const auto first =
        std::find_if(verdict.telling.begin(), verdict.telling.end(),
                     [this](const std::string& line) { return said_of_good_.count(line) == 0; });
    std::string text = first != verdict.telling.end() ? *first : verdict.telling.front();
    if (verdict.telling.size() > 1) {
      text += fmt::format(" (and {} lines more)", verdict.telling.size() - 1);
    }
    return text;
  }

  [[nodiscard]] std::string repro_line(const std::string& state) const {
    std::string ok;
    for (const int code : options_.checker.ok) {
      ok += fmt::format("{}{}", ok.empty() ? "" : ",", code);
    }
    const std::string id = print(LogStateId{source_.workload(), options_.device, state});
    std::string line = fmt::format("zerotail repro {} --log {} --base {} --check-cmd {}", id,
                                   shell_word(source_.log_name), shell_word(source_.base_name),
                                   shell_word(options_.checker.command.text()));
    if (ok != "0") line += " --check-ok " + ok;
    for (const size_t entry : source_.without) line += fmt::format(" --log-without {}", entry);
    return line;
  }

  // A checker that writes in a way that the images do not see would spoil what follows.
  Status audit_images() {
    for (const ScratchImage& image : images_) {
      if (options_.checker.fresh_images || !image.filled()) continue;
      ZT_ASSIGN(const bool touched, image.touched());
      if (touched) continue;
      ZT_ASSIGN(const bool same, image.verify());
      if (!same) {
        return Error(Errno::kIo,
                     fmt::format("{}: '{}' has written to it in a way that is not seen; "
                                 "--check-writes makes a fresh image for each state",
                                 image.path(), options_.checker.command.text()));
      }
    }
    return {};
  }

  const LogSource& source_;
  const LogExploreOptions& options_;
  const LogHook& hook_;
  fault::CrashModel model_;
  fault::CrashImage image_;
  std::vector<ScratchImage> images_;  // one a slot
  CheckerPool pool_;                  // ended before the images go
  std::vector<std::optional<uint64_t>> slot_jobs_;
  std::map<uint64_t, Pending> pending_;  // by number of the state
  uint64_t next_job_ = 0;
  uint64_t per_point_ = 0;
  uint64_t step_ = 1;
  bool all_marks_ = false;
  std::unordered_set<sim::Digest, DigestHash> seen_;  // asked, never walked
  std::vector<std::string> usual_;
  std::set<std::string> said_of_good_;
  std::string mark_;
  LogExploration result_;
  LogProgress progress_;
  sim::Digest digest_;
  Status status_;
  bool stopped_ = false;
};

}  // namespace

Result<LogExploration> explore_log(const LogSource& source, const LogExploreOptions& options,
                                   const LogHook& hook) {
  return LogExplorer(source, options, hook).run();
}

}  // namespace zerotail::harness
