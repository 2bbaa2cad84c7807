#include "zerotail/reports/barrier_report.h"

#include <fmt/format.h>

#include <map>
#include <nlohmann/json.hpp>
#include <utility>

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

constexpr const char* kIntroduction = R"(# Which barriers matter

A barrier is a flush, a PREFLUSH or a FUA: the only things that order what a device with a volatile cache makes durable.
Each one that the driver sends is taken away alone, with everything else as it was, and all crash states are judged again; then a flush is put, alone, at each place that has none.

- **required**: without it a contract ([CONTRACTS.md](CONTRACTS.md)) is broken in that call that holds with it.
- **redundant**: without it nothing is broken that holds with it. What one workload does not need another may, and of two barriers that are redundant alone, one may be needed.
- **missing**: there is none, and a flush there would keep a contract that is broken in that call.

Where a workload has more states than the budget, a sample of them is judged.
Only the log of requests is changed, not what the driver writes: which change of the driver would close a case at what price is told in [ORDERING.md](ORDERING.md).

)";

constexpr const char* kThere = R"(## Those that are there

| call | barrier | required | redundant | breaks without it |
|---|---|---|---|---|
)";

constexpr const char* kMissing = R"(
## Those that are missing

Places where one more flush, alone, removes findings.

| call | flush | places | would keep |
|---|---|---|---|
)";

// Barriers of one kind in one call.
struct Group {
  size_t required = 0;
  size_t redundant = 0;
  size_t missing = 0;
  std::map<std::pair<harness::Contract, std::string>, const Finding*> findings{};

  void add(const Barrier& barrier) {
    required += barrier.verdict == BarrierVerdict::kRequired ? 1 : 0;
    redundant += barrier.verdict == BarrierVerdict::kRedundant ? 1 : 0;
    missing += barrier.verdict == BarrierVerdict::kMissing ? 1 : 0;
    for (const Finding& finding : barrier.findings) {
      findings.try_emplace({finding.violation.contract, finding.violation.kind}, &finding);
    }
  }
  // The contracts and, for the gravest, the number of a note with a state.
  std::string broken(size_t* number, std::string* notes) const {
    std::string text;
    for (const auto& [key, finding] : findings) {
      if (text.empty()) {
        *notes += fmt::format("{}. `scripts/{}` {} '{}': {}\n", ++*number, finding->repro,
                              finding->violation.kind, finding->violation.path,
                              finding->violation.detail);
      }
      if (!text.empty()) text.append(", ");
      text += fmt::format("{} {}", contract_info(key.first).name, key.second);
      if (finding == findings.begin()->second) text += fmt::format(" [{}]", *number);
    }
    if (text.empty()) text.assign("nothing");
    return text;
  }
};

std::string key_of(const Barrier& barrier) {
  if (barrier.verdict != BarrierVerdict::kMissing) {
    return fmt::format("{} | {}{}{}", barrier.call, barrier.what,
                       barrier.kind.empty() ? "" : " of a write: ", barrier.kind);
  }
  if (barrier.kind.empty()) return fmt::format("{} | at the end of the call", barrier.call);
  return fmt::format("{} | before a write: {}", barrier.call, barrier.kind);
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
      text += fmt::format("{:<9}  {:<8}  {}{}\n", name_of(barrier.verdict), barrier.what,
                          barrier.place, barrier.exhaustive ? "" : " (of a sample of the states)");
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
      item["call"] = barrier.call;
      item["request"] = barrier.kind;
      item["place"] = barrier.place;
      item["exhaustive"] = barrier.exhaustive;
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
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

std::string barriers_to_page(const std::vector<BarrierReport>& reports,
                             const std::string& command) {
  std::map<std::string, Group> there;
  std::map<std::string, Group> missing;
  for (const BarrierReport& report : reports) {
    for (const Barrier& barrier : report.barriers) {
      const bool absent = barrier.verdict == BarrierVerdict::kMissing;
      (absent ? missing : there)[key_of(barrier)].add(barrier);
    }
  }
  std::string text = kIntroduction;
  text +=
      fmt::format("This page was made by `{}` from the {} built-in workloads; a test compares.\n\n",
                  command, reports.size());
  text += kThere;
  std::string notes;
  size_t number = 0;
  for (const auto& [key, group] : there) {
    text += fmt::format("| {} | {} | {} | {} |\n", key, group.required, group.redundant,
                        group.broken(&number, &notes));
  }
  text += "\n" + notes + kMissing;
  notes = "\n";
  for (const auto& [key, group] : missing) {
    text += fmt::format("| {} | {} | {} |\n", key, group.missing, group.broken(&number, &notes));
  }
  return text + notes;
}

}  // namespace zerotail::reports
