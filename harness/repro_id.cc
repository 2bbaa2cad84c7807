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

const char* name_of(volume::Folios folios) {
  switch (folios) {
    case volume::Folios::kSingle:
      return "single";
    case volume::Folios::kLarge:
      return "large";
  }
  return "";
}

std::string print(const CacheConfig& cache) {
  std::string text;
  if (cache.page_size) text += fmt::format(".page{}", cache.page_size->value());
  if (cache.folios) text += fmt::format(".{}", name_of(*cache.folios));
  return text;
}

// What stands behind the ordering, dot by dot.
sim::Status parse_cache(const std::vector<std::string_view>& parts, CacheConfig* cache) {
  constexpr std::string_view kPage = "page";
  for (size_t i = 1; i < parts.size(); ++i) {
    if (parts[i].substr(0, kPage.size()) == kPage) {
      ZT_ASSIGN(cache->page_size, parse_page_size(parts[i].substr(kPage.size())));
    } else {
      ZT_ASSIGN(cache->folios, parse_folios(parts[i]));
    }
  }
  return {};
}

sim::Status parse_mount(std::string_view field, ReproId* id) {
  const std::vector<std::string_view> parts = split(field, '.');
  ZT_TRY(parse_cache(parts, &id->cache));
  const std::string_view text = parts[0];
  for (const auto candidate : {volume::IoPath::kIomap, volume::IoPath::kBufferHead}) {
    const std::string_view path = volume::print(candidate);
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

void apply(const CacheConfig& cache, TraceHeader* header) {
  if (cache.page_size) header->page = cache.page_size->value();
  if (cache.folios) header->folios = name_of(*cache.folios);
}

sim::Result<sim::ByteCount> parse_page_size(std::string_view text) {
  uint64_t size = 0;
  if (parse_number(text, &size) && size >= sim::kib(4).value() && size <= sim::kib(64).value() &&
      (size & (size - 1)) == 0) {
    return sim::ByteCount{size};
  }
  return wrong(fmt::format("page size '{}' is no power of two from 4096 to 65536", text));
}

sim::Result<volume::Folios> parse_folios(std::string_view text) {
  for (const auto candidate : {volume::Folios::kSingle, volume::Folios::kLarge}) {
    if (text == name_of(candidate)) return candidate;
  }
  return wrong(fmt::format("folios '{}': there are single and large", text));
}

std::string print(const DeviceConfig& config) { return fault::print_device(config); }

sim::Result<DeviceConfig> parse_device(std::string_view text) { return fault::parse_device(text); }

std::string print(const ReproId& id) {
  return fmt::format("{}:{}:{}:{}-{}{}:s{}:{}", kVersion, id.workload, print(id.device),
                     volume::print(id.io_path), volume::print(id.ordering), print(id.cache),
                     id.seed, id.state);
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
