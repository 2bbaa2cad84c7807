// Where the structures of an exFAT volume stand on its device: the regions that fault plans name.
#pragma once

#include <optional>
#include <vector>

#include "zerotail/fault/fault_device.h"
#include "zerotail/harness/check_view.h"
#include "zerotail/harness/trace.h"
#include "zerotail/sim/sector_reader.h"

namespace zerotail::harness {

// Every region by name, in one order: boot, boot-sector, volume-flags, boot-backup, fat, fat-entry
// (the entries of clusters that are chained), bitmap, upcase, directory, dentry-primary,
// dentry-stream, dentry-name, data (of files). Extents hold the bytes that mean something. Those
// that the volume has not (or, when it cannot be mounted, those that cannot be found) are empty.
// Regions overlap: `directory` holds the dentry-* ones.
[[nodiscard]] std::vector<fault::Region> fault_regions(const VolumeView& view);
// The regions of a volume at two times, together.
[[nodiscard]] std::vector<fault::Region> merge_regions(std::vector<fault::Region> a,
                                                       const std::vector<fault::Region>& b);

// Tells the device where the regions stand now, and which operation (its index in the trace, or
// none) comes next.
void follow_volume(fault::FaultDevice* faults, const sim::SectorReader& medium,
                   std::optional<size_t> index, const Operation* op);

}  // namespace zerotail::harness
