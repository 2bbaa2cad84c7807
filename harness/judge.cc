#include "zerotail/harness/judge.h"

#include <fmt/format.h>

namespace zerotail::harness {
namespace {

std::string plain_path(const std::string& path) {
  if (path.empty()) return "<clusters>";
  return path.size() > 1 && path.front() == '/' ? path.substr(1) : path;
}

// Marks the clusters (from 2 on) of a node's chains, and of everything below it.
void mark_chains(const TreeNode& node, std::vector<bool>* clusters) {
  const auto mark = [clusters](const std::shared_ptr<const Chain>& chain) {
    if (chain == nullptr) return;
    for (const ClusterRun& run : chain->runs) {
      for (uint64_t i = 0; i < run.count.value(); ++i) {
        const uint64_t index = run.first.value() - 2 + i;
        if (index < clusters->size()) (*clusters)[index] = true;
      }
    }
  };
  mark(node.chain);
  for (const auto& vendor : node.vendor) mark(vendor);
  if (node.child == nullptr) return;
  for (const auto& child : node.child->nodes) mark_chains(*child, clusters);
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
    const VolumeView& view = *checker_->base().view;
    read_.clear();
    if (view.mountable()) {
      read_.resize(view.geometry->cluster_count);
      TreeNode system;
      for (const auto& chain : {view.bitmap, view.upcase_chain, view.root_chain}) {
        system.vendor.push_back(chain);
      }
      mark_chains(system, &read_);
      for (const auto& node : view.root->nodes) mark_chains(*node, &read_);
    }
  }
  const OpCounts counts = op_counts(recording_, point.event);
  if (have_counts_ && counts == counts_) return;
  have_counts_ = true;
  counts_ = counts;
  ++context_;
  oracle_.set_context(counts, base, checker_->base());
}

sim::Digest Judge::look_at(const fault::CrashImage& image) {
  image_ = &image;
  judgement_ = checker_->judge(image, image.changed());
  sim::Digest digest = image.digest();
  if (judgement_.everything || read_.empty() || !judgement_.view->geometry) return digest;
  const CheckGeometry& geometry = *judgement_.view->geometry;
  // Everything that the base or a changed entry reaches counts as read: more than is read at worst.
  bool prepared = false;
  for (const sim::Sector sector : image.changed()) {
    const std::optional<sim::Cluster> cluster = geometry.cluster_at(sector);
    if (!cluster || read_[cluster->value() - 2]) continue;
    if (!prepared) {
      prepared = true;
      read_now_.assign(read_.size(), false);
      for (const CheckDifference& d : judgement_.differences) {
        if (d.now == nullptr) continue;
        mark_chains(*d.now, &read_now_);
      }
      // The root has no set that could differ.
      TreeNode root;
      root.vendor.push_back(judgement_.view->root_chain);
      mark_chains(root, &read_now_);
    }
    if (read_now_[cluster->value() - 2]) continue;
    const std::byte fill = image.base().fill();
    digest -= sim::disk_digest(sector, image.sector(sector), fill);
    digest += sim::disk_digest(sector, image.base().sector(sector), fill);
  }
  return digest;
}

const std::vector<Violation>& Judge::judge() {
  violations_.clear();
  judge_structure(judgement_, &violations_);
  if (judgement_.view->mountable()) oracle_.judge(*image_, judgement_, &violations_);
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
