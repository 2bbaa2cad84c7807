// What is reported of a judged state: view, problems, differences from the base.
#include <algorithm>

#include "check_state.h"

namespace zerotail::harness {

namespace {

void append(std::vector<CheckProblem>& all, std::vector<CheckProblem> more) {
  all.insert(all.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
}

bool same_chain(const std::shared_ptr<const Chain>& a, const std::shared_ptr<const Chain>& b) {
  return a == b || (a != nullptr && b != nullptr && *a == *b);
}

bool same_chains(const TreeNode& a, const TreeNode& b) {
  return same_chain(a.chain, b.chain) &&
         std::equal(a.vendor.begin(), a.vendor.end(), b.vendor.begin(), b.vendor.end(), same_chain);
}

bool shown(const std::shared_ptr<const TreeNode>& node) {
  return node != nullptr && node->set->usable();
}

}  // namespace

CheckJudgement StateJudge::report() {
  CheckJudgement judgement;
  auto view = std::make_shared<VolumeView>(*in_.base.view);
  view->volume_dirty = flags_.dirty;
  view->media_failure = flags_.media_failure;
  view->root_chain = root_chain_;
  view->root = root_;
  judgement.view = std::move(view);
  judgement.problems = problems();
  judgement.differences = differences();
  return judgement;
}

std::vector<CheckProblem> StateJudge::problems() {
  // The boot region is the base's but for the flags: so are its problems.
  std::vector<CheckProblem> all = in_.base.boot.problems;
  append(all, in_.base.system_problems);
  append_fixed_problems(disk_, *in_.base.view, all);
  append(all, collect_problems(*root_));
  const AllocationFindings found = find_allocation();
  if (!found.words.empty() || !found.shared.empty()) {
    AllocationReport report{
        disk::FatReader{disk_, geometry_},
        [this](uint64_t index, std::vector<OwnerRef>& out) { owners_of(index, out); },
        [this](const DirectoryView& directory) { return path_of(directory); }};
    append(all, report.make(found));
  }
  std::sort(all.begin(), all.end());
  return all;
}

bool StateJudge::data_changed(const TreeNode& node) const {
  if (node.set->directory || node.chain == nullptr || heap_sectors_.empty()) return false;
  for (const ClusterRun& run : node.chain->runs) {
    const sim::Sector begin = geometry_.sector_of(run.first);
    const sim::Sector end = begin + geometry_.cluster_sectors() * run.count.value();
    const auto it = std::lower_bound(heap_sectors_.begin(), heap_sectors_.end(), begin);
    if (it != heap_sectors_.end() && *it < end) return true;
  }
  return false;
}

std::vector<CheckDifference> StateJudge::differences() {
  std::vector<CheckDifference> all;
  for (const NodeChange& change : changes_) {
    CheckDifference d;
    if (shown(change.before)) d.base = change.before;
    if (shown(change.now)) d.now = change.now;
    if (d.base == nullptr && d.now == nullptr) continue;
    const bool both = d.base != nullptr && d.now != nullptr;
    d.set_changed = !both || d.base->set->digest != d.now->set->digest;
    d.chain_changed = !both || !same_chains(*d.base, *d.now);
    d.data_changed = d.now != nullptr && data_changed(*d.now);
    // Only something below it changed: listed there.
    if (both && !d.set_changed && !d.chain_changed && d.now->set->directory) continue;
    d.path = d.now != nullptr
                 ? join_path(path_of(*change.directory), d.now->set->utf8)
                 : join_path(tree_.directories[change.base_directory].path, d.base->set->utf8);
    all.push_back(std::move(d));
  }
  std::sort(data_owners_.begin(), data_owners_.end());
  data_owners_.erase(std::unique(data_owners_.begin(), data_owners_.end()), data_owners_.end());
  for (const uint32_t owner : data_owners_) {
    if (!removed_.empty() && removed_[owner]) continue;
    const OwnerPlace& place = tree_.owners[owner - kFirstOwner];
    const BaseDirectory& directory = tree_.directories[place.directory];
    const DirectoryView* now = replaced_.empty() ? nullptr : replaced_[place.directory];
    CheckDifference d;
    d.base = directory.view->nodes[place.node];
    d.now = d.base;
    d.data_changed = true;
    d.path = join_path(path_of(now == nullptr ? *directory.view : *now), d.base->set->utf8);
    all.push_back(std::move(d));
  }
  std::sort(all.begin(), all.end(), [](const CheckDifference& a, const CheckDifference& b) {
    if (a.path != b.path) return a.path < b.path;
    return (a.base == nullptr) < (b.base == nullptr);
  });
  return all;
}

}  // namespace zerotail::harness
