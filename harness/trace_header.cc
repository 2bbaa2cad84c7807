// The header line of a trace: its keys, their limits, and how they are printed.

#include <fmt/format.h>

#include <array>
#include <string>

#include "json_line.h"
#include "trace_table.h"
#include "zerotail/fault/fault_plan.h"
#include "zerotail/harness/trace.h"
#include "zerotail/volume/volume.h"

namespace zerotail::harness {
namespace {

using sim::Errno;
using sim::Error;

bool power_of_two(uint64_t n) { return n != 0 && (n & (n - 1)) == 0; }

// A key: how its value is read (the string is the complaint) and when and as what it is printed
// (discarded: not at all).
template <class Target>
struct Key {
  std::string_view name;
  std::string (*read)(Target&, const Json&);
  Json (*write)(const Target&);
};

Json absent() { return Json(Json::value_t::discarded); }

std::string read_text(std::string& out, const Json& json) {
  if (!json.is_string()) return "not a string";
  out = json.get<std::string>();
  return "";
}

std::string read_number(uint64_t& out, const Json& json, uint64_t low, uint64_t high) {
  if (!json.is_number_unsigned()) return "not an integer of 0 or more, or beyond 64 bits";
  out = json.get<uint64_t>();
  if (out < low || out > high) return fmt::format("not between {} and {}", low, high);
  return "";
}

std::string read_flag(bool& out, const Json& json) {
  if (json.is_boolean()) {
    out = json.get<bool>();
    return "";
  }
  uint64_t number = 0;
  const std::string problem = read_number(number, json, 0, 1);
  out = number != 0;
  return problem;
}

std::string read_power(uint64_t& out, const Json& json, uint64_t low, uint64_t high) {
  if (std::string problem = read_number(out, json, low, high); !problem.empty()) return problem;
  return power_of_two(out) ? "" : "not a power of two";
}

std::string read_choice(std::string& out, const Json& json, std::string_view a,
                        std::string_view b) {
  if (std::string problem = read_text(out, json); !problem.empty()) return problem;
  if (out == a || out == b) return "";
  return fmt::format("neither \"{}\" nor \"{}\"", a, b);
}

constexpr std::array<Key<MkfsSpec>, 6> kMkfsKeys = {{
    {"label", [](MkfsSpec& m, const Json& j) { return read_text(m.label, j); },
     [](const MkfsSpec& m) { return m.label.empty() ? absent() : Json(m.label); }},
    {"boundary_align",
     [](MkfsSpec& m, const Json& j) {
       return read_power(m.boundary_align, j, 512, uint64_t{1} << 30);
     },
     [](const MkfsSpec& m) { return m.boundary_align == 0 ? absent() : Json(m.boundary_align); }},
    {"pack_bitmap", [](MkfsSpec& m, const Json& j) { return read_flag(m.pack_bitmap, j); },
     [](const MkfsSpec& m) { return m.pack_bitmap ? Json(1) : absent(); }},
    {"full_format", [](MkfsSpec& m, const Json& j) { return read_flag(m.full_format, j); },
     [](const MkfsSpec& m) { return m.full_format ? Json(1) : absent(); }},
    {"fats",
     [](MkfsSpec& m, const Json& j) {
       uint64_t fats = 0;
       const std::string problem = read_number(fats, j, 1, 2);
       m.fats = static_cast<uint32_t>(fats);
       return problem;
     },
     [](const MkfsSpec& m) { return m.fats == 1 ? absent() : Json(m.fats); }},
    {"serial",
     [](MkfsSpec& m, const Json& j) {
       uint64_t serial = 0;
       const std::string problem = read_number(serial, j, 0, 0xFFFFFFFF);
       m.serial = static_cast<uint32_t>(serial);
       return problem;
     },
     [](const MkfsSpec& m) { return m.serial ? Json(*m.serial) : absent(); }},
}};

// Reads the keys of `json`; the string is the complaint and `key` what it is about.
template <class Target, size_t kCount>
std::string read_keys(Target& target, const Json& json, const std::array<Key<Target>, kCount>& keys,
                      std::string& key) {
  for (const auto& item : json.items()) {
    key = item.key();
    const Key<Target>* found = nullptr;
    for (const Key<Target>& candidate : keys) {
      if (candidate.name == key) found = &candidate;
    }
    if (found == nullptr) return "unknown";
    if (std::string problem = found->read(target, item.value()); !problem.empty()) return problem;
  }
  return "";
}

template <class Target, size_t kCount>
Json write_keys(const Target& target, const std::array<Key<Target>, kCount>& keys) {
  Json json = Json::object();
  for (const Key<Target>& key : keys) {
    Json value = key.write(target);
    if (!value.is_discarded()) json[std::string(key.name)] = std::move(value);
  }
  return json;
}

std::string read_mkfs(TraceHeader& header, const Json& json) {
  if (!json.is_object()) return "not an object";
  std::string key;
  const std::string problem = read_keys(header.mkfs, json, kMkfsKeys, key);
  return problem.empty() ? "" : "\"" + key + "\": " + problem;
}

std::string read_mount(TraceHeader& header, const Json& json) {
  if (!json.is_array()) return "not a list of strings";
  header.mount.clear();
  for (const Json& word : json) {
    if (!word.is_string()) return "not a list of strings";
    const std::string text = word.get<std::string>();
    if (text != "ro" && text != "sync" && text != "dirsync" && text != "discard") {
      return "unknown mount option \"" + text + "\"";
    }
    header.mount.push_back(text);
  }
  return "";
}

std::string read_faults(TraceHeader& header, const Json& json) {
  if (!json.is_string()) return "not a fault plan (a string)";
  const std::string text = json.get<std::string>();
  const sim::Result<fault::FaultPlan> plan = fault::parse_fault_plan(text);
  if (!plan.ok()) return plan.error().where();
  header.faults = fault::print(*plan);
  return "";
}

std::string read_version(TraceHeader& header, const Json& json) {
  uint64_t version = 0;
  if (std::string problem = read_number(version, json, 1, 0xFFFFFFFF); !problem.empty()) {
    return problem;
  }
  header.version = static_cast<uint32_t>(version);
  return version == 1 ? "" : "this program reads version 1";
}

// Kept as it is printed, so that two ways to write one set of rules are one header.
std::string read_ordering(TraceHeader& header, const Json& json) {
  std::string text;
  if (std::string problem = read_text(text, json); !problem.empty()) return problem;
  const auto ordering = volume::parse_ordering(text);
  if (!ordering.ok()) return ordering.error().where();
  header.ordering = volume::print(*ordering);
  return "";
}

std::string read_poison(TraceHeader& header, const Json& json) {
  uint64_t byte = 0;
  const std::string problem = read_number(byte, json, 0, 255);
  header.poison = static_cast<uint8_t>(byte);
  return problem;
}

const TraceHeader& defaults() {
  static const TraceHeader kDefaults;
  return kDefaults;
}

template <auto kMember>
Json unless_default(const TraceHeader& header) {
  return header.*kMember == defaults().*kMember ? absent() : Json(header.*kMember);
}

using H = TraceHeader;
constexpr uint64_t kAny = ~uint64_t{0};
constexpr uint64_t kMaxMillis = uint64_t{1} << 40;

constexpr std::array<Key<TraceHeader>, 25> kHeaderKeys = {{
    {"trace", [](H& h, const Json& j) { return read_text(h.trace, j); },
     [](const H& h) { return Json(h.trace); }},
    {"version", read_version, unless_default<&H::version>},
    {"sector", [](H& h, const Json& j) { return read_power(h.sector, j, 512, 4096); },
     [](const H& h) { return Json(h.sector); }},
    {"logical", [](H& h, const Json& j) { return read_power(h.logical, j, 512, 4096); },
     unless_default<&H::logical>},
    {"cluster",
     [](H& h, const Json& j) { return read_power(h.cluster, j, 512, uint64_t{32} << 20); },
     [](const H& h) { return Json(h.cluster); }},
    {"size_mib", [](H& h, const Json& j) { return read_number(h.size_mib, j, 1, kMaxSizeMib); },
     [](const H& h) { return Json(h.size_mib); }},
    {"keep", [](H& h, const Json& j) { return read_flag(h.keep, j); },
     [](const H& h) { return h.keep ? absent() : Json(0); }},
    {"page", [](H& h, const Json& j) { return read_power(h.page, j, 4096, 65536); },
     unless_default<&H::page>},
    {"folios", [](H& h, const Json& j) { return read_choice(h.folios, j, "single", "large"); },
     unless_default<&H::folios>},
    {"io_path",
     [](H& h, const Json& j) { return read_choice(h.io_path, j, "iomap", "buffer-head"); },
     unless_default<&H::io_path>},
    {"mount", read_mount, unless_default<&H::mount>},
    {"ordering", read_ordering, unless_default<&H::ordering>},
    {"preset", [](H& h, const Json& j) { return read_text(h.preset, j); },
     unless_default<&H::preset>},
    {"seed", [](H& h, const Json& j) { return read_number(h.seed, j, 0, kAny); },
     unless_default<&H::seed>},
    {"start_time",
     [](H& h, const Json& j) { return read_number(h.start_time, j, 0, uint64_t{1} << 40); },
     unless_default<&H::start_time>},
    {"dirty_expire_ms",
     [](H& h, const Json& j) { return read_number(h.dirty_expire_ms, j, 0, kMaxMillis); },
     unless_default<&H::dirty_expire_ms>},
    {"dirty_writeback_ms",
     [](H& h, const Json& j) { return read_number(h.dirty_writeback_ms, j, 0, kMaxMillis); },
     unless_default<&H::dirty_writeback_ms>},
    {"dirty_background_bytes",
     [](H& h, const Json& j) { return read_number(h.dirty_background_bytes, j, 0, kAny); },
     unless_default<&H::dirty_background_bytes>},
    {"dirty_bytes", [](H& h, const Json& j) { return read_number(h.dirty_bytes, j, 0, kAny); },
     unless_default<&H::dirty_bytes>},
    {"faults", read_faults, unless_default<&H::faults>},
    {"schedule", [](H& h, const Json& j) { return read_text(h.schedule, j); },
     unless_default<&H::schedule>},
    {"mkfs", read_mkfs,
     [](const H& h) { return h.mkfs == MkfsSpec{} ? absent() : write_keys(h.mkfs, kMkfsKeys); }},
    {"poison", read_poison, unless_default<&H::poison>},
    {"about", [](H& h, const Json& j) { return read_text(h.about, j); }, unless_default<&H::about>},
    {"setup", [](H& h, const Json& j) { return read_number(h.setup, j, 0, kAny); },
     unless_default<&H::setup>},
}};

}  // namespace

sim::Result<TraceHeader> parse_header(std::string_view line, const std::string& place) {
  ZT_ASSIGN(const Json json, parse_json_object(line, place));
  const auto bad = [&](std::string_view key, const std::string& what) {
    return Error(Errno::kInval, fmt::format("{}: key \"{}\": {}", place, key, what));
  };
  if (!json.contains("trace")) {
    return bad("trace", json.contains("op") ? "missing: the first line must be the header"
                                            : "missing in the header");
  }
  TraceHeader header;
  std::string key;
  if (std::string problem = read_keys(header, json, kHeaderKeys, key); !problem.empty()) {
    return bad(key, problem == "unknown" ? "unknown in the header" : problem);
  }
  if (header.cluster < header.sector) return bad("cluster", "smaller than the sector");
  if (header.logical_block() > header.sector) return bad("logical", "larger than the sector");
  return header;
}

std::string print_header(const TraceHeader& header) {
  return dump_json(write_keys(header, kHeaderKeys));
}

}  // namespace zerotail::harness
