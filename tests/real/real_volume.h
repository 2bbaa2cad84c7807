// A volume that the real mkfs.exfat made, on a disk in memory, and the judges of what is left of it
// after a clean unmount: the real fsck.exfat -n and the project's own checker.
#pragma once

#include <string>
#include <vector>

#include "zerotail/harness/model.h"
#include "zerotail/harness/trace.h"
#include "zerotail/sim/mem_disk.h"

namespace zerotail::real {

// Runs mkfs.exfat for the header's geometry and mkfs options on a file full of poison, and loads
// the file. Errors carry what the tool said.
[[nodiscard]] sim::Result<sim::MemDisk> format_with_real_mkfs(const harness::TraceHeader& header);

// Empty when both judges call the volume clean; else what they say.
[[nodiscard]] std::string judge(const sim::MemDisk& disk, sim::ByteCount sector_size);

// Mounts the disk, runs the operations, each against the reference model, and unmounts. Empty when
// all answers agree and both judges find the volume clean; else the first thing that is wrong.
[[nodiscard]] std::string run_and_judge(sim::MemDisk& disk, const harness::TraceHeader& header,
                                        const std::vector<harness::Operation>& ops);

}  // namespace zerotail::real
