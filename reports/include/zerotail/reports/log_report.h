// The outcome of `zerotail explore --log`: that of explore_report.h, with a checker from outside
// instead of contracts.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "zerotail/harness/log_barriers.h"
#include "zerotail/harness/log_explore.h"
#include "zerotail/reports/explore_report.h"

namespace zerotail::reports {

struct LogReport {
  std::string log;
  std::string base;
  std::string command;
  std::vector<int> ok;
  std::string device;
  harness::LogVerdict base_verdict;            // on the disk before the log
  std::map<std::string, std::string> outputs;  // of the checker, by fingerprint
};

// Which barriers of a log are needed: one line or object a barrier.
[[nodiscard]] std::string to_json(const harness::LogBarrierReport& report);
[[nodiscard]] std::string to_text(const harness::LogBarrierReport& report);

// As reports::to_json(report), with `log`, `base`, `checker` and each finding's `output`.
[[nodiscard]] std::string to_json(const ExploreReport& report, const LogReport& log);
[[nodiscard]] std::string summary(const ExploreReport& report, const LogReport& log);
// The summary, and each finding with the whole output of the checker.
[[nodiscard]] std::string to_text(const ExploreReport& report, const LogReport& log);

}  // namespace zerotail::reports
