#include "zerotail/harness/judge.h"

#include <fmt/format.h>

#include <algorithm>

namespace zerotail::harness {
namespace {

std::string plain_path(const std::string& path) {
  if (path.empty()) return "<clusters>";
  return path.size() > 1 && path.front() == '/' ? path.substr(1) : path;
}

// Calls `visit` with the runs of a node's chains, and of everything below it.
template <class Visit>
void for_each_run(const TreeNode& node, const Visit& visit) {
  const auto chain_runs = [&visit](const std::shared_ptr<const Chain>& chain) {
    if (chain == nullptr) return;
    for (const ClusterRun& run : chain->runs) visit(run);
  };
  chain_runs(node.chain);
  for (const auto& vendor : node.vendor) chain_runs(vendor);
  if (node.child == nullptr) return;
  for (const auto& child : node.child->nodes) for_each_run(*child, visit);
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
    find_far_units(model_.segment(point));
  }
  const OpCounts counts = op_counts(recording_, point.event);
  if (have_counts_ && counts == counts_) return;
  have_counts_ = true;
  counts_ = counts;
  ++context_;
  oracle_.set_context(counts, base, checker_->base());
}

void Judge::forget() {
  segment_ = UINT32_MAX;
  have_counts_ = false;
}

void Judge::find_far_units(const fault::Segment& segment) {
  far_.clear();
  const VolumeView& view = *checker_->base().view;
  // A state of overlapping units is not the sum of its units.
  if (!view.mountable() || segment.overlapping) return;
  const CheckGeometry& geometry = *view.geometry;
  std::vector<bool> reached(geometry.cluster_count);
  const auto mark = [&reached](const ClusterRun& run) {
    const uint64_t first = run.first.value() - 2;
    for (uint64_t i = first; i < first + run.count.value(); ++i) reached[i] = true;
  };
  TreeNode system;
  for (const auto& chain : {view.bitmap, view.upcase_chain, view.root_chain}) {
    system.vendor.push_back(chain);
  }
  for_each_run(system, mark);
  for (const auto& node : view.root->nodes) for_each_run(*node, mark);
  for (uint32_t i = 0; i < segment.units.size(); ++i) {
    const fault::Unit& unit = segment.units[i];
    bool far = true;
    for (sim::Sector s = unit.sector; far && s < unit.sector + unit.count;
         s += sim::SectorCount{1}) {
      const std::optional<sim::Cluster> cluster = geometry.cluster_at(s);
      far = cluster.has_value() && !reached[cluster->value() - 2];
    }
    if (far) far_.push_back(i);
  }
}

void Judge::look_at(const fault::CrashImage& image) {
  image_ = &image;
  judgement_ = checker_->judge(image, image.changed());
}

std::vector<uint32_t> Judge::far_units_read() const {
  if (far_.empty() || judgement_.everything) return far_;
  const std::vector<fault::Unit>& units = image_->segment().units;
  const CheckGeometry& geometry = *judgement_.view->geometry;
  std::vector<bool> read(units.size());
  const auto mark = [&](const ClusterRun& run) {
    const sim::Sector begin = geometry.sector_of(run.first);
    const sim::Sector end = begin + geometry.cluster_sectors() * run.count.value();
    auto unit = std::partition_point(far_.begin(), far_.end(), [&](uint32_t i) {
      return units[i].sector + units[i].count <= begin;
    });
    for (; unit != far_.end() && units[*unit].sector < end; ++unit) read[*unit] = true;
  };
  for (const CheckDifference& d : judgement_.differences) {
    if (d.now != nullptr) for_each_run(*d.now, mark);
  }
  // The root has no set that could differ.
  for (const ClusterRun& run : judgement_.view->root_chain->runs) mark(run);
  if (probe_) {
    for (const uint32_t unit : probe_->units_read()) read[unit] = true;
  }
  std::vector<uint32_t> list;
  for (const uint32_t unit : far_) {
    if (read[unit]) list.push_back(unit);
  }
  return list;
}

const std::vector<Violation>& Judge::judge() {
  violations_.clear();
  judge_structure(judgement_, &violations_);
  if (judgement_.view->mountable()) {
    oracle_.judge(*image_, judgement_, &violations_,
                  [this](sim::Sector begin, sim::Sector end) { return image_->delta(begin, end); });
  }
  if (probe_) probe_->probe(*image_, *judgement_.view, oracle_, &violations_);
  return violations_;
}

void judge_structure(const CheckJudgement& judgement, std::vector<Violation>* out) {
  const VolumeView& view = *judgement.view;
  if (!view.mountable()) {
    const CheckProblem* first = nullptr;
    for (const CheckProblem& problem : judgement.problems) {
      if (group(problem.kind) == CheckGroup::kMount && first == nullptr) first = &problem;
    }
    out->push_back({Contract::kMountable, "no-mount", "<volume>", std::nullopt,
                    first == nullptr ? std::string("no reason given") : first->describe()});
    return;
  }
  if (!judgement.problems.empty() && !view.volume_dirty) {
    out->push_back({Contract::kFlagged, "clean-but-inconsistent", "<volume>", std::nullopt,
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
    out->push_back({Contract::kConsistent, std::string(name(problem.kind)),
                    plain_path(problem.path), std::nullopt, problem.detail()});
  }
}

}  // namespace zerotail::harness
