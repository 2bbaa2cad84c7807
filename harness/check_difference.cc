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

std::optional<CheckJudgement> StateJudge::report() {
  DifferenceWalk walk{tree_, *in_.base.view->upcase,
                      [this](const TreeNode& node) { return data_changed(node); }};
  walk.compare(*in_.base.view->root, *root_, "/", "/");
  if (walk.too_long()) return std::nullopt;
  CheckJudgement judgement;
  auto view = std::make_shared<VolumeView>(*in_.base.view);
  view->volume_dirty = flags_.dirty;
  view->media_failure = flags_.media_failure;
  view->root_chain = root_chain_;
  view->root = root_;
  judgement.view = std::move(view);
  judgement.problems = problems();
  judgement.differences = walk.take();
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

void DifferenceWalk::compare(const DirectoryView& before, const DirectoryView& now,
                             const std::string& base_path, const std::string& now_path) {
  if (too_long()) return;
  const auto base = tree_.by_view.find(&before);
  std::vector<uint32_t> data;
  if (base != tree_.by_view.end()) data = tree_.directories[base->second].data_nodes;
  std::sort(data.begin(), data.end());
  data.erase(std::unique(data.begin(), data.end()), data.end());
  if (&before == &now) {
    for (const uint32_t node : data) same(before.nodes[node], base_path, now_path);
    return;
  }
  std::vector<Node> removed;
  std::vector<Node> added;
  size_t old = 0;
  for (const Node& node : now.nodes) {
    while (old < before.nodes.size() && before.nodes[old]->set->entry < node->set->entry) {
      removed.push_back(before.nodes[old++]);
    }
    if (old < before.nodes.size() && before.nodes[old] == node) {
      const auto index = static_cast<uint32_t>(old++);
      if (std::binary_search(data.begin(), data.end(), index)) same(node, base_path, now_path);
    } else {
      added.push_back(node);
    }
  }
  removed.insert(removed.end(), before.nodes.begin() + static_cast<ptrdiff_t>(old),
                 before.nodes.end());
  for (const Node& node : added) {
    const auto partner = std::find_if(removed.begin(), removed.end(), [&](const Node& other) {
      return other != nullptr && shown(other) && shown(node) &&
             other->set->name_key == node->set->name_key &&
             upcase_.same_name(other->set->name, node->set->name);
    });
    if (partner == removed.end()) {
      list_new(node, now_path);
    } else {
      replaced(*partner, node, base_path, now_path);
      partner->reset();
    }
  }
  for (const Node& node : removed) {
    if (node != nullptr) list_gone(node, base_path);
  }
}

// A node that is the base's own, with changed data in it or below it.
void DifferenceWalk::same(const Node& node, const std::string& base_path,
                          const std::string& now_path) {
  const std::string path = join_path(now_path, node->set->utf8);
  if (node->child != nullptr) {
    compare(*node->child, *node->child, join_path(base_path, node->set->utf8), path);
    return;
  }
  CheckDifference d;
  d.path = path;
  d.base = node;
  d.now = node;
  d.data_changed = true;
  all_.push_back(std::move(d));
}

void DifferenceWalk::replaced(const Node& before, const Node& now, const std::string& base_path,
                              const std::string& now_path) {
  CheckDifference d;
  d.path = join_path(now_path, now->set->utf8);
  d.base = before;
  d.now = now;
  d.set_changed = before->set->digest != now->set->digest;
  d.chain_changed = !same_chains(*before, *now);
  d.data_changed = data_changed_(*now);
  const std::string below = d.path;
  if (d.set_changed || d.chain_changed || d.data_changed) all_.push_back(std::move(d));
  const std::string base_below = join_path(base_path, before->set->utf8);
  if (before->child != nullptr && now->child != nullptr) {
    compare(*before->child, *now->child, base_below, below);
  } else if (before->child != nullptr) {
    for (const Node& node : before->child->nodes) list_gone(node, base_below);
  } else if (now->child != nullptr) {
    for (const Node& node : now->child->nodes) list_new(node, below);
  }
}

void DifferenceWalk::list_gone(const Node& node, const std::string& directory) {
  if (!shown(node) || too_long()) return;
  CheckDifference d;
  d.path = join_path(directory, node->set->utf8);
  d.base = node;
  d.set_changed = true;
  d.chain_changed = true;
  const std::string path = d.path;
  all_.push_back(std::move(d));
  if (node->child == nullptr) return;
  for (const Node& below : node->child->nodes) list_gone(below, path);
}

void DifferenceWalk::list_new(const Node& node, const std::string& directory) {
  if (!shown(node) || too_long()) return;
  CheckDifference d;
  d.path = join_path(directory, node->set->utf8);
  d.now = node;
  d.set_changed = true;
  d.chain_changed = true;
  d.data_changed = data_changed_(*node);
  const std::string path = d.path;
  all_.push_back(std::move(d));
  if (node->child == nullptr) return;
  for (const Node& below : node->child->nodes) list_new(below, path);
}

std::vector<CheckDifference> DifferenceWalk::take() {
  std::stable_sort(all_.begin(), all_.end(),
                   [](const CheckDifference& a, const CheckDifference& b) {
                     if (a.path != b.path) return a.path < b.path;
                     return (a.base == nullptr) < (b.base == nullptr);
                   });
  return std::move(all_);
}

}  // namespace zerotail::harness
