// Which directory entry set every cluster belongs to. Internal to the checker.
#pragma once

#include <array>
#include <functional>
#include <memory>
#include <unordered_map>
#include <vector>

#include "check_tree.h"

namespace zerotail::harness {

// Owners of clusters in a base, as numbers: the system's own first, then two or more a node (its
// chain, then those of its vendor entries), directory after directory.
enum : uint32_t {
  kNoOwner = 0,
  kBitmapOwner = 1,
  kUpcaseOwner = 2,
  kRootOwner = 3,
  kStaleBitmapOwner = 4,
  kFirstOwner
};

inline constexpr uint64_t kPageClusters = 4096;
inline constexpr uint64_t kPageWords = kPageClusters / 64;

// Cluster -> owners, in pages so that a huge and empty volume costs nothing. Clusters are counted
// from 0 here (cluster 2 of the heap is index 0).
class OwnerMap {
 public:
  void clear(uint64_t clusters);
  void claim(const ClusterRun& run, uint32_t owner);
  [[nodiscard]] uint32_t first(uint64_t index) const {
    const Page* page = pages_[index / kPageClusters].get();
    return page == nullptr ? uint32_t{kNoOwner} : page->owner[index % kPageClusters];
  }
  // Owners beside first(); null for nearly all clusters.
  [[nodiscard]] const std::vector<uint32_t>* more(uint64_t index) const {
    if (more_.empty()) return nullptr;
    const auto it = more_.find(index);
    return it == more_.end() ? nullptr : &it->second;
  }
  [[nodiscard]] uint32_t count(uint64_t index) const;
  // One bit a cluster that has an owner.
  [[nodiscard]] uint64_t word(uint64_t index) const {
    const Page* page = pages_[index / kPageWords].get();
    return page == nullptr ? 0 : page->used[index % kPageWords];
  }
  [[nodiscard]] std::vector<uint64_t> shared_clusters() const;  // ascending
  [[nodiscard]] uint64_t claims() const { return claims_; }

 private:
  struct Page {
    std::array<uint32_t, kPageClusters> owner{};
    std::array<uint64_t, kPageWords> used{};
  };
  std::vector<std::unique_ptr<Page>> pages_;
  std::unordered_map<uint64_t, std::vector<uint32_t>> more_;
  uint64_t claims_ = 0;
};

// An owner as reports need it.
struct OwnerRef {
  uint32_t system = 0;  // kBitmapOwner ... kRootOwner, or 0
  const DirectoryView* directory = nullptr;
  const TreeNode* node = nullptr;
  uint32_t part = 0;  // 0: its chain; n: its n-th vendor allocation
  bool operator==(const OwnerRef&) const = default;
};

// The allocation bitmap on a disk, 64 clusters a word.
class BitmapReader {
 public:
  BitmapReader(const sim::SectorReader& disk, const CheckGeometry& geometry, const Chain& chain)
      : reader_(disk, geometry, chain.runs), clusters_(geometry.cluster_count) {}
  // Bits beyond the last cluster are cleared.
  [[nodiscard]] uint64_t word(uint64_t index);
  [[nodiscard]] uint64_t words() const { return (clusters_ + 63) / 64; }
  // Bits set in the bitmap's last byte beyond the last cluster.
  [[nodiscard]] unsigned tail_bits();

 private:
  disk::RunReader reader_;
  uint64_t clusters_;
};

// Words in which bitmap and tree disagree, and clusters with more than one owner.
struct AllocationFindings {
  struct Word {
    uint64_t index = 0;
    uint64_t used = 0;    // by the tree
    uint64_t marked = 0;  // in the bitmap
  };
  std::vector<Word> words;       // ascending
  std::vector<uint64_t> shared;  // cluster indices, ascending
};

// Turns findings into problems: leak, unmarked, system-unmarked, cross-link.
class AllocationReport {
 public:
  using OwnersOf = std::function<void(uint64_t index, std::vector<OwnerRef>& out)>;
  using PathOf = std::function<std::string(const DirectoryView&)>;
  AllocationReport(disk::FatReader fat, OwnersOf owners_of, PathOf path_of)
      : fat_(fat), owners_of_(std::move(owners_of)), path_of_(std::move(path_of)) {}
  [[nodiscard]] std::vector<CheckProblem> make(const AllocationFindings& findings);

 private:
  void add_word(const AllocationFindings::Word& word);
  void add_leak(uint64_t index);
  void add_unmarked(uint64_t index);
  void add_shared(uint64_t index);
  [[nodiscard]] std::string label(const OwnerRef& owner) const;
  [[nodiscard]] std::vector<std::string> labels(const std::vector<OwnerRef>& owners) const;
  void add(CheckProblem problem, uint64_t index);
  bool grows(CheckClass kind, uint64_t index, bool same_owners);

  disk::FatReader fat_;
  OwnersOf owners_of_;
  PathOf path_of_;
  std::vector<CheckProblem> problems_;
  std::vector<OwnerRef> owners_;       // of the cluster at hand
  std::vector<OwnerRef> last_owners_;  // of the last problem that names owners
};

}  // namespace zerotail::harness
