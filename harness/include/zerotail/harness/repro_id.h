// The name of one crash state: everything needed to rebuild it, in one printable string.
//   zt1:<workload>:<device>:<mount>:s<seed>:<state>
// workload: a built-in name, or `trace-` and 16 hex digits (the hash of a trace given as a file).
// device:   fault/device_class.h's text, e.g. `vc512`, `vc512.tear`, `vc4096.noflush`.
// mount:    io path and ordering (exfat/ordering.h): `iomap-linux`, `iomap-fat-first,data-first`;
//           where the page cache is not as the trace's header says, also its page size and folios:
//           `iomap-linux.page65536.large`.
// state:    fault::CrashModel's text, e.g. `p12-4`.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "zerotail/fault/device_class.h"
#include "zerotail/harness/trace.h"
#include "zerotail/sim/result.h"
#include "zerotail/volume/volume.h"

namespace zerotail::harness {

using DeviceConfig = fault::CrashModelOptions;
[[nodiscard]] std::string print(const DeviceConfig& config);
[[nodiscard]] sim::Result<DeviceConfig> parse_device(std::string_view text);

// The page cache of a mount, where it is to be another one than a trace's header asks for.
struct CacheConfig {
  std::optional<sim::ByteCount> page_size;
  std::optional<volume::Folios> folios;
  bool operator==(const CacheConfig&) const = default;
};
// Makes the header ask for it.
void apply(const CacheConfig& cache, TraceHeader* header);
// `4096`, `16384` or `65536`, or any power of two between; `single` or `large`. EINVAL.
[[nodiscard]] sim::Result<sim::ByteCount> parse_page_size(std::string_view text);
[[nodiscard]] sim::Result<volume::Folios> parse_folios(std::string_view text);

struct ReproId {
  std::string workload;
  DeviceConfig device;
  volume::IoPath io_path = volume::IoPath::kIomap;
  volume::Ordering ordering = volume::Ordering::kLinux;
  CacheConfig cache;
  uint64_t seed = 1;
  std::string state;
};
[[nodiscard]] std::string print(const ReproId& id);
// An error says which field is wrong.
[[nodiscard]] sim::Result<ReproId> parse_repro_id(std::string_view text);

}  // namespace zerotail::harness
