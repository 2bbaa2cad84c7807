// The outcome of `zerotail explore`: as JSON for tools, as text for people.
#pragma once

#include <string>
#include <vector>

#include "zerotail/harness/baseline.h"
#include "zerotail/harness/campaign.h"

namespace zerotail::reports {

struct ExploreReport {
  uint64_t seed = 1;
  uint64_t budget = 0;
  std::string baseline;  // where it came from; empty: none
  std::vector<harness::WorkloadReport> workloads;
  harness::StateCounts states;  // their sum
  harness::FindingSet findings;
  // Baseline entries of explored workloads that did not appear.
  std::vector<harness::BaselineEntry> gone;

  fault::TierCounts tiers;  // their sum
  harness::NestedCounts nested;

  void add(const harness::WorkloadReport& workload);
  // The workloads and findings of a complete run.
  void take(harness::CampaignReport campaign);
  // Sets Finding::known and `gone`.
  void apply(const harness::Baseline& accepted);
  [[nodiscard]] std::string digest() const;  // 32 hex digits over the workloads' digests
  [[nodiscard]] size_t new_findings() const;
};

// One object: seed, digest, workloads, states_log2, states_considered, states_checked,
// states_merged, states_pruned, states_left_out, findings; ends with a newline.
[[nodiscard]] std::string to_json(const ExploreReport& report);
// What was explored, findings by contract, the first new ones: to be read in ten seconds.
[[nodiscard]] std::string summary(const ExploreReport& report);
// Everything: the summary, the workloads' table, each finding with its repro line.
[[nodiscard]] std::string to_text(const ExploreReport& report);

}  // namespace zerotail::reports
