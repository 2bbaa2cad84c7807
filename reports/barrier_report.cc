#include "zerotail/reports/barrier_report.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

namespace zerotail::reports {
namespace {

using harness::Barrier;
using harness::BarrierReport;
using harness::BarrierVerdict;
using harness::Finding;
using Json = nlohmann::ordered_json;

constexpr size_t kShown = 3;  // findings of one barrier in the text

// How the findings stand to the barrier.
const char* word_of(BarrierVerdict verdict) {
  return verdict == BarrierVerdict::kMissing ? "removes" : "breaks";
}

size_t count(const BarrierReport& report, BarrierVerdict verdict) {
  size_t n = 0;
  for (const Barrier& barrier : report.barriers) n += barrier.verdict == verdict ? 1 : 0;
  return n;
}

}  // namespace

std::string barriers_to_text(const std::vector<BarrierReport>& reports) {
  std::string text;
  for (const BarrierReport& report : reports) {
    if (!text.empty()) text += "\n";
    text += fmt::format(
        "{}: {} requests, {} flushes, {} findings; barriers: {} required, {} redundant, {} "
        "missing\n",
        report.workload, report.requests, report.flushes, report.findings,
        count(report, BarrierVerdict::kRequired), count(report, BarrierVerdict::kRedundant),
        count(report, BarrierVerdict::kMissing));
    for (const Barrier& barrier : report.barriers) {
      text +=
          fmt::format("{:<9}  {:<8}  {}\n", name_of(barrier.verdict), barrier.what, barrier.place);
      for (size_t i = 0; i < barrier.findings.size() && i < kShown; ++i) {
        const Finding& finding = barrier.findings[i];
        text += fmt::format("           {} {} {}: '{}': {}\n             {}\n",
                            word_of(barrier.verdict),
                            contract_info(finding.violation.contract).name, finding.violation.kind,
                            finding.violation.path, finding.violation.detail, finding.repro);
      }
      if (barrier.findings.size() > kShown) {
        text += fmt::format("           and {} more\n", barrier.findings.size() - kShown);
      }
    }
  }
  return text;
}

std::string barriers_to_json(const std::vector<BarrierReport>& reports) {
  Json json = Json::array();
  for (const BarrierReport& report : reports) {
    Json one;
    one["workload"] = report.workload;
    one["requests"] = report.requests;
    one["flushes"] = report.flushes;
    one["findings"] = report.findings;
    one["barriers"] = Json::array();
    for (const Barrier& barrier : report.barriers) {
      Json item;
      item["verdict"] = name_of(barrier.verdict);
      item["what"] = barrier.what;
      item["place"] = barrier.place;
      item["findings"] = Json::array();
      for (const Finding& finding : barrier.findings) {
        Json found;
        found["contract"] = contract_info(finding.violation.contract).name;
        found["kind"] = finding.violation.kind;
        found["path"] = finding.violation.path;
        found["detail"] = finding.violation.detail;
        found["fingerprint"] = finding.fingerprint;
        found["repro"] = finding.repro;
        item["findings"].push_back(std::move(found));
      }
      one["barriers"].push_back(std::move(item));
    }
    json.push_back(std::move(one));
  }
  return json.dump(2) + "\n";
}

}  // namespace zerotail::reports
