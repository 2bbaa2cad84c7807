#include "source_options.h"

#include <fmt/format.h>

#include "zerotail/harness/enumerate.h"
#include "zerotail/sim/image_file.h"

namespace zerotail::cli {

void SourceOptions::add_to(CLI::App& command) {
  command.add_option("--trace", trace,
                     "The trace of the state, when it is neither a built-in workload nor "
                     "enumerated");
  command.add_option("--base", base_image,
                     "The image that the exploration started from, when there was one");
  faults.add_to(command);
  command.add_flag("--keep-free", keep_free,
                   "As given to explore: the image's free clusters keep their content");
}

sim::Result<harness::Workload> SourceOptions::workload(const harness::ReproId& id) const {
  if (trace.empty()) {
    auto workload = harness::workload_by_name(id.workload);
    if (workload.ok() || id.workload.rfind("trace-", 0) != 0) return workload;
    return sim::Error(sim::Errno::kInval,
                      fmt::format("'{}' names a trace file: give it with --trace", id.workload));
  }
  ZT_ASSIGN(harness::Trace loaded, harness::load_trace(trace));
  harness::Workload workload = harness::workload_from_trace(std::move(loaded));
  if (workload.name != id.workload) {
    return sim::Error(sim::Errno::kInval,
                      fmt::format("{}: is {}, the id is of {}", trace, workload.name, id.workload));
  }
  return workload;
}

sim::Result<harness::RecordOptions> SourceOptions::record() const {
  harness::RecordOptions record;
  ZT_ASSIGN(record.faults, faults.plan());
  if (!base_image.empty()) {
    ZT_ASSIGN(const sim::MemDisk disk, sim::load_image(base_image, {}));
    record.image = disk.snapshot();
    record.keep_free = keep_free;
  }
  return record;
}

}  // namespace zerotail::cli
