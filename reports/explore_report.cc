#include "zerotail/reports/explore_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <set>

#include "zerotail/sim/digest.h"

namespace zerotail::reports {
namespace {

using harness::ByteRange;
using harness::Contract;
using harness::Finding;
using harness::StateCounts;
using harness::WorkloadReport;
using Json = nlohmann::ordered_json;

Json counts_to_json(const StateCounts& counts) {
  Json json;
  json["states_log2"] = counts.log2;
  json["states_considered"] = counts.considered;
  json["states_checked"] = counts.checked;
  json["states_merged"] = counts.merged;
  json["states_pruned"] = counts.pruned;
  json["states_left_out"] = counts.left_out;
  return json;
}

Json tiers_to_json(const fault::TierCounts& tiers) {
  Json json = Json::object();
  for (size_t i = 0; i < tiers.size(); ++i) {
    json[fault::tier_name(static_cast<fault::Tier>(i))] = {{"explored", tiers[i].explored},
                                                           {"total", tiers[i].total}};
  }
  return json;
}

Json nested_to_json(const harness::NestedCounts& nested) {
  Json json;
  json["continued"] = nested.continued;
  json["of"] = nested.of;
  json["unusable"] = nested.unusable;
  json.update(counts_to_json(nested.states));
  return json;
}

Json workload_to_json(const WorkloadReport& workload) {
  Json json;
  json["name"] = workload.workload;
  json["workloads"] = workload.workloads;
  json["crash_points"] = workload.points;
  json["epochs"] = workload.epochs;
  json["requests"] = workload.requests;
  json["flushes"] = workload.flushes;
  json.update(counts_to_json(workload.states));
  json["tiers"] = tiers_to_json(workload.tiers);
  json["nested"] = nested_to_json(workload.nested);
  json["core_mounts"] = workload.core_mounts;
  json["digest"] = workload.digest;
  return json;
}

Json finding_to_json(const Finding& finding) {
  Json json;
  json["contract"] = harness::contract_info(finding.violation.contract).name;
  json["kind"] = finding.violation.kind;
  json["workload"] = finding.workload;
  json["path"] = finding.violation.path;
  if (finding.violation.range) {
    json["range"] = {finding.violation.range->begin, finding.violation.range->end};
  } else {
    json["range"] = nullptr;
  }
  json["detail"] = finding.violation.detail;
  json["state"] = finding.state;
  json["fingerprint"] = finding.fingerprint;
  json["group"] = finding.group;
  json["promise"] = finding.circumstances.promise;
  json["touch"] = finding.circumstances.touch;
  json["count"] = finding.count;
  json["known"] = finding.known;
  json["repro"] = finding.repro;
  return json;
}

std::string range_text(const std::optional<ByteRange>& range) {
  return range ? fmt::format(" bytes [{}, {})", range->begin, range->end) : std::string{};
}

std::string one_line(const Finding& finding) {
  const harness::Violation& v = finding.violation;
  return fmt::format("{} {}: '{}'{} in {}: {}", harness::contract_info(v.contract).name, v.kind,
                     v.path, range_text(v.range), finding.workload, v.detail);
}

std::string contracts_table(const ExploreReport& report) {
  struct Row {
    size_t known = 0;
    size_t fresh = 0;
    uint64_t states = 0;
  };
  std::array<Row, harness::kContractCount> rows;
  for (const Finding& finding : report.findings.findings()) {
    Row& row = rows[static_cast<size_t>(finding.violation.contract)];
    (finding.known ? row.known : row.fresh) += 1;
    row.states += finding.count;
  }
  std::string text =
      fmt::format("{:<12} {:>6} {:>6} {:>9}\n", "contract", "new", "known", "states");
  for (size_t i = 0; i < rows.size(); ++i) {
    const Row& row = rows[i];
    text += fmt::format("{:<12} {:>6} {:>6} {:>9}{}\n",
                        harness::contract_info(static_cast<Contract>(i)).name, row.fresh, row.known,
                        row.states, row.fresh + row.known == 0 ? "  holds" : "");
  }
  return text;
}

std::string tiers_line(const ExploreReport& report) {
  std::string text = "tiers:";
  for (size_t i = 0; i < report.tiers.size(); ++i) {
    const fault::TierCount& tier = report.tiers[i];
    if (tier.total == 0) continue;
    text += fmt::format("{} {} {}/{}", text.back() == ':' ? "" : ",",
                        fault::tier_name(static_cast<fault::Tier>(i)), tier.explored, tier.total);
    if (tier.explored < tier.total) {
      text += fmt::format(" ({:.2g}%)", 100.0 * static_cast<double>(tier.explored) /
                                            static_cast<double>(tier.total));
    }
  }
  const harness::NestedCounts& nested = report.nested;
  if (nested.continued + nested.unusable > 0) {
    text += fmt::format(", nested {}/{} (from {} of {} crash states, {} more too damaged)",
                        nested.states.checked + nested.states.merged + nested.states.pruned,
                        nested.states.considered, nested.continued, nested.of, nested.unusable);
  }
  return text + "\n";
}

std::string explored_line(const ExploreReport& report) {
  const StateCounts& s = report.states;
  uint64_t workloads = 0;
  for (const WorkloadReport& workload : report.workloads) workloads += workload.workloads;
  return fmt::format(
      "explored {} workloads: {} of 2^{:.1f} crash states considered: {} checked, {} merged, {} "
      "pruned, {} left out\n",
      workloads, s.considered, s.log2, s.checked, s.merged, s.pruned, s.left_out);
}

}  // namespace

void ExploreReport::add(const WorkloadReport& workload) {
  states.add(workload.states);
  nested.add(workload.nested);
  for (size_t i = 0; i < tiers.size(); ++i) tiers[i].add(workload.tiers[i]);
  workloads.push_back(workload);
}

void ExploreReport::take(harness::CampaignReport campaign) {
  for (const WorkloadReport& workload : campaign.workloads) add(workload);
  findings = std::move(campaign.findings);
}

void ExploreReport::apply(const harness::Baseline& accepted) {
  for (Finding& finding : findings.findings()) {
    finding.known = accepted.find(finding.fingerprint) != nullptr;
  }
  gone.clear();
  for (const auto& [print, entry] : accepted.entries()) {
    if (findings.contains(print)) continue;
    // Findings of a crash after a crash are missed only where there was one.
    const bool again = entry.state.find(harness::kNestedSeparator) != std::string::npos;
    if (again && nested.continued == 0) continue;
    // So are those of a workload on a device where it was explored.
    const auto id = harness::parse_repro_id(entry.state);
    if (!id.ok()) continue;
    if (std::any_of(workloads.begin(), workloads.end(), [&id](const WorkloadReport& one) {
          return one.workload == id->workload && one.device == id->device;
        })) {
      gone.push_back(entry);
    }
  }
}

std::string ExploreReport::digest() const {
  sim::Digest digest;
  for (const WorkloadReport& workload : workloads) {
    digest += sim::bytes_digest(workload.digest.data(), workload.digest.size(), digest.low);
  }
  return digest.hex();
}

size_t ExploreReport::new_findings() const {
  size_t count = 0;
  for (const Finding& finding : findings.findings()) count += finding.known ? 0 : 1;
  return count;
}

std::string to_json(const ExploreReport& report) {
  Json json;
  json["seed"] = report.seed;
  json["digest"] = report.digest();
  json["budget"] = report.budget;
  json["baseline"] = report.baseline;
  json.update(counts_to_json(report.states));
  json["tiers"] = tiers_to_json(report.tiers);
  json["nested"] = nested_to_json(report.nested);
  json["workloads"] = Json::array();
  for (const WorkloadReport& workload : report.workloads) {
    json["workloads"].push_back(workload_to_json(workload));
  }
  json["findings"] = Json::array();
  for (const Finding& finding : report.findings.findings()) {
    json["findings"].push_back(finding_to_json(finding));
  }
  json["gone"] = Json::array();
  for (const harness::BaselineEntry& entry : report.gone) {
    json["gone"].push_back(entry.fingerprint);
  }
  // Names of files are UTF-8 with U+FFFD for what is not; `replace` is for paths given by a user.
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

std::string summary(const ExploreReport& report) {
  std::string text = explored_line(report) + tiers_line(report) + contracts_table(report);
  constexpr size_t kShown = 3;
  size_t shown = 0;
  for (const Finding& finding : report.findings.findings()) {
    if (finding.known || shown == kShown) continue;
    ++shown;
    text += fmt::format("new: {}\n  repro: {}\n", one_line(finding), finding.repro);
  }
  const size_t fresh = report.new_findings();
  if (fresh > shown) text += fmt::format("and {} more new ones\n", fresh - shown);
  if (!report.gone.empty()) {
    text += fmt::format("{} findings of the baseline did not appear\n", report.gone.size());
  }
  text += fmt::format("seed {}, digest {}: {}\n", report.seed, report.digest(),
                      fresh == 0 ? "nothing new" : fmt::format("{} new findings", fresh));
  return text;
}

std::string to_text(const ExploreReport& report) {
  std::set<std::string> groups;
  for (const Finding& finding : report.findings.findings()) groups.insert(finding.group);
  std::string text = summary(report);
  text +=
      fmt::format("{} findings in {} groups\n", report.findings.findings().size(), groups.size());
  text += fmt::format("\n{:<28} {:>6} {:>6} {:>5} {:>7} {:>8} {:>8} {:>7} {:>7} {:>12}\n",
                      "workload", "points", "epochs", "log2", "checked", "merged", "pruned",
                      "writes", "flushes", "left out");
  for (const WorkloadReport& w : report.workloads) {
    text += fmt::format("{:<28} {:>6} {:>6} {:>5.1f} {:>7} {:>8} {:>8} {:>7} {:>7} {:>12}\n",
                        w.workload, w.points, w.epochs, w.states.log2, w.states.checked,
                        w.states.merged, w.states.pruned, w.requests, w.flushes, w.states.left_out);
  }
  for (const bool known : {false, true}) {
    text += known ? "\nKnown findings (accepted by the baseline)\n" : "\nNew findings\n";
    for (const Finding& finding : report.findings.findings()) {
      if (finding.known != known) continue;
      text += fmt::format("{} {}\n    {} states; group {}; repro: {}\n", finding.fingerprint,
                          one_line(finding), finding.count, finding.group, finding.repro);
    }
  }
  if (!report.gone.empty()) text += "\nFindings of the baseline that did not appear\n";
  for (const harness::BaselineEntry& entry : report.gone) {
    text += fmt::format("{} {} {}\n", entry.fingerprint,
                        harness::contract_info(entry.contract).name, entry.state);
  }
  return text;
}

}  // namespace zerotail::reports
