// Checking thousands of disks that differ from one base in a few sectors each. Invariant: the view
// and problems of judge() equal those of check_volume() on the same disk; only the cost differs.
//
// The base is parsed once and remembered with what every structure rests on: which directory or
// chain a cluster belongs to, which chains pass through a FAT entry. judge() derives again what a
// changed sector touches and shares the rest by pointer. Entry sets and directories are memoised by
// content, so that states which recombine the same sector versions parse nothing twice.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "zerotail/harness/check.h"

namespace zerotail::harness {

// A file or directory that is not in the new state as it was in the base. Paired by name within
// its directory (case-insensitively); a file that moved is one gone and one new.
struct CheckDifference {
  std::string path;                      // as in CheckProblem; gone ones: their path in the base
  std::shared_ptr<const TreeNode> base;  // null: new
  std::shared_ptr<const TreeNode> now;   // null: gone
  bool set_changed = false;              // any byte of the entry set, or its place in the directory
  bool chain_changed = false;            // runs or stop of the cluster chain
  bool data_changed = false;  // a changed sector lies in the clusters of `now` (files only)
};

struct CheckJudgement {
  std::shared_ptr<const VolumeView> view;
  std::vector<CheckProblem> problems;  // sorted, all of them, those of the base included
  // Sorted by path; complete: a path that is not listed leads to what it led to in the base. A
  // directory is listed when its own set or chain changed, and its entries when they are at another
  // path or changed themselves. Sets that are not usable are not listed.
  std::vector<CheckDifference> differences;
  // The disk was parsed as a whole (boot region, bitmap or upcase table changed, no longer
  // mountable, directory loops): `differences` is empty and everything may have changed.
  bool everything = false;
};

class IncrementalChecker {
 public:
  struct Options {
    size_t memo_limit = 1 << 16;  // entry sets and directories remembered, each
  };
  struct Stats {
    uint64_t states = 0;
    uint64_t full_parses = 0;  // of the states, how many were parsed as a whole
    uint64_t sets_parsed = 0, sets_recalled = 0;
    uint64_t directories_parsed = 0, directories_recalled = 0;
    uint64_t memo_clears = 0;
  };

  // `base` is referenced, must not change and must outlive the checker or the next rebase().
  explicit IncrementalChecker(const sim::SectorReader& base);
  IncrementalChecker(const sim::SectorReader& base, const Options& options);
  ~IncrementalChecker();
  IncrementalChecker(const IncrementalChecker&) = delete;
  IncrementalChecker& operator=(const IncrementalChecker&) = delete;

  // A new base (the next segment of a crash model); what was memoised by content is kept.
  void rebase(const sim::SectorReader& base);
  [[nodiscard]] const CheckResult& base() const;

  // `changed`: ascending, every sector whose content differs from the base (more do no harm).
  // Same capacity as the base.
  [[nodiscard]] CheckJudgement judge(const sim::SectorReader& disk,
                                     std::span<const sim::Sector> changed);
  [[nodiscard]] const Stats& stats() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace zerotail::harness
