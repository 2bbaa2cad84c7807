// zerotail check: the file-system checker on an image file.
#include <optional>

#include "zerotail/cli/commands.h"
#include "zerotail/cli/output_file.h"
#include "zerotail/harness/check_report.h"
#include "zerotail/sim/image_file.h"

namespace zerotail::cli {
namespace {

struct Options {
  std::string image;
  std::string json;
  bool force = false;
};

ExitCode run_check(const Options& options, Terminal& terminal) {
  std::optional<OutputFile> json;
  if (!options.json.empty()) {
    auto output = OutputFile::open(options.json, options.force);
    if (!output.ok()) return terminal.fail(options.json, output.error());
    json.emplace(std::move(output).value());
  }
  const auto disk = sim::load_image(options.image, {});
  if (!disk.ok()) return terminal.fail(options.image, disk.error());
  const harness::CheckResult result = harness::check_volume(disk.value());
  if (const std::string why = harness::unusable_image(result); !why.empty()) {
    terminal.error(options.image, why);
    return ExitCode::kBadInput;
  }
  terminal.print(harness::check_text(options.image, result));
  if (json.has_value()) {
    sim::Status written = json->write(harness::check_json(options.image, result));
    if (written.ok()) written = json->commit();
    if (!written.ok()) return terminal.fail(options.json, written.error());
  }
  return result.clean() ? ExitCode::kOk : ExitCode::kCheckErrors;
}

}  // namespace

Run setup_check(CLI::App& command) {
  auto options = std::make_shared<Options>();
  command.add_option("IMG", options->image, "The image file to check; it is only read")->required();
  command.add_option("--json", options->json, "Write what was found as JSON to this file");
  command.add_flag("--force", options->force, "Overwrite an existing JSON file");
  return [options](Terminal& terminal) { return run_check(*options, terminal); };
}

}  // namespace zerotail::cli
