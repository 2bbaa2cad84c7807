// The in-process file-system checker: parses a whole volume and lists what is wrong with it.
// Independent of core/: own structures, own checksums, own chain walks. Reads through SectorReader
// only, follows no number from the disk unchecked, and ends on every input.
#pragma once

#include <memory>
#include <vector>

#include "zerotail/harness/check_problem.h"
#include "zerotail/harness/check_view.h"
#include "zerotail/sim/sector_reader.h"

namespace zerotail::harness {

struct CheckResult {
  std::shared_ptr<const VolumeView> view;  // never null
  std::vector<CheckProblem> problems;      // sorted, see operator< of CheckProblem
  [[nodiscard]] bool clean() const { return problems.empty(); }
};

[[nodiscard]] CheckResult check_volume(const sim::SectorReader& disk);

}  // namespace zerotail::harness
