#include "regressions/regression.h"

#include "zerotail/harness/explore.h"

namespace zerotail::regressions {

testing::AssertionResult shows(const Regression& regression, std::string_view ordering) {
  const auto trace = harness::parse_trace(regression.trace, "trace");
  const auto device = harness::parse_device(regression.device);
  const auto contract = harness::contract_by_name(regression.contract);
  if (!trace.ok() || !device.ok() || !contract) {
    ADD_FAILURE() << "the regression cannot be read";
    return testing::AssertionFailure() << "not run";
  }
  const auto rules = volume::parse_ordering(ordering.empty() ? trace->header.ordering : ordering);
  const auto path = volume::parse_io_path(trace->header.io_path);
  harness::ExploreOptions options;
  options.record.device = *device;
  options.record.seed = regression.seed;
  harness::FindingSet findings;
  if (!rules.ok() || !path.ok()) {
    ADD_FAILURE() << "the regression names no ordering or I/O path";
    return testing::AssertionFailure() << "not run";
  }
  options.record.ordering = *rules;
  options.record.io_path = *path;
  const auto report = harness::explore(harness::workload_from_trace(*trace), options, &findings);
  if (!report.ok()) {
    ADD_FAILURE() << report.error().message();
    return testing::AssertionFailure() << "not run";
  }
  for (const harness::Finding& finding : findings.findings()) {
    const harness::Violation& violation = finding.violation;
    if (violation.contract == *contract && violation.kind == regression.kind &&
        violation.path == regression.path && finding.circumstances == regression.circumstances) {
      return testing::AssertionSuccess() << violation.detail << "\nrepro: " << finding.repro;
    }
  }
  return testing::AssertionFailure()
         << "no crash state of " << report->states.checked << " shows it";
}

}  // namespace zerotail::regressions
