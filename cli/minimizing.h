// Findings made small and written as files: what `minimize` and `explore --minimize` share.
#pragma once

#include <string>
#include <vector>

#include "zerotail/cli/commands.h"
#include "zerotail/harness/campaign.h"
#include "zerotail/harness/minimise.h"
#include "zerotail/reports/minimal_report.h"

namespace zerotail::cli {

// One finding of one crash state.
struct MinimizeTask {
  harness::Workload workload;
  harness::ReproId id;
  harness::Finding finding;
  bool known = false;  // its test expects it to be there
};

// One task for each finding that the baseline does not know, of the workloads of the jobs. Crashes
// after a crash are left out, and what is beyond kMostTasks, with a note.
inline constexpr size_t kMostTasks = 200;
[[nodiscard]] sim::Result<std::vector<MinimizeTask>> tasks_of_new(
    const harness::FindingSet& findings, const harness::JobSource& jobs, Terminal& terminal);

struct MinimizeSettings {
  harness::MinimiseOptions options;
  std::string base_image;  // that the exploration started from; empty: none
  std::string folder;
  bool force = false;
};

// Makes the folder; without `force` it must not exist, or be empty.
[[nodiscard]] sim::Status open_folder(const std::string& folder, bool force);
// Removes it when nothing was put there.
void close_folder(const std::string& folder);
// out/minimize/1, 2, ...: the first that does not exist.
[[nodiscard]] std::string fresh_minimize_folder();

// Minimises one task after the other and writes each one's files: NAME.trace, NAME.txt, NAME.img
// and NAME_test.cc (no test when it rests on an image). The folder is open_folder()'s.
ExitCode minimize_into(const std::vector<MinimizeTask>& tasks, const MinimizeSettings& settings,
                       Terminal& terminal);
// Minimises them and prints a table; writes no files.
ExitCode minimize_table(const std::vector<MinimizeTask>& tasks, const MinimizeSettings& settings,
                        Terminal& terminal);

}  // namespace zerotail::cli
