// zerotail record: what a workload writes, as a dm-log-writes log for other tools.
#include <fmt/format.h>

#include "zerotail/cli/cache_options.h"
#include "zerotail/cli/commands.h"
#include "zerotail/cli/fault_options.h"
#include "zerotail/cli/output_file.h"
#include "zerotail/fault/log_writes.h"
#include "zerotail/harness/enumerate.h"
#include "zerotail/sim/image_file.h"

namespace zerotail::cli {
namespace {

struct Options {
  std::string trace;
  std::string workload;
  std::string image;
  std::string log;
  std::string base;
  std::string ordering;
  std::string io_path;
  CacheOptions cache;
  FaultOptions faults;
  uint64_t seed = 1;
  uint64_t sector = 0;  // 0: the device's logical block
  bool keep_free = false;
  bool force = false;
};

sim::Result<harness::Workload> workload_of(const Options& options) {
  if (options.trace.empty() == options.workload.empty()) {
    return sim::Error(sim::Errno::kInval, "needs a TRACE or a --workload, one of them");
  }
  if (options.trace.empty()) return harness::workload_by_name(options.workload);
  ZT_ASSIGN(harness::Trace trace, harness::load_trace(options.trace));
  return harness::workload_from_trace(std::move(trace));
}

sim::Result<harness::Recording> record(const Options& options) {
  ZT_ASSIGN(const harness::Workload workload, workload_of(options));
  const harness::TraceHeader& header = workload.trace.header;
  harness::RecordOptions record;
  record.seed = options.seed;
  ZT_ASSIGN(record.ordering,
            volume::parse_ordering(options.ordering.empty() ? header.ordering : options.ordering));
  ZT_ASSIGN(record.io_path,
            volume::parse_io_path(options.io_path.empty() ? header.io_path : options.io_path));
  ZT_ASSIGN(record.cache, cache_config(options.cache));
  ZT_ASSIGN(record.faults, options.faults.plan());
  if (!options.image.empty()) {
    ZT_ASSIGN(const sim::MemDisk disk, sim::load_image(options.image, {}));
    record.image = disk.snapshot();
    record.keep_free = options.keep_free;
  }
  return harness::record(workload.trace, workload.setup, record);
}

// A mark where each operation has returned: `3: fsync path=a`.
std::vector<fault::LogWritesMark> marks_of(const harness::Recording& recording) {
  std::vector<fault::LogWritesMark> marks;
  for (const sim::IoMark& mark : recording.log->marks()) {
    if (mark.kind != harness::kMarkReturned) continue;
    marks.push_back(
        {mark.event, fmt::format("{}: {}", mark.id, recording.history->op_text(mark.id))});
  }
  return marks;
}

ExitCode run(const Options& options, Terminal& terminal) {
  auto output = OutputFile::open(options.log, options.force);
  if (!output.ok()) return terminal.fail(options.log, output.error());
  if (auto base = OutputFile::open(options.base, options.force); !base.ok()) {
    return terminal.fail(options.base, base.error());
  }
  const auto recording = record(options);
  if (!recording.ok()) return terminal.fail("record", recording.error());
  size_t failed = 0;
  const sim::ByteCount sector = options.sector != 0 ? sim::ByteCount{options.sector}
                                                    : recording->medium->info().logical_block;
  const auto log = fault::export_log_writes(*recording->log, marks_of(*recording), sector, &failed);
  if (!log.ok()) return terminal.fail(options.log, log.error());
  if (failed > 0) {
    terminal.note(fmt::format("{}: {} requests failed and are not in it", options.log, failed));
  }
  const auto content = fault::print_log_writes(*log);
  if (!content.ok()) return terminal.fail(options.log, content.error());
  sim::Status status = output->write(*content);
  if (status.ok()) status = sim::save_image(options.base, recording->base, options.force);
  if (!status.ok()) return terminal.fail(options.base, status.error());
  if (status = output->commit(); !status.ok()) return terminal.fail(options.log, status.error());
  terminal.print(fmt::format("{}: {} entries; {}: {} bytes\n", options.log, log->entries.size(),
                             options.base, sim::bytes(recording->base.capacity()).value()));
  return ExitCode::kOk;
}

}  // namespace

Run setup_record(CLI::App& command) {
  auto options = std::make_shared<Options>();
  command.add_option("TRACE", options->trace, "The trace to run");
  command.add_option("--workload", options->workload, "A built-in workload instead");
  command.add_option("--log", options->log, "The dm-log-writes log to write")->required();
  command
      .add_option("--base", options->base, "The image to write: the disk that the log begins with")
      ->required();
  command.add_option("--image", options->image,
                     "Start from this exFAT image (never written) instead of a fresh volume");
  command.add_flag("--keep-free", options->keep_free,
                   "Keep what the image's free clusters hold instead of filling them with poison");
  command
      .add_option("--log-sector", options->sector,
                  "Bytes a sector of the log (default: the device's logical block)")
      ->check(CLI::IsMember({512, 1024, 2048, 4096}));
  command.add_option("--seed", options->seed, "Seed of every random choice")->capture_default_str();
  command.add_option("--ordering", options->ordering,
                     "The order of metadata writes (default: what the trace's header says)");
  command.add_option("--io-path", options->io_path, kIoPathHelp);
  options->faults.add_to(command);
  add_cache_options(command, &options->cache);
  command.add_flag("--force", options->force, "Overwrite existing outputs");
  return [options](Terminal& terminal) { return run(*options, terminal); };
}

}  // namespace zerotail::cli
