// docs/ORDERING.md says what the program says. The whole page is compared by `scripts/pages
// --check`; here every example is rebuilt, every cure tried on its example, and every cost counted
// again.
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "zerotail/harness/workloads.h"
#include "zerotail/reports/ordering_report.h"

namespace zerotail::reports {
namespace {

using volume::Ordering;

const std::string kRoot = ZEROTAIL_SOURCE_DIR;

std::vector<std::string> lines_of_page() {
  std::ifstream file(kRoot + "/docs/ORDERING.md");
  EXPECT_TRUE(file.good());
  std::vector<std::string> lines;
  for (std::string line; std::getline(file, line);) lines.push_back(line);
  return lines;
}

// A section of the page about one weakness.
struct Shown {
  std::string title;
  std::optional<Ordering> cure;
  std::string repro;  // the id
  std::string trace;  // its file
};

Ordering rules_in(const std::string& line) {
  Ordering ordering;
  for (const exfat::RuleInfo& info : exfat::all_rules()) {
    if (line.find("`" + std::string(info.name) + "`") != std::string::npos) {
      ordering = ordering.with(info.rule);
    }
  }
  return ordering;
}

std::vector<Shown> weaknesses_of_page() {
  std::vector<Shown> found;
  for (const std::string& line : lines_of_page()) {
    if (line.rfind("### ", 0) == 0) found.push_back({line, {}, {}, {}});
    if (found.empty()) continue;
    if (line.rfind("- Cure: `", 0) == 0) found.back().cure = rules_in(line);
    if (line.rfind("`zerotail repro ", 0) == 0) {
      std::istringstream words(line.substr(1, line.size() - 2));
      std::string skip;
      words >> skip >> skip >> found.back().repro >> skip >> found.back().trace;
    }
  }
  return found;
}

bool shows(const harness::FindingSet& findings, const harness::Violation& wanted) {
  for (const harness::Finding& finding : findings.findings()) {
    const harness::Violation& v = finding.violation;
    if (v.contract == wanted.contract && v.kind == wanted.kind && v.path == wanted.path) {
      return true;
    }
  }
  return false;
}

TEST(OrderingPage, ShowsEveryWeaknessWithAStateThatIsThere) {
  const std::vector<Shown> weaknesses = weaknesses_of_page();
  ASSERT_GE(weaknesses.size(), 10U);
  for (const Shown& shown : weaknesses) {
    const auto id = harness::parse_repro_id(shown.repro);
    ASSERT_TRUE(id.ok()) << shown.title << ": " << shown.repro;
    const auto trace = harness::load_trace(kRoot + "/" + shown.trace);
    ASSERT_TRUE(trace.ok()) << shown.title << ": " << shown.trace;
    const harness::Workload workload = harness::workload_from_trace(*trace);
    EXPECT_EQ(workload.name, id->workload) << shown.title;
    const auto state = harness::rebuild(workload, *id, {});
    ASSERT_TRUE(state.ok()) << shown.title << ": " << state.error().message();
    EXPECT_FALSE(state->violations.empty()) << shown.title;
  }
}

TEST(OrderingPage, EveryCureRemovesWhatItsExampleShows) {
  for (const Shown& shown : weaknesses_of_page()) {
    const auto id = harness::parse_repro_id(shown.repro);
    const auto trace = harness::load_trace(kRoot + "/" + shown.trace);
    ASSERT_TRUE(id.ok() && trace.ok()) << shown.title;
    const harness::Workload workload = harness::workload_from_trace(*trace);
    harness::ExploreOptions options;
    options.record.device = id->device;
    harness::FindingSet today;
    ASSERT_TRUE(harness::explore(workload, options, &today).ok());
    // The file's name says which of the findings the section is about: <contract>-<kind>.
    const harness::Finding* example = nullptr;
    for (const harness::Finding& finding : today.findings()) {
      const std::string stem = std::string("/") + contract_info(finding.violation.contract).name +
                               "-" + finding.violation.kind;
      const size_t at = shown.trace.find(stem);
      if (at != std::string::npos && finding.state == id->state) example = &finding;
    }
    ASSERT_NE(example, nullptr) << shown.title;
    options.record.ordering = shown.cure.value_or(Ordering::kCareful);
    harness::FindingSet cured;
    ASSERT_TRUE(harness::explore(workload, options, &cured).ok());
    EXPECT_EQ(shows(cured, example->violation), !shown.cure) << shown.title;
  }
}

TEST(OrderingPage, CostsAreWhatTheLogsSay) {
  const std::vector<harness::LabJob> jobs = harness::builtin_jobs();
  const auto costs = [&jobs](Ordering ordering) {
    harness::CostByOperation sum;
    for (const harness::LabJob& job : jobs) {
      harness::RecordOptions options;
      options.device = job.device;
      options.ordering = ordering;
      const auto recording = harness::record(job.workload.trace, job.workload.setup, options);
      EXPECT_TRUE(recording.ok());
      for (const auto& [name, cost] : harness::cost_of(*recording)) sum[name].add(cost);
    }
    return sum;
  };
  const std::vector<std::string> page = lines_of_page();
  const harness::CostByOperation base = costs(Ordering::kLinux);
  for (const exfat::RuleInfo& info : exfat::all_rules()) {
    const std::string row = cost_row(info.rule, costs(Ordering::kLinux.with(info.rule)), base);
    EXPECT_NE(std::find(page.begin(), page.end(), row), page.end()) << row;
  }
}

}  // namespace
}  // namespace zerotail::reports
