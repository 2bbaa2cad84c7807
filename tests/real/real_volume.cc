#include "real/real_volume.h"

#include <utility>

#include "zerotail/harness/check.h"
#include "zerotail/harness/executor.h"
#include "zerotail/sim/image_file.h"
#include "zerotail/support/real_tools.h"

namespace zerotail::real {

using harness::Operation;
using harness::OpKind;
using sim::ByteCount;

sim::Result<sim::MemDisk> format_with_real_mkfs(const harness::TraceHeader& header) {
  const support::ScratchDir scratch;
  const std::string path = scratch.file("real.img");
  const ByteCount size = sim::mib(header.size_mib);
  ZT_TRY(support::create_image(path, size, size));
  std::vector<std::string> options = {"-c", std::to_string(header.cluster)};
  if (header.mkfs.boundary_align != 0) {
    options.insert(options.end(), {"-b", std::to_string(header.mkfs.boundary_align)});
  }
  if (!header.mkfs.label.empty()) options.insert(options.end(), {"-L", header.mkfs.label});
  if (header.mkfs.pack_bitmap) options.emplace_back("--pack-bitmap");
  const auto run = support::real_mkfs(path, ByteCount{header.sector}, options);
  if (run.exit_code != 0) return sim::Error(sim::Errno::kIo, "mkfs.exfat: " + run.output);
  return sim::load_image(path, {.capacity = {},
                                .logical_block = ByteCount{header.logical_block()},
                                .physical_block = ByteCount{header.logical_block()},
                                .fill = support::kPoison,
                                .discard_fill = support::kPoison});
}

std::string judge(const sim::MemDisk& disk, ByteCount sector_size) {
  const support::ScratchDir scratch;
  const std::string path = scratch.file("volume.img");
  if (const auto saved = sim::save_image(path, disk, false); !saved) {
    return saved.error().message();
  }
  std::string verdict;
  const auto fsck = support::real_fsck(path, sector_size);
  if (fsck.exit_code != 0 || fsck.output.find(": clean.") == std::string::npos) {
    verdict += "fsck.exfat -n exits with " + std::to_string(fsck.exit_code) + ":\n" + fsck.output;
  }
  const harness::CheckResult checked = harness::check_volume(disk);
  for (const harness::CheckProblem& problem : checked.problems) {
    verdict += "check: " + problem.describe() + "\n";
  }
  if (checked.view->volume_dirty) verdict += "VolumeDirty is set after the unmount\n";
  return verdict;
}

std::string run_and_judge(sim::MemDisk& disk, const harness::TraceHeader& header,
                          const std::vector<Operation>& ops) {
  sim::World world(header.seed);
  harness::Executor executor(world, disk, header);
  if (const auto mounted = executor.mount(); !mounted) {
    return "mount: " + mounted.error().message();
  }
  const auto space = executor.volume().statfs();
  if (!space) return "statfs: " + space.error().message();
  harness::Model model(harness::model_geometry(header, space->blocks, space->blocks_free));
  model.set_keep(header.keep);
  for (size_t i = 0; i < ops.size(); ++i) {
    const harness::Prediction prediction = model.apply(ops[i]);
    const harness::OpResult answer = executor.run(ops[i]);
    const std::string wrong = harness::disagreement(prediction, answer);
    if (wrong.empty()) continue;
    return "operation " + std::to_string(i) + " " + harness::print_operation(ops[i]) + ": " +
           wrong + (answer.note.empty() ? "" : " (" + answer.note + ")");
  }
  if (const auto unmounted = executor.unmount(); !unmounted) {
    return "unmount: " + unmounted.error().message();
  }
  return judge(disk, ByteCount{header.sector});
}

}  // namespace zerotail::real
