// The page for the maintainers of exFAT: what is weak today, shown small, and the cheapest cure.
#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <map>

#include "zerotail/reports/ordering_report.h"

namespace zerotail::reports {
namespace {

using harness::Finding;
using harness::LabReport;
using harness::RuleWorth;
using harness::Weakness;

constexpr const char* kIntroduction = R"(# What another order of writing would be worth

The Linux exFAT driver writes its metadata in an order that was measured, and flushes only at the end of fsync and when VolumeDirty changes.
exFAT has no journal, so what a power failure leaves behind is decided by that order alone.
This page says what goes wrong with it today, shows each case by a trace and a crash state that anybody can rebuild, and says which small change of the order would remove it, and at what price.
Nothing in it needs another format on disk.

A *rule* is one change of the order.
Each is implemented in zerotail's core where the driver would have it ([the rules](../core/exfat/README.md#the-rules)) and can be switched on alone: `--ordering RULE,RULE`.
`linux` is no rule, `careful` is all of them.
A *finding* is a contract ([CONTRACTS.md](CONTRACTS.md)) that some crash state of a workload breaks, for one file and in one way; the workloads are those built in.
Two findings are the same when contract, kind, file and workload are.

)";

constexpr const char* kHowToRead = R"(
*removes*: findings of `linux` that are gone with this rule alone. *adds*: findings that only appear with it: the order of everything else moves when one thing waits. *only*: findings that come back when `careful` is left without this rule: what no other rule does.

)";

constexpr const char* kCosts = R"(## What the rules cost

Each rule alone, more than `linux` per operation, on average over all operations of the workloads.
Time is virtual: a device that takes 0.2 ms a request, 40 ns a byte and 2 ms a flush, one after the other, which is about an SD card.
The workloads are chosen to show weaknesses, so they sync far more often than programs do: compare the rules with each other, and look at the last column for what one call costs.

| rule | requests | flushes | bytes | ms | flushes by operation |
|---|---|---|---|---|---|
)";

constexpr const char* kWeaknesses = R"(
## What goes wrong today, and its cheapest cure

Findings with one cause and one cure stand together; the example is the one with the gravest contract and the fewest operations, and no operation can be left out of its trace without losing the case or its cure.
A cure is the rule that removes most of what has this cause, the cheaper one of two; where no rule does alone, a set of which none can be left out.
Some cures work in passing: the flush that a rule needs also makes durable what another one waits for.
Rebuild a state with `scripts/zerotail` from the root of the repository; it prints what is broken and exits with 1.

)";

std::string contracts_of(const LabReport& report, const Weakness& weakness) {
  std::map<std::pair<harness::Contract, std::string>, size_t> counts;
  for (const Finding& finding : report.linux_run.findings.findings()) {
    const auto& prints = weakness.findings;
    if (std::find(prints.begin(), prints.end(), finding.fingerprint) == prints.end()) continue;
    ++counts[{finding.violation.contract, finding.violation.kind}];
  }
  std::string text;
  for (const auto& [key, count] : counts) {
    if (!text.empty()) text += ", ";
    text += fmt::format("{} {} ({})", contract_info(key.first).name, key.second, count);
  }
  return text;
}

std::string cure_of(const Weakness& weakness) {
  if (!weakness.cure) return "none of the rules";
  std::string text;
  for (const exfat::RuleInfo& info : exfat::all_rules()) {
    if (!weakness.cure->has(info.rule)) continue;
    if (!text.empty()) text += "; ";
    text += fmt::format("`{}`: {}", info.name, info.says);
  }
  return text;
}

std::string capitalised(std::string text) {
  if (!text.empty()) text[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(text[0])));
  return text;
}

// "ORDERING.md" has its traces in "ordering/".
std::string folder_of(const std::string& page) {
  std::string folder;
  for (const char c : page.substr(0, page.rfind('.'))) {
    folder += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  return folder;
}

std::string rules_table(const LabReport& report) {
  std::string text = "## The rules\n\n| rule | says | removes | leaves | adds | only |\n";
  text += "|---|---|---|---|---|---|\n";
  const size_t all = report.linux_run.findings.findings().size();
  for (const RuleWorth& worth : report.rules) {
    const exfat::RuleInfo& info = exfat::rule_info(worth.rule);
    text += fmt::format("| `{}` | {} | {} | {} | {} | {} |\n", info.name, info.says,
                        worth.removes.size(), all - worth.removes.size(), worth.adds.size(),
                        worth.only.size());
  }
  return text;
}

std::string contracts_table(const LabReport& report) {
  std::string text = "| contract | linux | careful |\n|---|---|---|\n";
  for (size_t i = 0; i < harness::kContractCount; ++i) {
    const auto contract = static_cast<harness::Contract>(i);
    const auto count = [contract](const harness::FindingSet& set) {
      return std::count_if(
          set.findings().begin(), set.findings().end(),
          [contract](const Finding& finding) { return finding.violation.contract == contract; });
    };
    text += fmt::format("| {} | {} | {} |\n", contract_info(contract).name,
                        count(report.linux_run.findings), count(report.careful_run.findings));
  }
  return text;
}

}  // namespace

std::vector<PageFile> to_page(const LabReport& report, const std::string& page,
                              const std::string& command) {
  std::string text = kIntroduction;
  text += fmt::format("This page and the traces beside it were made by `{}`; a test compares.\n\n",
                      command);
  text += "Findings by contract:\n\n" + contracts_table(report) + "\n";
  text += rules_table(report) + kHowToRead + kCosts;
  for (const RuleWorth& worth : report.rules) {
    text += cost_row(worth.rule, worth.costs, report.linux_run.costs) + "\n";
  }
  text += kWeaknesses;
  std::vector<PageFile> files(1);
  files[0].name = page;
  std::map<std::string, unsigned> used;
  size_t number = 0;
  for (const Weakness& weakness : report.weaknesses) {
    const Finding& finding = weakness.example.finding;
    const std::string stem = fmt::format("{}-{}", contract_info(finding.violation.contract).name,
                                         finding.violation.kind);
    const unsigned times = ++used[stem];
    const std::string name = fmt::format("{}/{}{}.trace", folder_of(page), stem,
                                         times == 1 ? "" : fmt::format("-{}", times));
    const std::string trace = harness::print_trace(weakness.example.workload.trace);
    text += fmt::format("### {}. {}\n\n", ++number, capitalised(weakness.reason));
    text += fmt::format("- Breaks: {}.\n", contracts_of(report, weakness));
    text += fmt::format("- Cure: {}.\n", cure_of(weakness));
    text +=
        fmt::format("- Example: '{}': {}.\n\n", finding.violation.path, finding.violation.detail);
    text += fmt::format("```json\n{}```\n\n```\n{}\n```\n\n", trace, weakness.example.description);
    text += fmt::format("`{} --trace docs/{}`\n\n", finding.repro, name);
    files.push_back({name, trace});
  }
  text.pop_back();
  files[0].content = std::move(text);
  return files;
}

}  // namespace zerotail::reports
