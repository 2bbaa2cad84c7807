// Edited images, one or more a problem class: what to change in a sound volume, what the checker
// must say and what fsck.exfat -n says. docs/CHECK.md shows this table; a test holds it to be true.
#pragma once

#include <functional>
#include <set>
#include <string>
#include <vector>

#include "harness/check_volume_builder.h"
#include "zerotail/harness/check_problem.h"

namespace zerotail::harness::testing {

// The sound volume that the recipes edit.
struct RecipeVolume {
  VolumeBuilder v;
  uint32_t dir = 0;            // "/dir", one cluster, NoFatChain
  uint32_t sub = 0;            // "/dir/sub"
  VolumeBuilder::Set run;      // "/run": 3 clusters, NoFatChain
  VolumeBuilder::Set chained;  // "/chained": 4 clusters, a FAT chain
  VolumeBuilder::Set second;   // "/second": 2 clusters, a FAT chain
  VolumeBuilder::Set empty;    // "/empty"
  VolumeBuilder::Set inner;    // "/dir/inner": 1 cluster, NoFatChain
  RecipeVolume();
};

struct Recipe {
  std::string name;
  std::function<void(RecipeVolume&)> edit;
  std::set<CheckClass> classes;  // what check must find, no more and no less
  // What fsck.exfat -n does: its exit code (0 clean, 4 errors left, 8 and 16 failures), and a part
  // of the message that it must print.
  int fsck_exit = 0;
  std::string fsck_says;
  // Why the two verdicts (clean or not) differ, by the name of a difference in fsck_compare.h;
  // empty when they do not.
  std::string difference;
};

[[nodiscard]] const std::vector<Recipe>& recipes();

}  // namespace zerotail::harness::testing
