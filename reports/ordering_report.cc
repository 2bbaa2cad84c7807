#include "zerotail/reports/ordering_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <nlohmann/json.hpp>

namespace zerotail::reports {
namespace {

using harness::CostByOperation;
using harness::Finding;
using harness::FindingSet;
using harness::IoCost;
using harness::LabReport;
using harness::RuleWorth;
using harness::Weakness;
using Json = nlohmann::ordered_json;

// Counts of findings by contract.
using ByContract = std::array<size_t, harness::kContractCount>;

const Finding* find(const FindingSet& set, const std::string& fingerprint) {
  for (const Finding& finding : set.findings()) {
    if (finding.fingerprint == fingerprint) return &finding;
  }
  return nullptr;
}

ByContract count(const FindingSet& set) {
  ByContract counts{};
  for (const Finding& finding : set.findings()) {
    ++counts[static_cast<size_t>(finding.violation.contract)];
  }
  return counts;
}

ByContract count(const FindingSet& set, const std::vector<std::string>& fingerprints) {
  ByContract counts{};
  for (const std::string& print : fingerprints) {
    const Finding* finding = find(set, print);
    if (finding != nullptr) ++counts[static_cast<size_t>(finding->violation.contract)];
  }
  return counts;
}

std::string contracts_text(const ByContract& counts) {
  std::string text;
  for (size_t i = 0; i < counts.size(); ++i) {
    if (counts[i] == 0) continue;
    if (!text.empty()) text += ", ";
    text += fmt::format("{} {}", contract_info(static_cast<harness::Contract>(i)).name, counts[i]);
  }
  return text.empty() ? "nothing" : text;
}

Json contracts_json(const ByContract& counts) {
  Json json = Json::object();
  for (size_t i = 0; i < counts.size(); ++i) {
    if (counts[i] != 0) json[contract_info(static_cast<harness::Contract>(i)).name] = counts[i];
  }
  return json;
}

// a / b with two decimals, in integers, so that every machine prints the same; signed.
std::string ratio(int64_t a, uint64_t b) {
  if (b == 0) return "0.00";
  const bool negative = a < 0;
  const uint64_t size = negative ? static_cast<uint64_t>(-a) : static_cast<uint64_t>(a);
  const uint64_t hundredths = (size * 100 + b / 2) / b;
  return fmt::format("{}{}.{:02}", negative && hundredths > 0 ? "-" : "", hundredths / 100,
                     hundredths % 100);
}

int64_t difference(uint64_t with_rule, uint64_t without) {
  return static_cast<int64_t>(with_rule) - static_cast<int64_t>(without);
}

std::string plus(const std::string& number) {
  return number.front() == '-' || number == "0.00" ? number : "+" + number;
}

// "fsync +1.00, rename +0.43": the flushes that an operation of each kind costs more.
std::string flushes_by_operation(const CostByOperation& with_rule, const CostByOperation& without) {
  std::string text;
  for (const auto& [name, cost] : with_rule) {
    const auto before = without.find(name);
    const uint64_t flushes = before == without.end() ? 0 : before->second.flushes;
    const std::string each = ratio(difference(cost.flushes, flushes), cost.operations);
    if (each == "0.00") continue;
    if (!text.empty()) text += ", ";
    text += fmt::format("{} {}", name, plus(each));
  }
  return text.empty() ? "none" : text;
}

Json cost_json(const IoCost& cost) {
  Json json;
  json["operations"] = cost.operations;
  json["requests"] = cost.requests;
  json["flushes"] = cost.flushes;
  json["bytes"] = cost.bytes;
  json["virtual_ns"] = cost.nanoseconds;
  return json;
}

Json costs_json(const CostByOperation& costs) {
  Json json = Json::object();
  json["all"] = cost_json(harness::total(costs));
  for (const auto& [name, cost] : costs) json[name] = cost_json(cost);
  return json;
}

std::string cost_cells(const CostByOperation& costs, const CostByOperation& base) {
  const IoCost now = harness::total(costs);
  const IoCost before = harness::total(base);
  const uint64_t ops = now.operations;
  return fmt::format(
      "{} | {} | {} | {}", plus(ratio(difference(now.requests, before.requests), ops)),
      plus(ratio(difference(now.flushes, before.flushes), ops)),
      plus(ratio(difference(now.bytes, before.bytes), ops)),
      plus(ratio(difference(now.nanoseconds, before.nanoseconds) / 1000, ops * 1000)));
}

std::string cure_text(const Weakness& weakness) {
  return weakness.cure ? volume::print(*weakness.cure) : std::string("none");
}

Json finding_ids(const std::vector<std::string>& fingerprints) { return Json(fingerprints); }

}  // namespace

std::string cost_row(volume::Rule rule, const CostByOperation& with_rule,
                     const CostByOperation& without) {
  return fmt::format("| `{}` | {} | {} |", exfat::rule_info(rule).name,
                     cost_cells(with_rule, without), flushes_by_operation(with_rule, without));
}

std::string to_text(const LabReport& report) {
  const FindingSet& base = report.linux_run.findings;
  std::string text =
      fmt::format("linux: {} findings ({})\n", base.findings().size(), contracts_text(count(base)));
  const FindingSet& careful = report.careful_run.findings;
  text += fmt::format("careful: {} findings ({})\n\n", careful.findings().size(),
                      contracts_text(count(careful)));
  text += fmt::format("{:<17} {:>7} {:>7} {:>5} {:>5}  {:>8} {:>8} {:>9} {:>8}\n", "rule",
                      "removes", "leaves", "adds", "only", "requests", "flushes", "bytes", "ms");
  const IoCost before = harness::total(report.linux_run.costs);
  const auto row = [&](const std::string& name, size_t removes, size_t adds, size_t only,
                       const CostByOperation& costs) {
    const IoCost now = harness::total(costs);
    const uint64_t ops = now.operations;
    text += fmt::format(
        "{:<17} {:>7} {:>7} {:>5} {:>5}  {:>8} {:>8} {:>9} {:>8}\n", name, removes,
        base.findings().size() - removes, adds, only,
        plus(ratio(difference(now.requests, before.requests), ops)),
        plus(ratio(difference(now.flushes, before.flushes), ops)),
        plus(ratio(difference(now.bytes, before.bytes), ops)),
        plus(ratio(difference(now.nanoseconds, before.nanoseconds) / 1000, ops * 1000)));
  };
  for (const RuleWorth& worth : report.rules) {
    row(exfat::rule_info(worth.rule).name, worth.removes.size(), worth.adds.size(),
        worth.only.size(), worth.costs);
  }
  size_t removed = 0;
  for (const Finding& finding : base.findings()) {
    removed += careful.contains(finding.fingerprint) ? 0 : 1;
  }
  row("careful", removed, careful.findings().size() + removed - base.findings().size(), 0,
      report.careful_run.costs);
  text +=
      "\nrequests, flushes, bytes and virtual milliseconds are per operation, against linux\n\n";
  for (const Weakness& weakness : report.weaknesses) {
    text += fmt::format("{} findings: {}\n  cure: {}\n  {}\n", weakness.findings.size(),
                        weakness.reason, cure_text(weakness), weakness.example.finding.repro);
  }
  return text;
}

std::string to_json(const LabReport& report) {
  const FindingSet& base = report.linux_run.findings;
  Json json;
  json["linux"]["findings"] = contracts_json(count(base));
  json["linux"]["costs"] = costs_json(report.linux_run.costs);
  json["careful"]["findings"] = contracts_json(count(report.careful_run.findings));
  json["careful"]["costs"] = costs_json(report.careful_run.costs);
  json["rules"] = Json::array();
  for (const RuleWorth& worth : report.rules) {
    Json one;
    one["rule"] = exfat::rule_info(worth.rule).name;
    one["says"] = exfat::rule_info(worth.rule).says;
    one["removes"] = finding_ids(worth.removes);
    one["removes_by_contract"] = contracts_json(count(base, worth.removes));
    one["leaves"] = base.findings().size() - worth.removes.size();
    one["adds"] = finding_ids(worth.adds);
    one["only"] = finding_ids(worth.only);
    one["costs"] = costs_json(worth.costs);
    json["rules"].push_back(std::move(one));
  }
  json["weaknesses"] = Json::array();
  for (const Weakness& weakness : report.weaknesses) {
    Json one;
    one["reason"] = weakness.reason;
    one["cure"] = weakness.cure ? Json(volume::print(*weakness.cure)) : Json();
    one["findings"] = finding_ids(weakness.findings);
    one["findings_by_contract"] = contracts_json(count(base, weakness.findings));
    const Finding& example = weakness.example.finding;
    one["example"]["contract"] = contract_info(example.violation.contract).name;
    one["example"]["kind"] = example.violation.kind;
    one["example"]["path"] = example.violation.path;
    one["example"]["detail"] = example.violation.detail;
    one["example"]["repro"] = example.repro;
    one["example"]["trace"] = harness::print_trace(weakness.example.workload.trace);
    json["weaknesses"].push_back(std::move(one));
  }
  return json.dump(2) + "\n";
}

}  // namespace zerotail::reports
