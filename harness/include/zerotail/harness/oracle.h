// The durability oracle: judges files and names of one crash state against the history of the
// workload (docs/CONTRACTS.md). It knows no disk layout: what is on the image it asks the checker's
// view; what must be there it asks the reference model's versions.
//
// Use: set_context() when the crash point moves, then judge() for the states of that point.
// Verdicts on files that do not differ from the base are kept, so that a state costs what differs.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "zerotail/harness/check_incremental.h"
#include "zerotail/harness/finding.h"
#include "zerotail/harness/history.h"
#include "zerotail/harness/recording.h"

namespace zerotail::harness {

// What is expected of one file at one context.
struct Expectation {
  const FileHistory* file = nullptr;
  size_t begin = 0;  // the window: models [begin, end]
  size_t end = 0;
  PromiseKind promise = PromiseKind::kStart;
  // The window of its name begins later when its directory was promised.
  size_t name_begin = 0;
  PromiseKind name_promise = PromiseKind::kStart;
  bool touched = false;
  bool renamed = false;                    // an operation on its name, in the name's window
  bool only_writes = false;                // touched, by writes alone
  bool absent_somewhere = false;           // in some version of the name's window
  bool directories_touched = false;        // on the way to it, in the name's window
  std::vector<const FileVersion*> window;  // versions in the window that exist, in order
  uint64_t smallest = 0;                   // size in those versions
  uint64_t largest = 0;
  std::vector<std::string> paths;       // in the name's window, each name once
  std::vector<std::string> gone_paths;  // names whose removal is promised
};

class Oracle {
 public:
  explicit Oracle(const Recording& recording);

  // Operations issued and returned at the crash point, and the base view of its segment.
  void set_context(OpCounts counts, const sim::SectorReader& base_disk, const CheckResult& base);
  // Equal answers stand for equal content of the sectors [begin, end) in one context.
  using DataKey = std::function<sim::Digest(sim::Sector begin, sim::Sector end)>;
  // Appends the violations of a state that can be mounted. With `data`, the verdict on a file is
  // remembered with what it rests on: its entry sets, its chains and the sectors of its clusters.
  void judge(const sim::SectorReader& disk, const CheckJudgement& judgement,
             std::vector<Violation>* out, const DataKey& data = {});
  // Files that operations touched since their last promise, by path: for a closer look.
  [[nodiscard]] std::vector<std::string> touched_paths() const;

 private:
  struct Found;
  struct DigestHash {
    size_t operator()(const sim::Digest& digest) const { return digest.low; }
  };
  using Verdicts = std::unordered_map<sim::Digest, std::vector<Violation>, DigestHash>;
  void judge_remembered(const sim::SectorReader& disk, const VolumeView& view, size_t index,
                        const DataKey& data, std::vector<Violation>* out);
  Expectation expect(const FileHistory& file, OpCounts counts) const;
  void judge_file(const sim::SectorReader& disk, const VolumeView& view,
                  const Expectation& expectation, std::vector<Violation>* out);
  void judge_untouched(const sim::SectorReader& disk, const VolumeView& view,
                       const Expectation& expectation, std::vector<Violation>* out);
  void judge_touched(const sim::SectorReader& disk, const VolumeView& view,
                     const Expectation& expectation, std::vector<Violation>* out);
  void judge_names(const Expectation& expectation, const std::vector<Found>& found,
                   std::vector<Violation>* out) const;
  void judge_sizes(const Expectation& expectation, const std::vector<const Found*>& own,
                   std::vector<Violation>* out) const;
  void judge_stale(const sim::SectorReader& disk, const VolumeView& view, const Found& found,
                   std::vector<Violation>* out);
  void judge_gone(const VolumeView& view, const Expectation& expectation,
                  std::vector<Violation>* out) const;
  void judge_problems(const std::vector<CheckProblem>& problems, std::vector<Violation>* out) const;
  void judge_unknown_names(const CheckJudgement& judgement, std::vector<Violation>* out) const;
  void judge_unknown_below(const DirectoryView& directory, const std::string& path,
                           std::vector<Violation>* out) const;
  void judge_unknown_name(const std::string& path, std::vector<Violation>* out) const;
  void add_names(const FileHistory& file, Expectation* expectation) const;
  void judge_promised_bytes(const sim::SectorReader& disk, const VolumeView& view,
                            const Expectation& expectation, const Found& found,
                            std::vector<Violation>* out);
  void find_always_there();
  void mark_affected(const CheckJudgement& judgement);
  [[nodiscard]] bool claimed_by_another(const std::string& path,
                                        const Expectation& expectation) const;
  [[nodiscard]] std::vector<const Expectation*> files_named(const std::string& path) const;
  [[nodiscard]] std::vector<Found> find(const VolumeView& view,
                                        const Expectation& expectation) const;
  std::vector<std::byte> read_found(const sim::SectorReader& disk, const VolumeView& view,
                                    const TreeNode& node, uint64_t limit) const;

  const History& history_;
  std::byte poison_;
  OpCounts counts_;
  const VolumeView* base_view_ = nullptr;
  bool have_context_ = false;
  std::vector<Expectation> expectations_;
  std::vector<std::vector<Violation>> base_verdicts_;
  std::vector<Verdicts> remembered_;  // by expectation
  size_t remembered_count_ = 0;
  std::vector<bool> again_;                // expectations to judge anew in the state at hand
  std::vector<std::string> always_there_;  // folded paths
  std::map<std::string, std::vector<size_t>> by_path_;       // folded path -> who may have the name
  std::map<std::string, std::vector<size_t>> by_gone_path_;  // folded path -> who must not
  std::map<std::string, size_t> known_since_;  // folded path -> first model with the name
};

}  // namespace zerotail::harness
