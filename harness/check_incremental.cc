// The checker of many similar disks: base, memory and the choice between the two ways to judge.
#include "zerotail/harness/check_incremental.h"

#include "check_state.h"

namespace zerotail::harness {

struct IncrementalChecker::Impl {
  explicit Impl(const Options& options) : memo(options.memo_limit) {}

  const sim::SectorReader* base_disk = nullptr;
  CheckMemo memo;
  ParseCounters counters;
  Stats stats;
  ParsedVolume base;
  CheckResult base_result;
  StateNotes notes;
  // Only a mountable base without loops and the like can be built upon.
  bool incremental = false;

  void parse_base(const sim::SectorReader& disk) {
    base_disk = &disk;
    base = ParsedVolume{};
    parse_volume(disk, &memo, counters, base);
    base_result = {.view = base.view, .problems = base.problems};
    incremental = base.view->mountable() && !base.order_matters;
    if (incremental) notes.reset(base.view->geometry->cluster_count);
    count(base);
  }

  void count(const ParsedVolume& volume) {
    stats.directories_parsed += volume.parsed_directories;
    stats.directories_recalled += volume.recalled_directories;
    count_sets();
  }

  void count_sets() {
    stats.sets_parsed = counters.sets_parsed;
    stats.sets_recalled = counters.sets_recalled;
    stats.memo_clears = memo.clears();
  }

  CheckJudgement judge_whole(const sim::SectorReader& disk) {
    ++stats.full_parses;
    ParsedVolume volume;
    parse_volume(disk, &memo, counters, volume);
    count(volume);
    CheckJudgement judgement;
    judgement.view = volume.view;
    judgement.problems = std::move(volume.problems);
    judgement.everything = true;
    return judgement;
  }
};

IncrementalChecker::IncrementalChecker(const sim::SectorReader& base)
    : IncrementalChecker(base, Options{}) {}

IncrementalChecker::IncrementalChecker(const sim::SectorReader& base, const Options& options)
    : impl_(std::make_unique<Impl>(options)) {
  impl_->parse_base(base);
}

IncrementalChecker::~IncrementalChecker() = default;

void IncrementalChecker::rebase(const sim::SectorReader& base) { impl_->parse_base(base); }

const CheckResult& IncrementalChecker::base() const { return impl_->base_result; }

const IncrementalChecker::Stats& IncrementalChecker::stats() const { return impl_->stats; }

CheckJudgement IncrementalChecker::judge(const sim::SectorReader& disk,
                                         std::span<const sim::Sector> changed) {
  Impl& impl = *impl_;
  ++impl.stats.states;
  if (!impl.incremental) return impl.judge_whole(disk);
  StateJudge state{{.base_disk = *impl.base_disk,
                    .base = impl.base,
                    .memo = impl.memo,
                    .counters = impl.counters,
                    .notes = impl.notes,
                    .stats = impl.stats},
                   disk};
  std::optional<CheckJudgement> judgement = state.judge(changed);
  impl.count_sets();
  if (!judgement) return impl.judge_whole(disk);
  return std::move(*judgement);
}

}  // namespace zerotail::harness
