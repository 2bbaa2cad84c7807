// Judging one disk that differs from a parsed base in some sectors. Internal to the checker.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "check_volume.h"
#include "zerotail/harness/check_incremental.h"

namespace zerotail::harness {

// Per-cluster and per-word notes of one state, in pages made when first needed. A note is valid
// only while its stamp is that of the state, so that nothing is cleared between states.
class StateNotes {
 public:
  void reset(uint64_t clusters);  // for a new base
  void begin_state() {
    ++stamp_;
    clusters_.clear();
    words_.clear();
  }
  // Changes the number of owners of a cluster (index as in OwnerMap).
  void bump(uint64_t index, int32_t delta);
  void touch_word(uint64_t word);
  [[nodiscard]] bool touched(uint64_t index) const;
  [[nodiscard]] bool word_touched(uint64_t word) const;
  [[nodiscard]] int32_t delta(uint64_t index) const;
  [[nodiscard]] const std::vector<uint64_t>& clusters() const { return clusters_; }
  [[nodiscard]] std::vector<uint64_t>& words() { return words_; }

 private:
  struct Page {
    std::array<uint32_t, kPageClusters> stamp{};
    std::array<int32_t, kPageClusters> delta{};
    std::array<uint32_t, kPageWords> word_stamp{};
  };
  Page& page(uint64_t index);

  uint32_t stamp_ = 0;
  std::vector<std::unique_ptr<Page>> pages_;
  std::vector<uint64_t> clusters_;
  std::vector<uint64_t> words_;
};

// A node that is in one of base and state only, or replaced under the same name.
struct NodeChange {
  uint32_t base_directory = UINT32_MAX;
  uint32_t base_node = UINT32_MAX;
  std::shared_ptr<const TreeNode> before;
  const DirectoryView* directory = nullptr;  // of `now`
  std::shared_ptr<const TreeNode> now;
};

// Lists what differs, path by path, descending only where something does.
class DifferenceWalk {
 public:
  using DataChanged = std::function<bool(const TreeNode&)>;
  DifferenceWalk(const BaseTree& tree, const UpcaseTable& upcase, DataChanged data_changed)
      : tree_(tree), upcase_(upcase), data_changed_(std::move(data_changed)) {}
  void compare(const DirectoryView& before, const DirectoryView& now, const std::string& base_path,
               const std::string& now_path);
  // Directories below several names can make a list of any length: then it is given up.
  [[nodiscard]] bool too_long() const { return all_.size() > limit(); }
  [[nodiscard]] std::vector<CheckDifference> take();

 private:
  using Node = std::shared_ptr<const TreeNode>;
  [[nodiscard]] size_t limit() const { return 4 * tree_.owners.size() + 4096; }
  void same(const Node& node, const std::string& base_path, const std::string& now_path);
  void replaced(const Node& before, const Node& now, const std::string& base_path,
                const std::string& now_path);
  void list_gone(const Node& node, const std::string& directory);
  void list_new(const Node& node, const std::string& directory);

  const BaseTree& tree_;
  const UpcaseTable& upcase_;
  DataChanged data_changed_;
  std::vector<CheckDifference> all_;
};

class StateJudge {
 public:
  struct Context {
    const sim::SectorReader& base_disk;
    ParsedVolume& base;  // marks are set and cleared again
    CheckMemo& memo;
    ParseCounters& counters;
    StateNotes& notes;
    IncrementalChecker::Stats& stats;
  };
  StateJudge(const Context& context, const sim::SectorReader& disk);
  ~StateJudge();
  StateJudge(const StateJudge&) = delete;
  StateJudge& operator=(const StateJudge&) = delete;

  // Nothing: the disk must be parsed as a whole.
  std::optional<CheckJudgement> judge(std::span<const sim::Sector> changed);

 private:
  // check_state.cc: what the changed sectors touch
  bool classify(std::span<const sim::Sector> changed);
  bool classify_boot(sim::Sector sector);
  void classify_fat(sim::Sector sector);
  bool classify_heap(sim::Sector sector);
  bool touch_owner(uint32_t owner, sim::Sector sector);
  void touch_directory(uint32_t directory, sim::Sector sector);
  void touch_bitmap(sim::Sector sector);
  void touch_fat_entry(uint64_t cluster);
  void touch_chain(uint32_t owner);
  void mark_node(uint32_t directory, uint32_t node, uint8_t mark);
  void mark_dirty(uint32_t directory);
  void mark_data(uint32_t directory, uint32_t node);

  // check_delta.cc: what became of the nodes and their clusters
  bool build_tree();
  bool system_chains_unchanged();
  void count_references();
  void drop_reference(uint32_t directory);
  void find_changes();
  void compare(uint32_t base_directory, const DirectoryView* now);
  void pair_changes(size_t begin);
  void apply_claims();
  void claim_difference(const Chain* before, const Chain* now);
  void bump(const ClusterRun& run, int32_t delta);
  AllocationFindings find_allocation();
  void owners_of(uint64_t index, std::vector<OwnerRef>& out);
  [[nodiscard]] std::string path_of(const DirectoryView& directory);

  // check_difference.cc
  std::optional<CheckJudgement> report();
  std::vector<CheckProblem> problems();
  [[nodiscard]] bool data_changed(const TreeNode& node) const;

  Context in_;
  const sim::SectorReader& disk_;
  const CheckGeometry& geometry_;
  BaseTree& tree_;
  std::vector<uint32_t> touched_directories_;
  std::vector<sim::Sector> heap_sectors_;  // changed ones, ascending
  VolumeFlags flags_;
  bool root_chain_touched_ = false;    // one of its FAT entries
  bool system_chain_touched_ = false;  // the same for bitmap and upcase table
  std::shared_ptr<const Chain> root_chain_;
  std::optional<TreeBuilder> builder_;
  std::shared_ptr<const DirectoryView> root_;
  std::vector<int32_t> references_;             // by base directory, when the tree was rebuilt
  std::vector<const DirectoryView*> replaced_;  // by base directory: what stands for it now
  std::vector<uint32_t> gone_;                  // directories of the base no longer reached
  std::vector<NodeChange> changes_;
  std::vector<bool> removed_;  // by owner number
  int64_t claims_delta_ = 0;
  std::optional<std::unordered_map<const DirectoryView*, std::string>> paths_;
};

}  // namespace zerotail::harness
