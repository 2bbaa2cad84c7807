// Crashes after a crash: what is done on a crash state before the power fails again. Internal to
// the harness.
#pragma once

#include <string>
#include <vector>

#include "zerotail/harness/explore.h"

namespace zerotail::harness {

// What the core does on a crash state of the workload: it mounts it, without a checker's repair as
// people do, makes a directory and a file in it, writes, syncs, renames, and unmounts. The names
// are no workload's.
[[nodiscard]] Workload continuation(const Workload& workload);
// The name of the workload that `name` continues, or `name`.
[[nodiscard]] std::string name_of_continued(const std::string& name);

// A volume on which going on is expected to be safe: it mounts, and a checker finds nothing worse
// than clusters that nobody owns. (In use but free in the bitmap, or owned twice, and whatever is
// done next destroys something: that is found already as a violation of the first crash.)
[[nodiscard]] bool can_go_on(const sim::SectorReader& disk);

// What the crash state that was continued is to blame for already.
struct Older {
  bool inconsistent = false;
  bool unflagged = false;  // inconsistent without VolumeDirty
};
[[nodiscard]] Older older_damage(const sim::SectorReader& disk);
// Takes it out of the violations of a state after the second crash.
void drop_older(const Older& older, std::vector<Violation>* violations);

}  // namespace zerotail::harness
