// What explore and merge leave behind: the reports, the baseline, the exit code.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "zerotail/cli/commands.h"
#include "zerotail/cli/output_file.h"
#include "zerotail/harness/campaign.h"
#include "zerotail/reports/explore_report.h"

namespace zerotail::cli {

struct OutputOptions {
  std::string json;
  std::string baseline;
  std::string write_baseline;
  bool keep_gone = false;
  bool force = false;
};
void add_output_options(CLI::App& command, OutputOptions* options);

// The outputs of one run, looked at before it begins.
class ExploreOutputs {
 public:
  // `path`: which of the shipped baselines is meant, when the user names none; nothing: an empty
  // one. Errors name the file.
  [[nodiscard]] static sim::Result<ExploreOutputs> open(const OutputOptions& options,
                                                        std::optional<volume::IoPath> path);
  // Nothing more will be written: removes the folder that was made for the run, if it is empty.
  void give_up();
  [[nodiscard]] const harness::Baseline& baseline() const { return baseline_; }
  // Where minimised findings go: `minimal` in the run's folder, or beside the report that was asked
  // for, NAME-minimal.
  [[nodiscard]] std::string minimal_folder() const;
  // Applies the baseline, prints the summary, writes reports and baseline.
  ExitCode finish(reports::ExploreReport* report, Terminal& terminal);
  // The same with other texts than those of explore_report.h.
  using Text = std::function<std::string(const reports::ExploreReport&)>;
  struct Rendering {
    Text summary;
    Text json;
    Text text;
  };
  ExitCode finish(reports::ExploreReport* report, const Rendering& rendering, Terminal& terminal);

 private:
  ExploreOutputs(OutputOptions options, harness::Baseline baseline, OutputFile json,
                 OutputFile text)
      : options_(std::move(options)),
        baseline_(std::move(baseline)),
        json_(std::move(json)),
        text_(std::move(text)) {}
  sim::Status write_reports(const reports::ExploreReport& report, const Rendering& rendering);
  sim::Status write_baseline(const reports::ExploreReport& report);

  OutputOptions options_;
  harness::Baseline baseline_;
  std::string baseline_name_;  // empty: none
  OutputFile json_;
  OutputFile text_;
  std::optional<OutputFile> baseline_file_;
  std::string folder_;  // made for them; empty when the user named a file
};

}  // namespace zerotail::cli
