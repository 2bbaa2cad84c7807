// Private to harness: from a checker's run to a verdict.
#pragma once

#include <string>
#include <vector>

#include "zerotail/harness/log_explore.h"

namespace zerotail::harness {

// `usual`: normalised lines that say nothing, because the unspoilt disk gives them too.
[[nodiscard]] LogVerdict judge_outcome(CheckOutcome outcome, const std::vector<int>& ok,
                                       const std::vector<std::string>& usual,
                                       const std::string& image);
// The text of the last mark that was passed at a point; empty: none.
[[nodiscard]] std::string last_mark(const LogSource& source, const fault::CrashPoint& point);
// ENOENT: the exit code says that there is nothing to run.
[[nodiscard]] sim::Status check_runnable(const CheckOutcome& outcome, const std::vector<int>& ok,
                                         const std::string& command);

}  // namespace zerotail::harness
