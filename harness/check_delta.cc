// From the rebuilt tree to changed ownership. Invariant: after apply_claims(), a cluster's owners
// in the new state are the base's owners without removed nodes, and the chains of added nodes.
#include <algorithm>

#include "check_state.h"

namespace zerotail::harness {

namespace {

bool same_name(const TreeNode& a, const TreeNode& b, const UpcaseTable& upcase) {
  return a.set->usable() && b.set->usable() && a.set->name_key == b.set->name_key &&
         upcase.same_name(a.set->name, b.set->name);
}

bool in_runs(const Chain& chain, sim::Cluster cluster) {
  return std::any_of(chain.runs.begin(), chain.runs.end(), [cluster](const ClusterRun& run) {
    return cluster >= run.first && cluster < run.first + run.count;
  });
}

uint64_t directory_clusters(const DirectoryView& view) {
  uint64_t clusters = 0;
  for (const ClusterRun& run : view.runs) clusters += run.count.value();
  return clusters;
}

}  // namespace

// False: the tree's treatment depends on the order of the walk, or the system's entries changed.
bool StateJudge::build_tree() {
  root_ = in_.base.view->root;
  if (system_chain_touched_ && !system_chains_unchanged()) return false;
  if (root_chain_touched_) {
    disk::FatReader fat{disk_, geometry_};
    Chain chain = walk_chain(fat, geometry_, {.first_cluster = geometry_.root}, true);
    if (chain.stop != ChainStop::kEnd) return false;
    if (!(chain == *root_chain_)) root_chain_ = std::make_shared<const Chain>(std::move(chain));
  }
  const bool same_root = root_chain_ == in_.base.view->root_chain;
  if (same_root && !tree_.directories.front().dirty) return true;
  builder_.emplace(TreeBuilder::Input{.disk = disk_,
                                      .geometry = geometry_,
                                      .upcase = *in_.base.view->upcase,
                                      .memo = &in_.memo,
                                      .base_disk = &in_.base_disk,
                                      .base = &tree_},
                   in_.counters);
  builder_->build(*root_chain_);
  in_.stats.directories_parsed += builder_->parsed_directories();
  in_.stats.directories_recalled += builder_->recalled_directories();
  root_ = builder_->root();
  if (builder_->order_matters() || root_->height > kDepthLimit ||
      root_->longest_path > kPathLimit) {
    return false;
  }
  if (!builder_->built().empty() && builder_->built().front().raw->specials != in_.base.specials) {
    return false;
  }
  uint64_t clusters = tree_.clusters;
  for (const BuiltDirectory& built : builder_->built()) clusters += directory_clusters(*built.view);
  if (clusters > directory_limit(geometry_)) return false;
  count_references();
  find_changes();
  apply_claims();
  const int64_t claims = static_cast<int64_t>(in_.base.owners.claims()) + claims_delta_;
  return claims <= static_cast<int64_t>(claim_limit(geometry_));
}

bool StateJudge::system_chains_unchanged() {
  disk::FatReader fat{disk_, geometry_};
  for (const SpecialEntry& s : in_.base.specials) {
    const bool stale = s.type == disk::kTypeBitmap && bitmap_of(s) != geometry_.active_fat;
    const Chain* before = stale                         ? in_.base.view->stale_bitmap.get()
                          : s.type == disk::kTypeBitmap ? in_.base.view->bitmap.get()
                          : s.type == disk::kTypeUpcase ? in_.base.view->upcase_chain.get()
                                                        : nullptr;
    if (before == nullptr) continue;
    const ChainSpec spec{.first_cluster = s.first_cluster, .data_length = s.data_length};
    if (!(walk_chain(fat, geometry_, spec) == *before)) return false;
  }
  return true;
}

// Which directories of the base are still reached, after the rebuilt ones have replaced theirs.
void StateJudge::count_references() {
  const size_t count = tree_.directories.size();
  replaced_.assign(count, nullptr);
  references_.resize(count);
  for (size_t i = 0; i < count; ++i) {
    references_[i] = static_cast<int32_t>(tree_.directories[i].references);
  }
  std::unordered_map<const DirectoryView*, uint32_t> rebuilt;
  for (const BuiltDirectory& built : builder_->built()) {
    if (built.base == UINT32_MAX) continue;
    rebuilt.emplace(built.view.get(), built.base);
    replaced_[built.base] = built.view.get();
  }
  const auto base_of = [&](const DirectoryView* view) {
    if (const auto it = rebuilt.find(view); it != rebuilt.end()) return it->second;
    const auto it = tree_.by_view.find(view);
    return it == tree_.by_view.end() ? UINT32_MAX : it->second;
  };
  for (const BuiltDirectory& built : builder_->built()) {
    for (const uint32_t node : built.view->directories) {
      const uint32_t child = base_of(built.view->nodes[node]->child.get());
      if (child != UINT32_MAX) ++references_[child];
    }
  }
  for (const BuiltDirectory& built : builder_->built()) {
    if (built.base == UINT32_MAX) continue;
    const DirectoryView& before = *tree_.directories[built.base].view;
    for (const uint32_t node : before.directories) {
      drop_reference(tree_.by_view.at(before.nodes[node]->child.get()));
    }
  }
  if (base_of(root_.get()) != 0) drop_reference(0);
}

void StateJudge::drop_reference(uint32_t index) {
  std::vector<uint32_t> todo{index};
  while (!todo.empty()) {
    const uint32_t at = todo.back();
    todo.pop_back();
    if (--references_[at] != 0) continue;
    gone_.push_back(at);
    // What a rebuilt directory held has been dropped already.
    if (replaced_[at] != nullptr) continue;
    const DirectoryView& view = *tree_.directories[at].view;
    for (const uint32_t node : view.directories) {
      todo.push_back(tree_.by_view.at(view.nodes[node]->child.get()));
    }
  }
}

void StateJudge::find_changes() {
  removed_.assign(tree_.owners.size() + kFirstOwner, false);
  std::vector<bool> paired(tree_.directories.size(), false);
  for (const BuiltDirectory& built : builder_->built()) {
    uint32_t base = built.base;
    const bool moved = base == UINT32_MAX && built.model != UINT32_MAX && !paired[built.model] &&
                       references_[built.model] == 0;
    if (moved) {
      // The directory grew or shrank: it goes on under another key.
      base = built.model;
      paired[base] = true;
      replaced_[base] = built.view.get();
    }
    compare(base, built.view.get());
  }
  for (const uint32_t index : gone_) {
    if (!paired[index]) compare(index, nullptr);
  }
}

// Adds what differs between a base directory (or none) and a directory of the state (or none).
void StateJudge::compare(uint32_t base, const DirectoryView* now) {
  static const DirectoryView kEmpty;
  const DirectoryView& before = base == UINT32_MAX ? kEmpty : *tree_.directories[base].view;
  const DirectoryView& after = now == nullptr ? kEmpty : *now;
  const size_t begin = changes_.size();
  size_t old = 0;
  const auto remove = [&] {
    const auto node = static_cast<uint32_t>(old++);
    changes_.push_back({.base_directory = base,
                        .base_node = node,
                        .before = before.nodes[node],
                        .directory = nullptr,
                        .now = nullptr});
    const uint32_t owner = tree_.directories[base].node_owners[node];
    for (uint32_t part = 0; part <= before.nodes[node]->vendor.size(); ++part) {
      removed_[owner + part] = true;
    }
  };
  for (const auto& node : after.nodes) {
    while (old < before.nodes.size() && before.nodes[old]->set->entry < node->set->entry) remove();
    if (old < before.nodes.size() && before.nodes[old] == node) {
      ++old;
      continue;
    }
    changes_.push_back({.base_directory = base,
                        .base_node = UINT32_MAX,
                        .before = nullptr,
                        .directory = now,
                        .now = node});
  }
  while (old < before.nodes.size()) remove();
  pair_changes(begin);
}

// Joins one removed and one added node of the same name.
void StateJudge::pair_changes(size_t begin) {
  const UpcaseTable& upcase = *in_.base.view->upcase;
  std::vector<size_t> removed;
  for (size_t i = begin; i < changes_.size(); ++i) {
    if (changes_[i].now == nullptr) removed.push_back(i);
  }
  if (removed.empty() || removed.size() == changes_.size() - begin) return;
  for (size_t i = begin; i < changes_.size(); ++i) {
    if (changes_[i].now == nullptr) continue;
    for (const size_t j : removed) {
      NodeChange& gone = changes_[j];
      if (gone.before == nullptr) continue;
      if (!same_name(*gone.before, *changes_[i].now, upcase)) continue;
      changes_[i].before = std::move(gone.before);
      changes_[i].base_node = gone.base_node;
      gone.before = nullptr;
      break;
    }
  }
  const auto empty = [](const NodeChange& c) { return c.before == nullptr && c.now == nullptr; };
  changes_.erase(
      std::remove_if(changes_.begin() + static_cast<ptrdiff_t>(begin), changes_.end(), empty),
      changes_.end());
}

void StateJudge::bump(const ClusterRun& run, int32_t delta) {
  const uint64_t begin = run.first.value() - 2;
  for (uint64_t i = begin; i < begin + run.count.value(); ++i) in_.notes.bump(i, delta);
  claims_delta_ += delta * static_cast<int64_t>(run.count.value());
}

// Most changed chains are longer or shorter at their end: what they begin with stays.
void StateJudge::claim_difference(const Chain* before, const Chain* now) {
  static const Chain kNone;
  const auto& old_runs = before == nullptr ? kNone.runs : before->runs;
  const auto& new_runs = now == nullptr ? kNone.runs : now->runs;
  size_t same = 0;
  uint64_t skip = 0;  // clusters of the first run that differs
  while (same < old_runs.size() && same < new_runs.size()) {
    const ClusterRun& a = old_runs[same];
    const ClusterRun& b = new_runs[same];
    if (a == b) {
      ++same;
      continue;
    }
    if (a.first == b.first) skip = std::min(a.count.value(), b.count.value());
    break;
  }
  const auto claim = [&](const std::vector<ClusterRun>& runs, int32_t delta) {
    for (size_t i = same; i < runs.size(); ++i) {
      const sim::ClusterCount cut{i == same ? skip : 0};
      bump({runs[i].first + cut, runs[i].count - cut}, delta);
    }
  };
  claim(old_runs, -1);
  claim(new_runs, 1);
}

void StateJudge::apply_claims() {
  for (const NodeChange& change : changes_) {
    const TreeNode* before = change.before.get();
    const TreeNode* now = change.now.get();
    claim_difference(before == nullptr ? nullptr : before->chain.get(),
                     now == nullptr ? nullptr : now->chain.get());
    if (before != nullptr) {
      for (const auto& chain : before->vendor) claim_difference(chain.get(), nullptr);
    }
    if (now != nullptr) {
      for (const auto& chain : now->vendor) claim_difference(nullptr, chain.get());
    }
  }
  if (root_chain_ != in_.base.view->root_chain) {
    claim_difference(in_.base.view->root_chain.get(), root_chain_.get());
  }
}

AllocationFindings StateJudge::find_allocation() {
  const OwnerMap& owners = in_.base.owners;
  AllocationFindings found;
  std::vector<uint64_t>& words = in_.notes.words();
  std::sort(words.begin(), words.end());
  BitmapReader bitmap{disk_, geometry_, *in_.base.view->bitmap};
  std::vector<AllocationFindings::Word> fresh;
  fresh.reserve(words.size());
  for (const uint64_t word : words) {
    fresh.push_back({.index = word, .used = owners.word(word), .marked = bitmap.word(word)});
  }
  for (const uint64_t index : in_.notes.clusters()) {
    const int64_t count = int64_t{owners.count(index)} + in_.notes.delta(index);
    ZT_ASSERT(count >= 0);
    const auto word = std::lower_bound(words.begin(), words.end(), index / 64) - words.begin();
    const uint64_t bit = uint64_t{1} << (index % 64);
    uint64_t& used = fresh[static_cast<size_t>(word)].used;
    used = count > 0 ? used | bit : used & ~bit;
    if (count > 1) found.shared.push_back(index);
  }
  for (const auto& word : fresh) {
    if (word.used != word.marked) found.words.push_back(word);
  }
  for (const auto& word : in_.base.findings.words) {
    if (!in_.notes.word_touched(word.index)) found.words.push_back(word);
  }
  for (const uint64_t index : in_.base.findings.shared) {
    if (!in_.notes.touched(index)) found.shared.push_back(index);
  }
  std::sort(found.words.begin(), found.words.end(),
            [](const auto& a, const auto& b) { return a.index < b.index; });
  std::sort(found.shared.begin(), found.shared.end());
  return found;
}

void StateJudge::owners_of(uint64_t index, std::vector<OwnerRef>& out) {
  const bool tree_changed = !removed_.empty();
  const bool root_changed = root_chain_ != in_.base.view->root_chain;
  const sim::Cluster cluster{index + 2};
  const auto add = [&](uint32_t owner) {
    if (owner == kNoOwner || (owner == kRootOwner && root_changed)) return;
    if (tree_changed && removed_[owner]) return;
    OwnerRef ref = owner_ref(tree_, owner);
    if (ref.system == 0 && tree_changed) {
      const DirectoryView* now = replaced_[tree_.owners[owner - kFirstOwner].directory];
      if (now != nullptr) ref.directory = now;
    }
    out.push_back(ref);
  };
  add(in_.base.owners.first(index));
  if (const auto* more = in_.base.owners.more(index)) {
    for (const uint32_t owner : *more) add(owner);
  }
  if (root_changed && in_runs(*root_chain_, cluster)) out.push_back({.system = kRootOwner});
  for (const NodeChange& change : changes_) {
    if (change.now == nullptr || change.now->chain == nullptr) continue;
    const TreeNode& node = *change.now;
    if (in_runs(*node.chain, cluster)) {
      out.push_back({.directory = change.directory, .node = &node, .part = 0});
    }
    for (uint32_t i = 0; i < node.vendor.size(); ++i) {
      if (!in_runs(*node.vendor[i], cluster)) continue;
      out.push_back({.directory = change.directory, .node = &node, .part = i + 1});
    }
  }
}

// The path by which a directory of the state is first reached.
std::string StateJudge::path_of(const DirectoryView& directory) {
  if (!builder_.has_value()) return tree_.directories[tree_.by_view.at(&directory)].path;
  if (!paths_.has_value()) paths_ = directory_paths(*root_);
  return paths_->at(&directory);
}

}  // namespace zerotail::harness
