#include "zerotail/reports/log_report.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

namespace zerotail::reports {
namespace {

using harness::Finding;
using Json = nlohmann::ordered_json;

constexpr size_t kShown = 10;  // findings in the summary

// For JSON and terminals: what is no plain text is replaced.
std::string printable(const std::string& text) {
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool plain = (byte >= 0x20 && byte < 0x7f) || c == '\n' || c == '\t';
    out.push_back(plain ? c : '?');
  }
  return out;
}

uint64_t bad_states(const ExploreReport& report) {
  uint64_t bad = 0;
  for (const Finding& finding : report.findings.findings()) bad += finding.count;
  return bad;
}

std::string tiers_line(const ExploreReport& report) {
  std::string text = "tiers:";
  for (size_t i = 0; i < report.tiers.size(); ++i) {
    const fault::TierCount& tier = report.tiers[i];
    if (tier.total == 0) continue;
    text += fmt::format("{} {} {}/{}", text.back() == ':' ? "" : ",",
                        fault::tier_name(static_cast<fault::Tier>(i)), tier.explored, tier.total);
  }
  return text + "\n";
}

std::string finding_lines(const Finding& finding) {
  return fmt::format("{} {}{}: {}\n    {} states; repro: {}\n", finding.fingerprint,
                     finding.violation.kind, finding.known ? " (known)" : "",
                     printable(finding.violation.detail), finding.count, finding.repro);
}

std::string heading(const ExploreReport& report, const LogReport& log) {
  const harness::WorkloadReport& workload = report.workloads.front();
  const harness::StateCounts& s = report.states;
  const uint64_t bad = bad_states(report);
  std::string text = fmt::format(
      "{}: {} requests and {} flushes, {} crash points, on {}\n{} of 2^{:.1f} crash states "
      "considered: {} checked, {} merged, {} left out\n",
      log.log, workload.requests, workload.flushes, workload.points, log.device, s.considered,
      s.log2, s.checked, s.merged, s.left_out);
  text += tiers_line(report);
  text +=
      fmt::format("{}: {} good, {} bad in {} findings, {} of them new\n", log.command,
                  s.checked - bad, bad, report.findings.findings().size(), report.new_findings());
  if (!log.base_verdict.good) {
    text += fmt::format("the disk before the log is bad already: {}\n",
                        log.base_verdict.outcome.kind());
  }
  return text;
}

}  // namespace

std::string to_json(const harness::LogBarrierReport& report) {
  Json json;
  json["states_checked"] = report.states;
  json["findings_with_all"] = report.findings;
  json["barriers"] = Json::array();
  for (const harness::LogBarrier& barrier : report.barriers) {
    Json item;
    item["entry"] = barrier.entry;
    item["what"] = barrier.what;
    item["required"] = barrier.required();
    item["states_checked"] = barrier.states;
    item["new_findings"] = barrier.fresh.size();
    if (barrier.required()) {
      item["kind"] = barrier.fresh.front().violation.kind;
      item["detail"] = barrier.fresh.front().violation.detail;
      item["repro"] = barrier.fresh.front().repro;
    }
    json["barriers"].push_back(std::move(item));
  }
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

std::string to_text(const harness::LogBarrierReport& report) {
  std::string text;
  size_t required = 0;
  for (const harness::LogBarrier& barrier : report.barriers) {
    text += fmt::format("entry {} ({}): ", barrier.entry, barrier.what);
    if (!barrier.required()) {
      text += fmt::format("nothing new without it in {} states\n", barrier.states);
      continue;
    }
    ++required;
    const Finding& first = barrier.fresh.front();
    text += fmt::format("required: {} new finding{} without it, first {}: {}\n    repro: {}\n",
                        barrier.fresh.size(), barrier.fresh.size() == 1 ? "" : "s",
                        first.violation.kind, printable(first.violation.detail), first.repro);
  }
  text += fmt::format("{} barriers, {} required; {} findings with all of them\n",
                      report.barriers.size(), required, report.findings);
  return text;
}

std::string to_json(const ExploreReport& report, const LogReport& log) {
  Json json = Json::parse(to_json(report), nullptr, false);
  json["log"] = log.log;
  json["base"] = log.base;
  json["device"] = log.device;
  json["checker"] = {{"command", log.command},
                     {"ok", log.ok},
                     {"base", log.base_verdict.outcome.kind()},
                     {"base_good", log.base_verdict.good}};
  for (Json& finding : json["findings"]) {
    const auto output = log.outputs.find(finding["fingerprint"].get<std::string>());
    finding["output"] = output == log.outputs.end() ? std::string() : printable(output->second);
  }
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

std::string summary(const ExploreReport& report, const LogReport& log) {
  std::string text = heading(report, log);
  size_t shown = 0;
  for (const Finding& finding : report.findings.findings()) {
    if (finding.known) continue;
    if (++shown <= kShown) text += finding_lines(finding);
  }
  if (shown > kShown) text += fmt::format("and {} more new findings\n", shown - kShown);
  return text;
}

std::string to_text(const ExploreReport& report, const LogReport& log) {
  std::string text = heading(report, log);
  for (const Finding& finding : report.findings.findings()) {
    text += "\n" + finding_lines(finding);
    const auto output = log.outputs.find(finding.fingerprint);
    if (output != log.outputs.end()) text += printable(output->second);
    if (text.back() != '\n') text += "\n";
  }
  if (!report.gone.empty()) text += "\nNot seen any more:\n";
  for (const harness::BaselineEntry& entry : report.gone) text += "  " + entry.fingerprint + "\n";
  return text;
}

}  // namespace zerotail::reports
