#include "zerotail/harness/judge.h"

#include <fmt/format.h>

namespace zerotail::harness {
namespace {

std::string plain_path(const std::string& path) {
  if (path.empty()) return "<clusters>";
  return path.size() > 1 && path.front() == '/' ? path.substr(1) : path;
}

}  // namespace

Judge::Judge(const Recording& recording, const fault::CrashModel& model, bool core_probe)
    : recording_(recording), model_(model), oracle_(recording) {
  if (core_probe) probe_ = std::make_unique<CoreProbe>(recording, model);
}

void Judge::move_to(const fault::CrashPoint& point) {
  const sim::Snapshot& base = model_.segment(point).base;
  if (point.segment != segment_) {
    segment_ = point.segment;
    if (checker_ == nullptr) {
      checker_ = std::make_unique<IncrementalChecker>(base);
    } else {
      checker_->rebase(base);
    }
    if (probe_) probe_->move_to(point);
    have_counts_ = false;
  }
  const OpCounts counts = op_counts(recording_, point.event);
  if (have_counts_ && counts == counts_) return;
  have_counts_ = true;
  counts_ = counts;
  ++context_;
  oracle_.set_context(counts, base, checker_->base());
}

const std::vector<Violation>& Judge::judge(const fault::CrashImage& image) {
  violations_.clear();
  const CheckJudgement judgement = checker_->judge(image, image.changed());
  judge_structure(judgement);
  if (judgement.view->mountable()) oracle_.judge(image, judgement, &violations_);
  if (probe_) probe_->probe(image, *judgement.view, oracle_, &violations_);
  return violations_;
}

void Judge::judge_structure(const CheckJudgement& judgement) {
  const VolumeView& view = *judgement.view;
  if (!view.mountable()) {
    const CheckProblem* first = nullptr;
    for (const CheckProblem& problem : judgement.problems) {
      if (group(problem.kind) == CheckGroup::kMount && first == nullptr) first = &problem;
    }
    violations_.push_back({Contract::kMountable, "no-mount", "<volume>", std::nullopt,
                           first == nullptr ? std::string("no reason given") : first->describe()});
    return;
  }
  if (!judgement.problems.empty() && !view.volume_dirty) {
    violations_.push_back({Contract::kFlagged, "clean-but-inconsistent", "<volume>", std::nullopt,
                           fmt::format("{} problems, the first: {}", judgement.problems.size(),
                                       judgement.problems.front().describe())});
  }
  const CheckProblem* previous = nullptr;
  for (const CheckProblem& problem : judgement.problems) {
    // Problems are sorted: those that would make the same finding stand together.
    if (previous != nullptr && previous->kind == problem.kind && previous->path == problem.path) {
      continue;
    }
    previous = &problem;
    violations_.push_back({Contract::kConsistent, std::string(name(problem.kind)),
                           plain_path(problem.path), std::nullopt, problem.detail()});
  }
}

}  // namespace zerotail::harness
