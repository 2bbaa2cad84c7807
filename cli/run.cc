// zerotail run: the operations of a trace, once, with their results.
#include <memory>
#include <optional>

#include "zerotail/cli/cache_options.h"
#include "zerotail/cli/commands.h"
#include "zerotail/cli/fault_options.h"
#include "zerotail/cli/output_file.h"
#include "zerotail/harness/disk_stack.h"
#include "zerotail/harness/executor.h"
#include "zerotail/harness/fault_regions.h"
#include "zerotail/harness/image_disk.h"
#include "zerotail/sim/image_file.h"

namespace zerotail::cli {
namespace {

struct Options {
  std::string trace;
  std::string image;
  std::string results;
  std::string save_image;
  std::string ordering;
  CacheOptions cache;
  std::string io_path;
  FaultOptions faults;
  bool keep_free = false;
  bool force = false;
};

// The image under an overlay, or the volume that the header asks for.
sim::Result<sim::MemDisk> make_disk(const Options& options, harness::TraceHeader* header) {
  if (options.image.empty()) return harness::format_disk(*header);
  ZT_ASSIGN(const sim::MemDisk disk, sim::load_image(options.image, {}));
  return harness::image_disk(disk.snapshot(), options.keep_free, header);
}

// Where the results go: nothing stands for standard output.
sim::Result<std::optional<OutputFile>> open_results(const Options& options) {
  if (options.results.empty()) return std::optional<OutputFile>();
  ZT_ASSIGN(OutputFile file, OutputFile::open(options.results, options.force));
  return std::optional<OutputFile>(std::move(file));
}

sim::Status save(const Options& options, sim::World& world, harness::DiskStack& stack) {
  if (options.save_image.empty()) return {};
  if (const sim::Errno code = sim::flush(world.scheduler, stack.top()); code != sim::Errno::kOk) {
    return sim::Error(code, "flushing the disk");
  }
  return sim::save_image(options.save_image, stack.medium().snapshot(), options.force);
}

ExitCode run(const Options& options, Terminal& terminal) {
  auto trace = harness::load_trace(options.trace);
  if (!trace) return terminal.fail("run", trace.error());
  if (!options.ordering.empty()) {
    const auto ordering = volume::parse_ordering(options.ordering);
    if (!ordering) return terminal.fail("--ordering", ordering.error());
    trace->header.ordering = volume::print(*ordering);
  }
  const auto cache = cache_config(options.cache);
  if (!cache) return terminal.fail("run", cache.error());
  harness::apply(*cache, &trace->header);
  if (!options.io_path.empty()) {
    const auto path = volume::parse_io_path(options.io_path);
    if (!path) return terminal.fail("--io-path", path.error());
    trace->header.io_path = options.io_path;
  }
  // Outputs are refused before the work starts.
  auto results = open_results(options);
  if (!results) return terminal.fail(options.results, results.error());
  if (!options.save_image.empty()) {
    const auto place = OutputFile::open(options.save_image, options.force);
    if (!place) return terminal.fail(options.save_image, place.error());
  }
  auto faults = options.faults.plan(&trace->header);
  if (!faults) return terminal.fail("faults", faults.error());
  auto disk = make_disk(options, &trace->header);
  const std::string& source = options.image.empty() ? options.trace : options.image;
  if (!disk) return terminal.fail(source, disk.error());

  sim::World world(trace->header.seed);
  harness::StackOptions stacking;
  stacking.faults = *faults;
  harness::DiskStack stack(world, std::move(disk).value(), stacking);
  harness::follow_volume(stack.faults(), stack.medium(), std::nullopt, nullptr);
  harness::Executor executor(world, stack.top(), trace->header);
  executor.set_power(stack.power());
  if (const sim::Status mounted = executor.mount(); !mounted) {
    return terminal.fail(source, mounted.error());
  }
  std::string text;
  for (size_t i = 0; i < trace->ops.size(); ++i) {
    harness::follow_volume(stack.faults(), stack.medium(), i, &trace->ops[i]);
    const harness::OpResult result = executor.run(trace->ops[i]);
    text += harness::print_result(result, i) + "\n";
    if (!result.note.empty()) terminal.note("operation " + std::to_string(i) + ": " + result.note);
  }
  if (executor.mounted()) {
    if (const sim::Status status = executor.unmount(); !status) {
      terminal.note("umount: " + status.error().message());
    }
  }
  if (stack.faults() != nullptr) {
    terminal.note(std::to_string(stack.faults()->hits().size()) +
                  " requests were struck by faults");
    stack.faults()->replug();
  }
  if (*results) {
    const sim::Status written = (*results)->write(text);
    const sim::Status committed = written.ok() ? (*results)->commit() : written;
    if (!committed) return terminal.fail(options.results, committed.error());
  } else {
    terminal.print(text);
  }
  if (const sim::Status saved = save(options, world, stack); !saved) {
    return terminal.fail(options.save_image, saved.error());
  }
  return ExitCode::kOk;
}

}  // namespace

Run setup_run(CLI::App& command) {
  auto options = std::make_shared<Options>();
  command.add_option("TRACE", options->trace, "The trace to run")->required();
  command.add_option(
      "--image", options->image,
      "Start from this volume instead of the one the header asks for; never written");
  options->faults.add_to(command);
  command.add_flag("--keep-free", options->keep_free,
                   "Leave the image's free clusters as they are instead of poisoning them");
  command.add_option("--results", options->results,
                     "Write the results there, one JSON object a line (default: standard output)");
  command.add_option("--save-image", options->save_image, "Write the disk there after umount");
  command.add_option("--ordering", options->ordering,
                     "The order of metadata writes: linux, careful, or rules with commas between "
                     "(default: what the header says)");
  add_cache_options(command, &options->cache);
  command.add_option("--io-path", options->io_path, kIoPathHelp);
  command.add_flag("--force", options->force, "Overwrite existing outputs");
  return [options](Terminal& terminal) { return run(*options, terminal); };
}

}  // namespace zerotail::cli
