// Builds the tree of a volume, as a whole or on top of the tree of a base. Internal to the checker.
#pragma once

#include <memory>
#include <unordered_map>
#include <vector>

#include "check_parse.h"

namespace zerotail::harness {

// Identifies a directory by the clusters it is read from: one DirectoryView for all that point to
// it.
[[nodiscard]] sim::Digest directory_key(std::span<const ClusterRun> runs, uint64_t length);

struct BuiltDirectory {
  std::shared_ptr<const DirectoryView> view;  // null while its subtree is being built
  std::shared_ptr<const RawDirectory> raw;
  sim::Digest key;
  sim::Digest content;          // sum of its sectors' digests
  uint32_t base = UINT32_MAX;   // index of the base directory with the same key
  uint32_t model = UINT32_MAX;  // index of the base directory whose nodes it may share
};

// One directory of a base, and what a changed sector has made of it.
struct BaseDirectory {
  std::shared_ptr<const DirectoryView> view;
  std::shared_ptr<const RawDirectory> raw;
  sim::Digest key;
  sim::Digest content;
  std::string path;
  std::vector<uint32_t> node_owners;  // number of each node's chain: check_owners.h
  std::vector<std::pair<uint32_t, uint32_t>> parents;  // (directory, node) pairs above it
  uint32_t references = 0;                             // parents, and one for the root
  // Of one state, cleared after it:
  bool dirty = false;                // content, a chain of a node, or something below it
  std::vector<sim::Sector> changed;  // its changed sectors
  std::vector<std::pair<uint32_t, uint8_t>> marks;  // (node, kChainMark | kBelowMark), unsorted
  std::vector<uint32_t> data_nodes;  // files with changed data, and what leads to such; unsorted
};
inline constexpr uint8_t kChainMark = 1;
inline constexpr uint8_t kBelowMark = 2;

// Which chain an owner number of check_owners.h stands for.
struct OwnerPlace {
  uint32_t directory = 0;
  uint32_t node = 0;
  uint32_t part = 0;            // 0: the node's chain; n: its n-th vendor allocation
  uint32_t child = UINT32_MAX;  // the directory read from the chain, if any
};

struct BaseTree {
  std::vector<BaseDirectory> directories;  // the first one is the root
  std::unordered_map<sim::Digest, uint32_t, DigestHash> by_key;
  std::unordered_map<uint64_t, uint32_t> by_first_cluster;
  std::unordered_map<const DirectoryView*, uint32_t> by_view;
  std::vector<OwnerPlace> owners;
  uint64_t clusters = 0;  // that directories are read from
};

class TreeBuilder {
 public:
  struct Input {
    const sim::SectorReader& disk;
    const CheckGeometry& geometry;
    const UpcaseTable& upcase;
    CheckMemo* memo = nullptr;
    const sim::SectorReader* base_disk = nullptr;  // with `base`
    const BaseTree* base = nullptr;
  };
  TreeBuilder(const Input& input, ParseCounters& counters);

  void build(const Chain& root_chain);
  [[nodiscard]] std::shared_ptr<const DirectoryView> root() const { return root_; }
  [[nodiscard]] const std::vector<BuiltDirectory>& built() const { return built_; }

  // Something whose treatment depends on the order of the walk: loops, depth, too many chains.
  [[nodiscard]] bool order_matters() const { return order_matters_; }
  [[nodiscard]] uint64_t parsed_directories() const { return parsed_; }
  [[nodiscard]] uint64_t recalled_directories() const { return recalled_; }

 private:
  struct Child {
    std::shared_ptr<const DirectoryView> view;
    CheckClass refused = CheckClass::kDirectoryLoop;
    bool is_refused = false;
  };
  // How far below the root something is.
  struct Level {
    uint32_t depth = 0;
    uint32_t path = 0;  // bytes
    [[nodiscard]] Level below(const EntrySet& set) const {
      return {depth + 1, path + 1 + static_cast<uint32_t>(set.utf8.size())};
    }
  };
  Child resolve(std::span<const ClusterRun> runs, uint64_t length, const Level& level);
  uint32_t open(std::vector<ClusterRun> runs, uint64_t length, const sim::Digest& key,
                uint32_t base);
  [[nodiscard]] sim::Digest content_of(std::span<const ClusterRun> runs, uint64_t length,
                                       uint32_t base) const;
  std::shared_ptr<const DirectoryView> build_nodes(uint32_t index, const Level& level);
  std::shared_ptr<const TreeNode> make_node(const std::shared_ptr<const EntrySet>& set,
                                            const TreeNode* old, uint8_t mark, const Level& level);
  std::shared_ptr<const Chain> follow(const ChainSpec& spec);
  void judge_directory(const EntrySet& set, const Child& child, TreeNode& node) const;

  Input in_;
  ParseCounters& counters_;
  disk::FatReader fat_;
  std::shared_ptr<const DirectoryView> root_;
  std::vector<BuiltDirectory> built_;
  std::unordered_map<sim::Digest, uint32_t, DigestHash> by_key_;
  uint64_t claims_ = 0;  // clusters in chains followed so far
  uint64_t directory_clusters_ = 0;
  uint64_t parsed_ = 0, recalled_ = 0;
  bool order_matters_ = false;
};

// Bounds on what is followed; volumes without cross-links stay far below them.
[[nodiscard]] uint64_t claim_limit(const CheckGeometry& geometry);
[[nodiscard]] uint64_t directory_limit(const CheckGeometry& geometry);
inline constexpr uint32_t kDepthLimit = 256;
inline constexpr uint32_t kPathLimit = 4096;  // bytes, as for a system call

// Problems of all sets, chains and directories below `root`, with full paths, in the tree's order.
[[nodiscard]] std::vector<CheckProblem> collect_problems(const DirectoryView& root);
inline constexpr size_t kProblemLimit = 10000;  // for each kind of collection

// Path of every directory as it is first reached.
[[nodiscard]] std::unordered_map<const DirectoryView*, std::string> directory_paths(
    const DirectoryView& root);
[[nodiscard]] std::string join_path(const std::string& directory, const std::string& name);

}  // namespace zerotail::harness
