#include "zerotail/harness/repro_id.h"

#include <fmt/format.h>

#include <charconv>
#include <vector>

namespace zerotail::harness {
namespace {

constexpr std::string_view kVersion = "zt1";

sim::Error wrong(const std::string& what) { return sim::Error(sim::Errno::kInval, what); }

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  while (true) {
    const size_t end = text.find(separator);
    parts.push_back(text.substr(0, end));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
  }
}

bool parse_number(std::string_view text, uint64_t* out) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), *out);
  return error == std::errc{} && end == text.data() + text.size();
}

const char* name_of(volume::IoPath path) {
  switch (path) {
    case volume::IoPath::kIomap:
      return "iomap";
    case volume::IoPath::kBufferHead:
      return "buffer-head";
  }
  return "";
}

sim::Status parse_mount(std::string_view text, ReproId* id) {
  for (const auto candidate : {volume::IoPath::kIomap, volume::IoPath::kBufferHead}) {
    const std::string_view path = name_of(candidate);
    if (text.substr(0, path.size()) != path || text.substr(path.size(), 1) != "-") continue;
    id->io_path = candidate;
    auto ordering = volume::parse_ordering(text.substr(path.size() + 1));
    if (!ordering.ok()) return wrong("repro id: " + ordering.error().where());
    id->ordering = *ordering;
    return {};
  }
  return wrong(fmt::format("repro id: '{}' is no I/O path and ordering (like iomap-linux)", text));
}

}  // namespace

std::string print(const DeviceConfig& config) {
  return fmt::format("{}{}{}{}", config.write_through ? "wt" : "vc", config.atomic_unit.value(),
                     config.ignores_flush ? ".noflush" : "", config.ignores_fua ? ".nofua" : "");
}

sim::Result<DeviceConfig> parse_device(std::string_view text) {
  DeviceConfig config;
  const std::vector<std::string_view> parts = split(text, '.');
  const std::string_view kind = parts[0].substr(0, 2);
  uint64_t unit = 0;
  if ((kind != "vc" && kind != "wt") || !parse_number(parts[0].substr(2), &unit)) {
    return wrong(fmt::format("device '{}' is not vc or wt and an atomic unit (like vc512)", text));
  }
  if (unit < sim::kSectorSize.value() || unit > sim::kib(64).value() || (unit & (unit - 1)) != 0) {
    return wrong(
        fmt::format("device '{}': the atomic unit is no power of two from 512 to 65536", text));
  }
  config.write_through = kind == "wt";
  config.atomic_unit = sim::ByteCount{unit};
  for (size_t i = 1; i < parts.size(); ++i) {
    if (parts[i] == "noflush") {
      config.ignores_flush = true;
    } else if (parts[i] == "nofua") {
      config.ignores_fua = true;
    } else {
      return wrong(fmt::format("device '{}': unknown property '{}'", text, parts[i]));
    }
  }
  return config;
}

std::string print(const ReproId& id) {
  return fmt::format("{}:{}:{}:{}-{}:s{}:{}", kVersion, id.workload, print(id.device),
                     name_of(id.io_path), volume::print(id.ordering), id.seed, id.state);
}

sim::Result<ReproId> parse_repro_id(std::string_view text) {
  const std::vector<std::string_view> parts = split(text, ':');
  if (parts.size() != 6) {
    return wrong(
        fmt::format("repro id '{}': {} fields instead of 6 (zt1:WORKLOAD:DEVICE:MOUNT:sSEED:STATE)",
                    text, parts.size()));
  }
  if (parts[0] != kVersion) {
    return wrong(fmt::format("repro id: version '{}' is not {}", parts[0], kVersion));
  }
  ReproId id;
  if (parts[1].empty()) return wrong("repro id: the workload is empty");
  id.workload = std::string(parts[1]);
  ZT_ASSIGN(id.device, parse_device(parts[2]));
  ZT_TRY(parse_mount(parts[3], &id));
  if (parts[4].empty() || parts[4][0] != 's' || !parse_number(parts[4].substr(1), &id.seed)) {
    return wrong(fmt::format("repro id: seed '{}' is not s and a number", parts[4]));
  }
  if (parts[5].empty()) return wrong("repro id: the state is empty");
  id.state = std::string(parts[5]);
  return id;
}

}  // namespace zerotail::harness
