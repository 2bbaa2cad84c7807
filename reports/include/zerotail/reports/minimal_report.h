// A minimised finding as files: for people, and as a GoogleTest that shows it again.
#pragma once

#include <string>
#include <vector>

#include "zerotail/harness/minimise.h"

namespace zerotail::reports {

// `<trace>-<contract>-<kind>` and the file's name when it has one: letters, digits and hyphens.
[[nodiscard]] std::string name_of(const harness::Finding& finding);

// What it is, how small it got, the repro line, the trace. `trace_file` is named in the line;
// `base_image`: what the exploration started from, empty when it made its own volume.
[[nodiscard]] std::string to_text(const harness::MinimalCase& minimal,
                                  const std::string& trace_file,
                                  const std::string& base_image = {});

// A regression test for tests/regressions (its README says what it holds). A finding that is
// `known` is expected to be there, and to be gone with what cures it; any other is expected to be
// gone, so that the test fails until it is mended.
[[nodiscard]] std::string to_regression_test(const harness::MinimalCase& minimal, bool known);

// A row of the table of what minimising did.
struct MinimalRow {
  harness::Finding finding;  // before
  harness::CaseSize before;
  harness::CaseSize after;
  uint64_t traces = 0;
  uint64_t states = 0;
  double seconds = 0;
  bool complete = true;
  bool held = false;     // a first attempt had slipped
  bool slipped = false;  // no rule that cured it before cures the minimal one
};
// One line a group of findings (contract, kind, circumstances), Markdown, and a line of sums.
[[nodiscard]] std::string to_table(const std::vector<MinimalRow>& rows);

}  // namespace zerotail::reports
