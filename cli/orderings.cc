#include "orderings.h"

#include <filesystem>
#include <optional>

#include "zerotail/cli/output_file.h"
#include "zerotail/reports/ordering_report.h"

namespace zerotail::cli {
namespace {

sim::Status write_file(const std::string& path, std::string_view text, bool force) {
  ZT_ASSIGN(OutputFile file, OutputFile::open(path, force));
  ZT_TRY(file.write(text));
  return file.commit();
}

// The page and the traces that it shows.
sim::Status write_page(const harness::LabReport& report, const CompareOptions& options) {
  const std::filesystem::path page(options.page);
  const auto files = reports::to_page(report, page.filename().string(), options.command);
  for (const reports::PageFile& file : files) {
    const std::filesystem::path path = page.parent_path() / file.name;
    if (!path.parent_path().empty()) ZT_TRY(make_directories(path.parent_path().string()));
    ZT_TRY(write_file(path.string(), file.content, options.force));
  }
  return {};
}

}  // namespace

ExitCode compare_orderings(const std::vector<harness::LabJob>& jobs,
                           const harness::ExploreOptions& explore, const CompareOptions& options,
                           Terminal& terminal) {
  // Outputs are refused before the work starts.
  for (const std::string& path : {options.json, options.page}) {
    if (path.empty()) continue;
    const auto place = OutputFile::open(path, options.force);
    if (!place.ok()) return terminal.fail(path, place.error());
  }
  Progress progress(terminal, {.what = "compare orderings", .unit = "explorations", .total = 0});
  const auto report =
      harness::compare_orderings(jobs, explore, [&progress](size_t done, size_t all) {
        progress.set_total(all);
        progress.update(done, 0);
        return true;
      });
  progress.finish();
  if (!report.ok()) return terminal.fail("compare orderings", report.error());
  terminal.print(reports::to_text(*report));
  if (!options.json.empty()) {
    const auto written = write_file(options.json, reports::to_json(*report), options.force);
    if (!written.ok()) return terminal.fail(options.json, written.error());
  }
  if (!options.page.empty()) {
    if (const auto written = write_page(*report, options); !written.ok()) {
      return terminal.fail(options.page, written.error());
    }
  }
  return ExitCode::kOk;
}

}  // namespace zerotail::cli
