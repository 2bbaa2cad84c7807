#include "explore_output.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <filesystem>

#include "zerotail/harness/explain.h"
#include "zerotail/harness/workloads.h"

namespace zerotail::cli {
namespace {

// `name` itself, or the first of out/explore/1, 2, ... that does not exist.
std::string fresh_folder() {
  for (unsigned number = 1;; ++number) {
    std::string folder = fmt::format("out/explore/{}", number);
    if (!std::filesystem::exists(folder)) return folder;
  }
}

sim::Result<harness::Baseline> load_baseline(const OutputOptions& options,
                                             std::optional<volume::IoPath> path) {
  if (options.baseline.empty() && !path) return harness::Baseline{};
  if (options.baseline.empty()) return harness::shipped_baseline(*path);
  return harness::Baseline::load(options.baseline);
}

}  // namespace

void add_output_options(CLI::App& command, OutputOptions* options) {
  command.add_option("--baseline", options->baseline,
                     "Known findings (default: those shipped for the built-in workloads)");
  command.add_option("--write-baseline", options->write_baseline,
                     "Write all findings of this run as a baseline");
  command.add_flag("--keep-gone", options->keep_gone,
                   "With --write-baseline: keep entries that this run did not show");
  command.add_option("--json", options->json,
                     "The JSON report; the text report stands beside it (default: a new folder "
                     "below out/explore)");
  command.add_flag("--force", options->force, "Overwrite existing outputs");
}

sim::Result<ExploreOutputs> ExploreOutputs::open(const OutputOptions& options,
                                                 std::optional<volume::IoPath> path) {
  auto baseline = load_baseline(options, path);
  if (!baseline.ok()) return baseline.error();
  std::string json = options.json;
  std::string folder;
  if (json.empty()) {
    folder = fresh_folder();
    ZT_TRY(make_directories(folder));
    json = folder + "/report.json";
  }
  const std::string text = std::filesystem::path(json).replace_extension(".txt").string();
  if (text == json) {
    return sim::Error(sim::Errno::kInval,
                      json + ": the text report stands beside it with .txt: choose another name");
  }
  ZT_ASSIGN(OutputFile json_file, OutputFile::open(json, options.force));
  ZT_ASSIGN(OutputFile text_file, OutputFile::open(text, options.force));
  ExploreOutputs outputs(options, std::move(*baseline), std::move(json_file), std::move(text_file));
  outputs.folder_ = folder;
  outputs.baseline_name_ = options.baseline;
  if (options.baseline.empty() && path) outputs.baseline_name_ = "shipped";
  if (!options.write_baseline.empty()) {
    ZT_ASSIGN(OutputFile file, OutputFile::open(options.write_baseline, options.force));
    outputs.baseline_file_.emplace(std::move(file));
  }
  return outputs;
}

std::string ExploreOutputs::minimal_folder() const {
  if (!folder_.empty()) return folder_ + "/minimal";
  return std::filesystem::path(json_.path()).replace_extension().string() + "-minimal";
}

void ExploreOutputs::give_up() {
  std::error_code ignored;
  if (!folder_.empty()) std::filesystem::remove(folder_, ignored);
}

sim::Status ExploreOutputs::write_reports(const reports::ExploreReport& report,
                                          const Rendering& rendering) {
  ZT_TRY(json_.write(rendering.json(report)));
  ZT_TRY(text_.write(rendering.text(report)));
  ZT_TRY(json_.commit());
  return text_.commit();
}

// Every finding of the run becomes an entry; entries that were there keep their date and reason.
sim::Status ExploreOutputs::write_baseline(const reports::ExploreReport& report) {
  harness::Baseline after;
  if (options_.keep_gone) after = baseline_;
  const std::string today =
      fmt::format("{:%Y-%m-%d}", fmt::gmtime(std::chrono::system_clock::now()));
  for (const harness::Finding& finding : report.findings.findings()) {
    const harness::BaselineEntry* known = baseline_.find(finding.fingerprint);
    harness::BaselineEntry entry{
        finding.fingerprint, finding.violation.contract, known == nullptr ? today : known->date,
        finding.repro.substr(finding.repro.rfind(' ') + 1), harness::explain(finding)};
    if (known != nullptr) entry.reason = known->reason;
    if (entry.reason.empty()) entry.reason = "not explained";
    after.add(std::move(entry));
  }
  ZT_TRY(baseline_file_->write(after.print()));
  return baseline_file_->commit();
}

ExitCode ExploreOutputs::finish(reports::ExploreReport* report, Terminal& terminal) {
  const Rendering rendering{
      [](const reports::ExploreReport& r) { return reports::summary(r); },
      [](const reports::ExploreReport& r) { return reports::to_json(r); },
      [](const reports::ExploreReport& r) { return reports::to_text(r); },
  };
  return finish(report, rendering, terminal);
}

ExitCode ExploreOutputs::finish(reports::ExploreReport* report, const Rendering& rendering,
                                Terminal& terminal) {
  report->baseline = baseline_name_;
  report->apply(baseline_);
  terminal.print(rendering.summary(*report));
  if (const auto status = write_reports(*report, rendering); !status.ok()) {
    return terminal.fail("output", status.error());
  }
  terminal.print(fmt::format("report: {} ({})\n", text_.path(), json_.path()));
  if (baseline_file_) {
    if (const auto status = write_baseline(*report); !status.ok()) {
      return terminal.fail(options_.write_baseline, status.error());
    }
    terminal.print(fmt::format("baseline: {}\n", options_.write_baseline));
  }
  return report->new_findings() == 0 ? ExitCode::kOk : ExitCode::kNewViolations;
}

}  // namespace zerotail::cli
