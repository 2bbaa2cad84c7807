// The name of one crash state: everything needed to rebuild it, in one printable string.
//   zt1:<workload>:<device>:<mount>:s<seed>:<state>
// workload: a built-in name, or `trace-` and 16 hex digits (the hash of a trace given as a file).
// device:   vc or wt (volatile cache, write through), the atomic unit in bytes, and what the device
//           gets wrong: `.noflush`, `.nofua`; e.g. `vc512`, `vc4096.noflush`.
// mount:    io path and ordering (exfat/ordering.h): `iomap-linux`, `iomap-fat-first,data-first`.
// state:    fault::CrashModel's text, e.g. `p12-4`.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "zerotail/sim/result.h"
#include "zerotail/sim/units.h"
#include "zerotail/volume/volume.h"

namespace zerotail::harness {

struct DeviceConfig {
  bool write_through = false;
  sim::ByteCount atomic_unit{512};
  bool ignores_flush = false;  // a lying device, for canaries
  bool ignores_fua = false;
  bool operator==(const DeviceConfig&) const = default;
};
[[nodiscard]] std::string print(const DeviceConfig& config);
[[nodiscard]] sim::Result<DeviceConfig> parse_device(std::string_view text);

struct ReproId {
  std::string workload;
  DeviceConfig device;
  volume::IoPath io_path = volume::IoPath::kIomap;
  volume::Ordering ordering = volume::Ordering::kLinux;
  uint64_t seed = 1;
  std::string state;
};
[[nodiscard]] std::string print(const ReproId& id);
// An error says which field is wrong.
[[nodiscard]] sim::Result<ReproId> parse_repro_id(std::string_view text);

}  // namespace zerotail::harness
