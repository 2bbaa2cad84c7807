// A volume parsed as a whole, with everything that a checker of similar disks wants to remember.
// Internal to the checker.
#pragma once

#include "check_owners.h"
#include "check_tree.h"
#include "zerotail/harness/check.h"

namespace zerotail::harness {

struct ParsedVolume {
  BootInfo boot;
  std::shared_ptr<VolumeView> view;
  std::vector<CheckProblem> problems;  // sorted
  // Only when the view has a root:
  std::vector<SpecialEntry> specials;
  std::vector<CheckProblem> system_problems;  // bitmap, upcase and label entries
  BaseTree tree;
  OwnerMap owners;
  AllocationFindings findings;
  bool order_matters = false;  // see TreeBuilder
  uint64_t parsed_directories = 0, recalled_directories = 0;
};

void parse_volume(const sim::SectorReader& disk, CheckMemo* memo, ParseCounters& counters,
                  ParsedVolume& out);

// FAT entries 0 and 1, and bits beyond the end of the bitmap.
void append_fixed_problems(const sim::SectorReader& disk, const VolumeView& view,
                           std::vector<CheckProblem>& problems);

// The owner with this number in a parsed volume.
[[nodiscard]] OwnerRef owner_ref(const BaseTree& tree, uint32_t owner);

}  // namespace zerotail::harness
