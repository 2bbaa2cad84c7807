// zerotail golden: a folder of recordings of a real kernel against the core.
#include "zerotail/harness/golden.h"

#include <fmt/format.h>

#include "zerotail/cli/cache_options.h"
#include "zerotail/cli/commands.h"
#include "zerotail/volume/volume.h"

namespace zerotail::cli {
namespace {

struct Options {
  std::string folder;
  std::string io_path = "iomap";
  std::string kernel;
  CacheOptions cache;
};

ExitCode run(const Options& options, Terminal& terminal) {
  const auto path = volume::parse_io_path(options.io_path);
  if (!path.ok()) return terminal.fail("--io-path", path.error());
  const auto cache = cache_config(options.cache);
  if (!cache.ok()) return terminal.fail("golden", cache.error());
  auto folder = harness::load_golden_folder(options.folder);
  if (!folder.ok()) return terminal.fail(options.folder, folder.error());
  std::string kernel = options.kernel;
  if (kernel.empty()) {
    const bool iomap = *path == volume::IoPath::kIomap;
    kernel = iomap ? harness::kIomapKernel : harness::kBufferHeadKernel;
    if (folder->kernels.size() == 1) kernel = *folder->kernels.begin();
  }
  if (folder->kernels.count(kernel) == 0) {
    terminal.error(options.folder, fmt::format("nothing recorded of kernel {}; there are {}",
                                               kernel, fmt::join(folder->kernels, ", ")));
    return ExitCode::kBadInput;
  }
  harness::GoldenVerdict sum;
  const auto add = [&](const std::string& name, const sim::Result<harness::GoldenVerdict>& one) {
    if (!one.ok()) return false;
    sum.agreed += one->agreed;
    sum.total += one->total;
    if (!one->difference.empty()) terminal.print(name + "\n" + one->difference);
    return true;
  };
  for (harness::GoldenAnswers& answers : folder->answers) {
    answers.trace.header.io_path = options.io_path;
    harness::apply(*cache, &answers.trace.header);
    const auto verdict = harness::judge_answers(answers, kernel);
    if (!add(answers.trace.header.trace, verdict)) {
      return terminal.fail(answers.trace.header.trace, verdict.error());
    }
  }
  for (harness::GoldenIoTrace& trace : folder->io) {
    trace.header.io_path = options.io_path;
    harness::apply(*cache, &trace.header);
    const auto verdict = harness::judge_io(trace, kernel);
    if (!add(trace.header.trace, verdict)) {
      return terminal.fail(trace.header.trace, verdict.error());
    }
  }
  terminal.print(fmt::format("agree {} of {}\n", sum.agreed, sum.total));
  return sum.agreed == sum.total ? ExitCode::kOk : ExitCode::kNewViolations;
}

}  // namespace

Run setup_golden(CLI::App& command) {
  auto options = std::make_shared<Options>();
  command
      .add_option("DIR", options->folder,
                  "A folder of *.jsonl files, answers (tests/golden/README.md) or I/O "
                  "(tests/golden/io/README.md)")
      ->required();
  command.add_option("--io-path", options->io_path, "iomap (default) or buffer-head");
  command.add_option("--kernel", options->kernel,
                     "Compare with this kernel's recording (default: 7.3.4 for iomap, 6.18.15 for "
                     "buffer-head, or the only one there is)");
  add_cache_options(command, &options->cache);
  return [options](Terminal& terminal) { return run(*options, terminal); };
}

}  // namespace zerotail::cli
