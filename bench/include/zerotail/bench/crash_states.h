// What the explorer's benchmark runs on: a volume with about two hundred files, a workload on it,
// and a sample of the workload's crash states as overlays, for the practice to judge the same ones.
#pragma once

#include <cstddef>
#include <vector>

#include "zerotail/bench/practice.h"
#include "zerotail/harness/explore.h"
#include "zerotail/sim/mem_disk.h"

namespace zerotail::bench {

// 64 MiB, 4 KiB clusters, ten directories of twenty files of 1 byte to 34 KiB, written and
// unmounted (the setup); then safe saves, appends, overwrites, truncates, renames and unlinks with
// an fsync after each save and append.
[[nodiscard]] harness::Workload two_hundred_files();

struct StateSample {
  sim::Snapshot base;           // the volume before the workload, free space zero
  std::vector<Overlay> states;  // what each state changes of it
};

// About `count` of the states that explore() judges on a device that is as it should be, evenly
// spread over their order; fewer when there are fewer. Errors: the workload cannot be recorded.
[[nodiscard]] sim::Result<StateSample> sample_states(const harness::Workload& workload,
                                                     const harness::ExploreOptions& options,
                                                     size_t count);

}  // namespace zerotail::bench
