// Directories, nodes and chains. With a base, a directory whose sectors, chains and subtree are
// unchanged is the base's own object.
#include "check_tree.h"

#include <algorithm>

namespace zerotail::harness {

namespace {

ChainSpec spec_of(const EntrySet& set) {
  return {.first_cluster = set.first_cluster,
          .data_length = set.data_length,
          .no_fat_chain = set.no_fat_chain};
}

ChainSpec spec_of(const VendorAllocation& vendor) {
  return {.first_cluster = vendor.first_cluster,
          .data_length = vendor.data_length,
          .no_fat_chain = vendor.no_fat_chain};
}

// A hash of everything that a look at the node shows.
sim::Digest digest_of(const TreeNode& node) {
  std::vector<uint64_t> words{node.set->digest.low, node.set->digest.high, node.set->entry};
  const auto add = [&words](const Chain& chain) {
    words.push_back(static_cast<uint64_t>(chain.stop) | (chain.no_fat_chain ? 0x100U : 0U));
    words.push_back(chain.at.value() << 32 | chain.value);
    for (const ClusterRun& run : chain.runs) {
      words.push_back(run.first.value());
      words.push_back(run.count.value());
    }
  };
  if (node.chain != nullptr) add(*node.chain);
  for (const auto& chain : node.vendor) add(*chain);
  if (node.child != nullptr) {
    words.push_back(node.child->digest.low);
    words.push_back(node.child->digest.high);
  }
  return sim::bytes_digest(words.data(), words.size() * sizeof(words[0]), node.vendor.size());
}

// The set's own bytes are what they were: entry sets are equal when place and digest are.
bool same_set(const EntrySet& a, const EntrySet& b) {
  return a.entry == b.entry && a.digest == b.digest;
}

}  // namespace

uint64_t claim_limit(const CheckGeometry& geometry) {
  return 4 * uint64_t{geometry.cluster_count} + 4096;
}

uint64_t directory_limit(const CheckGeometry& geometry) {
  return 2 * uint64_t{geometry.cluster_count} + 64;
}

sim::Digest directory_key(std::span<const ClusterRun> runs, uint64_t length) {
  static_assert(sizeof(ClusterRun) == 16);
  return sim::bytes_digest(runs.data(), runs.size_bytes(), length);
}

TreeBuilder::TreeBuilder(const Input& input, ParseCounters& counters)
    : in_(input), counters_(counters), fat_(input.disk, input.geometry) {}

void TreeBuilder::build(const Chain& root_chain) {
  const uint64_t size = root_chain.clusters.value() * in_.geometry.cluster_size.value();
  root_ = resolve(root_chain.runs, std::min(size, disk::kLargestDirectory), Level{}).view;
}

TreeBuilder::Child TreeBuilder::resolve(std::span<const ClusterRun> all_runs, uint64_t length,
                                        const Level& level) {
  if (level.depth >= kDepthLimit || level.path > kPathLimit) {
    order_matters_ = true;
    return {.view = nullptr, .refused = CheckClass::kGivenUp, .is_refused = true};
  }
  std::vector<ClusterRun> runs = cut_runs(in_.geometry, all_runs, length);
  const sim::Digest key = directory_key(runs, length);
  if (const auto known = by_key_.find(key); known != by_key_.end()) {
    const BuiltDirectory& directory = built_[known->second];
    if (directory.view == nullptr) order_matters_ = true;
    return {.view = directory.view, .is_refused = directory.view == nullptr};
  }
  uint32_t base = UINT32_MAX;
  if (in_.base != nullptr) {
    const auto it = in_.base->by_key.find(key);
    if (it != in_.base->by_key.end()) {
      base = it->second;
      const BaseDirectory& same = in_.base->directories[base];
      if (!same.dirty) return {.view = same.view};
    }
  }
  directory_clusters_ +=
      (length + in_.geometry.cluster_size.value() - 1) / in_.geometry.cluster_size.value();
  if (directory_clusters_ > directory_limit(in_.geometry)) {
    order_matters_ = true;
    return {.view = nullptr, .refused = CheckClass::kGivenUp, .is_refused = true};
  }
  const uint32_t index = open(std::move(runs), length, key, base);
  auto view = build_nodes(index, level);
  built_[index].view = view;
  return {.view = std::move(view)};
}

sim::Digest TreeBuilder::content_of(std::span<const ClusterRun> runs, uint64_t length,
                                    uint32_t base) const {
  if (base != UINT32_MAX) {
    const BaseDirectory& same = in_.base->directories[base];
    sim::Digest content = same.content;
    for (const sim::Sector s : same.changed) {
      content -= sim::sector_digest(s, in_.base_disk->sector(s));
      content += sim::sector_digest(s, in_.disk.sector(s));
    }
    return content;
  }
  sim::Digest content;
  disk::RunReader reader{in_.disk, in_.geometry, runs};
  const uint64_t sectors = sim::sectors(sim::ByteCount{length}).value();
  for (uint64_t i = 0; i < sectors; ++i) {
    content += sim::sector_digest(reader.place(i), reader.sector(i));
  }
  return content;
}

// Registers the directory and finds or makes its entries.
uint32_t TreeBuilder::open(std::vector<ClusterRun> runs, uint64_t length, const sim::Digest& key,
                           uint32_t base) {
  BuiltDirectory directory;
  directory.key = key;
  directory.base = base;
  directory.model = base;
  if (base == UINT32_MAX && in_.base != nullptr && !runs.empty()) {
    const auto it = in_.base->by_first_cluster.find(runs.front().first.value());
    if (it != in_.base->by_first_cluster.end()) directory.model = it->second;
  }
  directory.content = content_of(runs, length, base);
  const sim::Digest memo_key = key + directory.content + in_.upcase.digest();
  if (base != UINT32_MAX && in_.base->directories[base].content == directory.content) {
    directory.raw = in_.base->directories[base].raw;
  } else if (in_.memo != nullptr) {
    directory.raw = in_.memo->directory(memo_key);
    if (directory.raw != nullptr) ++recalled_;
  }
  if (directory.raw == nullptr) {
    ++parsed_;
    directory.raw =
        parse_directory(in_.disk, in_.geometry, runs, length, in_.upcase, in_.memo, counters_);
    if (in_.memo != nullptr) in_.memo->keep(memo_key, directory.raw);
  }
  const auto index = static_cast<uint32_t>(built_.size());
  by_key_.emplace(key, index);
  built_.push_back(std::move(directory));
  return index;
}

std::shared_ptr<const DirectoryView> TreeBuilder::build_nodes(uint32_t index, const Level& level) {
  // Copies of the pointers: built_ grows while children are resolved.
  const std::shared_ptr<const RawDirectory> raw = built_[index].raw;
  const BaseDirectory* model =
      built_[index].model == UINT32_MAX ? nullptr : &in_.base->directories[built_[index].model];
  std::vector<uint8_t> marks;
  if (model != nullptr && !model->marks.empty()) {
    marks.resize(model->view->nodes.size());
    for (const auto& [node, mark] : model->marks) marks[node] |= mark;
  }
  auto view = std::make_shared<DirectoryView>();
  view->runs = raw->runs;
  view->length = raw->length;
  view->end = raw->end;
  view->name_keys = raw->name_keys;
  view->problems = raw->problems;
  if (level.depth != 0) {
    for (const SpecialEntry& special : raw->specials) {
      CheckProblem p;
      p.kind = CheckClass::kUnknownCritical;
      p.entry = special.entry;
      p.found = special.type;
      view->problems.push_back(std::move(p));
    }
  }
  view->problems_below = !view->problems.empty();
  view->nodes.reserve(raw->sets.size());
  size_t old = 0;
  for (const std::shared_ptr<const EntrySet>& set : raw->sets) {
    const TreeNode* same = nullptr;
    uint8_t mark = 0;
    if (model != nullptr) {
      const auto& olds = model->view->nodes;
      while (old < olds.size() && olds[old]->set->entry < set->entry) ++old;
      if (old < olds.size() && same_set(*olds[old]->set, *set)) {
        same = olds[old].get();
        mark = marks.empty() ? uint8_t{0} : marks[old];
      }
    }
    std::shared_ptr<const TreeNode> node =
        same != nullptr && mark == 0 ? model->view->nodes[old] : make_node(set, same, mark, level);
    // Rebuilt to the same pointers: keep the object, so that nobody judges it again.
    if (same != nullptr && mark != 0 && node->chain == same->chain && node->child == same->child &&
        node->vendor == same->vendor) {
      node = model->view->nodes[old];
    }
    if (node->child != nullptr) {
      view->directories.push_back(static_cast<uint32_t>(view->nodes.size()));
      view->height = std::max(view->height, node->child->height + 1);
      const auto name_bytes = static_cast<uint32_t>(1 + node->set->utf8.size());
      view->longest_path = std::max(view->longest_path, name_bytes + node->child->longest_path);
      view->problems_below |= node->child->problems_below;
    }
    view->problems_below |= !node->problems.empty() || !node->set->problems.empty();
    view->digest += node->digest;
    view->nodes.push_back(std::move(node));
  }
  view->digest += built_[index].key;
  view->digest += built_[index].content;
  return view;
}

std::shared_ptr<const Chain> TreeBuilder::follow(const ChainSpec& spec) {
  Chain chain;
  if (claims_ > claim_limit(in_.geometry)) {
    order_matters_ = true;
    chain.stop = ChainStop::kGivenUp;
    chain.no_fat_chain = spec.no_fat_chain;
  } else {
    chain = walk_chain(fat_, in_.geometry, spec);
    claims_ += chain.clusters.value();
  }
  return std::make_shared<const Chain>(std::move(chain));
}

std::shared_ptr<const TreeNode> TreeBuilder::make_node(const std::shared_ptr<const EntrySet>& set,
                                                       const TreeNode* old, uint8_t mark,
                                                       const Level& level) {
  auto node = std::make_shared<TreeNode>();
  node->set = old != nullptr ? old->set : set;
  if (!set->usable()) {
    node->digest = digest_of(*node);
    return node;
  }
  const bool walk = old == nullptr || (mark & kChainMark) != 0;
  // A chain that comes out as it was stays the same object.
  const auto chain_of = [&](const ChainSpec& spec, const std::shared_ptr<const Chain>& before) {
    if (!walk) return before;
    std::shared_ptr<const Chain> chain = follow(spec);
    return before != nullptr && *before == *chain ? before : chain;
  };
  node->chain = chain_of(spec_of(*set), old == nullptr ? nullptr : old->chain);
  for (size_t i = 0; i < set->vendor.size(); ++i) {
    node->vendor.push_back(
        chain_of(spec_of(set->vendor[i]), old == nullptr ? nullptr : old->vendor[i]));
  }
  append_chain_problems(in_.geometry, spec_of(*set), *node->chain, node->problems);
  for (size_t i = 0; i < set->vendor.size(); ++i) {
    append_chain_problems(in_.geometry, spec_of(set->vendor[i]), *node->vendor[i], node->problems);
  }
  if (set->directory) {
    const uint64_t there = node->chain->clusters.value() * in_.geometry.cluster_size.value();
    uint64_t length = std::min({set->data_length, there, disk::kLargestDirectory});
    length = sim::round_down(length, disk::kEntrySize);
    Child child;
    if (length != 0) child = resolve(node->chain->runs, length, level.below(*set));
    judge_directory(*set, child, *node);
    node->child = std::move(child.view);
  }
  for (CheckProblem& p : node->problems) {
    p.path = set->utf8;
    p.entry = set->entry;
  }
  node->digest = digest_of(*node);
  return node;
}

void TreeBuilder::judge_directory(const EntrySet& set, const Child& child, TreeNode& node) const {
  CheckProblem p;
  p.cluster = set.first_cluster;
  p.found = set.data_length;
  if (set.data_length == 0 || set.data_length % in_.geometry.cluster_size.value() != 0 ||
      set.data_length > disk::kLargestDirectory) {
    p.kind = CheckClass::kDirectorySize;
    node.problems.push_back(p);
  }
  if (child.is_refused) {
    p.kind = child.refused;
    node.problems.push_back(p);
  }
}

std::string join_path(const std::string& directory, const std::string& name) {
  return directory.size() == 1 ? directory + name : directory + "/" + name;
}

namespace {

// Walks directories in the tree's order, each once, with the path by which it is first reached.
template <class Visit>
void walk_directories(const DirectoryView& root, bool only_problems, Visit visit) {
  std::unordered_map<const DirectoryView*, bool> seen;
  struct Step {
    const DirectoryView* directory;
    std::string path;
  };
  std::vector<Step> stack{{&root, "/"}};
  while (!stack.empty()) {
    Step step = std::move(stack.back());
    stack.pop_back();
    if (only_problems && !step.directory->problems_below) continue;
    if (!seen.emplace(step.directory, true).second) continue;
    visit(*step.directory, step.path);
    const auto& children = step.directory->directories;
    for (auto it = children.rbegin(); it != children.rend(); ++it) {
      const TreeNode& node = *step.directory->nodes[*it];
      stack.push_back({node.child.get(), join_path(step.path, node.set->utf8)});
    }
  }
}

}  // namespace

std::vector<CheckProblem> collect_problems(const DirectoryView& root) {
  std::vector<CheckProblem> all;
  if (!root.problems_below) return all;
  const auto add = [&](const CheckProblem& problem, const std::string& directory) {
    if (all.size() >= kProblemLimit) return;
    all.push_back(problem);
    CheckProblem& p = all.back();
    p.path = p.path.empty() ? directory : join_path(directory, p.path);
    if (!p.other.empty()) p.other = join_path(directory, p.other);
  };
  walk_directories(root, true, [&](const DirectoryView& directory, const std::string& path) {
    for (const CheckProblem& p : directory.problems) add(p, path);
    for (const auto& node : directory.nodes) {
      for (const CheckProblem& p : node->set->problems) add(p, path);
      for (const CheckProblem& p : node->problems) add(p, path);
    }
  });
  return all;
}

std::unordered_map<const DirectoryView*, std::string> directory_paths(const DirectoryView& root) {
  std::unordered_map<const DirectoryView*, std::string> paths;
  walk_directories(root, false, [&](const DirectoryView& directory, const std::string& path) {
    paths.emplace(&directory, path);
  });
  return paths;
}

}  // namespace zerotail::harness
