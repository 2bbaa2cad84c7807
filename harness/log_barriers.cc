#include "zerotail/harness/log_barriers.h"

namespace zerotail::harness {
namespace {

using sim::Result;

// The entries that have a barrier, as the imported log shows them.
std::vector<LogBarrier> barriers_of(const LogSource& source) {
  std::vector<LogBarrier> barriers;
  const std::vector<sim::IoRecord>& records = source.log->log().records();
  for (uint32_t i = 0; i < records.size(); ++i) {
    const bool flush = records[i].op == sim::BioOp::kFlush || records[i].preflush;
    if (!flush && !records[i].fua) continue;
    LogBarrier barrier;
    barrier.entry = source.log->entry_of(i);
    barrier.what = !records[i].fua ? "flush" : flush ? "flush and FUA write" : "FUA write";
    barriers.push_back(std::move(barrier));
  }
  return barriers;
}

}  // namespace

Result<LogBarrierReport> compare_barriers(const LogLoader& load, const LogExploreOptions& options,
                                          const LogHook& hook) {
  LogBarrierReport report;
  LogProgress before;  // of the explorations that are done
  uint64_t runs = 1;
  const LogHook counted = [&](const LogProgress& now) {
    return !hook || hook({before.states + now.states, before.states + now.total * runs,
                          before.findings + now.findings});
  };
  const auto done = [&](const LogExploration& explored) {
    before.states += explored.report.states.checked + explored.report.states.merged;
    before.findings += explored.findings.findings().size();
    --runs;
    report.complete = explored.complete;
    return explored.complete;
  };
  ZT_ASSIGN(const LogSource whole, load({}));
  report.barriers = barriers_of(whole);
  runs += report.barriers.size();
  ZT_ASSIGN(const LogExploration with, explore_log(whole, options, counted));
  report.states = with.report.states.checked;
  report.findings = with.findings.findings().size();
  if (!done(with)) return report;
  for (LogBarrier& barrier : report.barriers) {
    ZT_ASSIGN(const LogSource source, load({barrier.entry}));
    ZT_ASSIGN(const LogExploration without, explore_log(source, options, counted));
    barrier.states = without.report.states.checked;
    for (const Finding& finding : without.findings.findings()) {
      if (!with.findings.contains(finding.fingerprint)) barrier.fresh.push_back(finding);
    }
    if (!done(without)) return report;
  }
  return report;
}

}  // namespace zerotail::harness
