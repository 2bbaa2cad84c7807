// Reading golden I/O files. The layout stands in tests/golden/io/README.md.
#include "zerotail/harness/golden_io.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>

#include "golden_io_text.h"
#include "json_line.h"
#include "zerotail/sim/units.h"

namespace zerotail::harness {
namespace {

using sim::Errno;
using sim::Error;

// Each sector and each cluster becomes one change: what a file may ask for is bounded.
constexpr uint64_t kMaxNumber = uint64_t{1} << 40;
constexpr uint64_t kMaxSectors = uint64_t{1} << 22;
constexpr std::array<std::string_view, 14> kEntryKeys{
    "flush", "barrier", "discard", "at",   "n",    "flags", "fat",
    "set",   "clear",   "sets",    "zero", "data", "bytes", "is"};
constexpr uint64_t kMaxCluster = uint64_t{1} << 24;

class Reader {
 public:
  explicit Reader(std::string place) : place_(std::move(place)) {}

  [[nodiscard]] Error bad(const std::string& what) const {
    return Error(Errno::kInval, place_ + ": " + what);
  }

  sim::Result<GoldenIoStep> step(const Json& json) const;
  sim::Result<GoldenEntry> entry(const Json& json) const;
  sim::Result<GoldenIoRun> run(const Json& json, size_t steps) const;

 private:
  sim::Result<uint64_t> number(const Json& json, const std::string& key) const {
    if (json.is_number_unsigned() && json.get<uint64_t>() <= kMaxNumber) {
      return json.get<uint64_t>();
    }
    return bad("key \"" + key + "\": not a number in range");
  }
  sim::Result<std::vector<uint64_t>> numbers(const Json& json, size_t count,
                                             const std::string& key) const;
  sim::Status add_set(GoldenEntry& entry, const Json& json) const;
  sim::Status add_bits(GoldenEntry& entry, const Json& json, const char* key,
                       const char* value) const;
  sim::Status add_data(GoldenEntry& entry, const Json& json, uint64_t first, uint64_t count) const;
  sim::Status add_changes(GoldenEntry& entry, const Json& json) const;

  std::string place_;
};

sim::Result<std::vector<uint64_t>> Reader::numbers(const Json& json, size_t count,
                                                   const std::string& key) const {
  if (!json.is_array() || json.size() != count) {
    return bad(fmt::format("key \"{}\": not a list of {}", key, count));
  }
  std::vector<uint64_t> out;
  for (const Json& item : json) {
    ZT_ASSIGN(const uint64_t value, number(item, key));
    out.push_back(value);
  }
  return out;
}

// [directory, entry, how, name, in use, is a directory, size, valid, cluster, flags, entries,
// checksum right]
sim::Status Reader::add_set(GoldenEntry& entry, const Json& json) const {
  constexpr size_t kFields = 12;
  constexpr std::array<size_t, 3> kTexts{0, 2, 3};
  if (!json.is_array() || json.size() != kFields) return bad("key \"sets\": not a list of 12");
  for (const size_t i : kTexts) {
    if (!json[i].is_string()) return bad(fmt::format("key \"sets\": item {} is no string", i));
  }
  std::array<uint64_t, kFields> values{};
  for (size_t i = 0; i < kFields; ++i) {
    if (json[i].is_string()) continue;
    ZT_ASSIGN(values[i], number(json[i], "sets"));
  }
  const GoldenSet set{.index = values[1],
                      .name = json[3].get<std::string>(),
                      .in_use = values[4] != 0,
                      .directory = values[5] != 0,
                      .size = values[6],
                      .valid = values[7],
                      .cluster = values[8],
                      .flags = values[9],
                      .entries = values[10],
                      .checksum_ok = values[11] != 0};
  entry.changes[{GoldenPlace::Kind::kSet, json[0].get<std::string>(), set.index}] =
      set_text(json[2].get<std::string>(), set);
  return {};
}

sim::Status Reader::add_bits(GoldenEntry& entry, const Json& json, const char* key,
                             const char* value) const {
  if (!json.contains(key)) return {};
  if (!json[key].is_array()) return bad(fmt::format("key \"{}\": not a list", key));
  for (const Json& item : json[key]) {
    ZT_ASSIGN(const std::vector<uint64_t> run, numbers(item, 2, key));
    if (run[1] > kMaxCluster) return bad(fmt::format("key \"{}\": range", key));
    for (uint64_t cluster = run[0]; cluster <= run[1]; ++cluster) {
      entry.changes[{GoldenPlace::Kind::kBitmap, "", cluster}] = value;
    }
  }
  return {};
}

// The kinds of content, sector by sector, at the end of the request.
sim::Status Reader::add_data(GoldenEntry& entry, const Json& json, uint64_t first,
                             uint64_t count) const {
  if (!json.contains("is")) return {};
  if (!json["is"].is_array()) return bad("key \"is\": not a list");
  std::vector<std::string> kinds;
  for (const Json& run : json["is"]) {
    if (!run.is_array() || run.size() != 2 || !run[0].is_string()) return bad("key \"is\"");
    ZT_ASSIGN(const uint64_t bytes, number(run[1], "is"));
    const uint64_t sectors = sim::sectors(sim::ByteCount{bytes}).value();
    if (sectors > count - kinds.size()) return bad("key \"is\": longer than the request");
    kinds.insert(kinds.end(), sectors, run[0].get<std::string>());
  }
  const uint64_t begin = first + count - kinds.size();
  for (size_t i = 0; i < kinds.size(); ++i) {
    entry.changes[{GoldenPlace::Kind::kSector, "", begin + i}] = kinds[i];
  }
  entry.data = kinds.size() == count;
  return {};
}

sim::Status Reader::add_changes(GoldenEntry& entry, const Json& json) const {
  if (!json.contains("at") || !json.contains("n")) return bad("a write without \"at\" or \"n\"");
  ZT_ASSIGN(const uint64_t first, number(json["at"], "at"));
  ZT_ASSIGN(const uint64_t count, number(json["n"], "n"));
  if (count == 0 || count > kMaxSectors) return bad("key \"n\": range");
  for (uint64_t i = 0; i < count; ++i) {
    entry.changes[{GoldenPlace::Kind::kSector, "", first + i}] = kMetadataSector;
  }
  ZT_TRY(add_data(entry, json, first, count));
  if (json.contains("flags")) {
    ZT_ASSIGN(const uint64_t flags, number(json["flags"], "flags"));
    entry.changes[{GoldenPlace::Kind::kVolumeFlags, "", 0}] = flags_text(flags);
  }
  for (const char* key : {"sets", "fat"}) {
    if (json.contains(key) && !json[key].is_array()) {
      return bad(fmt::format("key \"{}\": not a list", key));
    }
  }
  if (json.contains("sets")) {
    for (const Json& set : json["sets"]) ZT_TRY(add_set(entry, set));
  }
  if (json.contains("fat")) {
    for (const Json& item : json["fat"]) {
      ZT_ASSIGN(const std::vector<uint64_t> pair, numbers(item, 2, "fat"));
      entry.changes[{GoldenPlace::Kind::kFat, "", pair[0]}] = fat_text(pair[1]);
    }
  }
  ZT_TRY(add_bits(entry, json, "set", kBitSet));
  return add_bits(entry, json, "clear", kBitCleared);
}

sim::Result<GoldenEntry> Reader::entry(const Json& json) const {
  GoldenEntry entry;
  if (!json.is_object()) return bad("an entry is no object");
  for (const auto& item : json.items()) {
    if (std::find(kEntryKeys.begin(), kEntryKeys.end(), item.key()) == kEntryKeys.end()) {
      return bad("unknown key \"" + item.key() + "\" in \"io\"");
    }
  }
  if (json.contains("flush")) {
    entry.kind = GoldenEntry::Kind::kFlush;
    return entry;
  }
  if (json.contains("barrier")) {
    ZT_ASSIGN(const uint64_t flags, number(json["barrier"], "barrier"));
    entry.kind = GoldenEntry::Kind::kBarrier;
    entry.changes[{GoldenPlace::Kind::kVolumeFlags, "", 0}] = flags_text(flags);
    return entry;
  }
  if (json.contains("discard")) {
    if (!json.contains("n")) return bad("a discard without \"n\"");
    ZT_ASSIGN(const uint64_t first, number(json["discard"], "discard"));
    ZT_ASSIGN(const uint64_t count, number(json["n"], "n"));
    if (count > kMaxSectors) return bad("key \"n\": range");
    entry.kind = GoldenEntry::Kind::kDiscard;
    for (uint64_t i = 0; i < count; ++i) {
      entry.changes[{GoldenPlace::Kind::kDiscard, "", first + i}] = kDiscarded;
    }
    return entry;
  }
  ZT_TRY(add_changes(entry, json));
  return entry;
}

sim::Result<GoldenIoStep> Reader::step(const Json& json) const {
  using Kind = GoldenIoStep::Kind;
  if (!json.is_object() || !json.contains("op") || !json["op"].is_string()) {
    return bad("an operation without \"op\"");
  }
  GoldenIoStep step;
  step.text = dump_json(json);
  const std::string name = json["op"].get<std::string>();
  if (name == "mount") {
    step.kind = Kind::kMount;
  } else if (name == "umount") {
    step.kind = Kind::kUmount;
  } else if (name == "set_dirty") {
    step.kind = Kind::kSetDirty;
  } else if (name == "sysctl") {
    const bool named = json.contains("path") && json["path"].is_string();
    const std::string key = named ? json["path"].get<std::string>() : "";
    if (key != "vm/dirty_expire_centisecs" && key != "vm/dirty_writeback_centisecs") {
      return bad("sysctl: unknown \"path\"");
    }
    step.kind = key == "vm/dirty_expire_centisecs" ? Kind::kFlusherExpire : Kind::kFlusherInterval;
    if (!json.contains("len")) return bad("sysctl without \"len\"");
    ZT_ASSIGN(const uint64_t centiseconds, number(json["len"], "len"));
    step.centiseconds = static_cast<int64_t>(centiseconds);
  } else {
    ZT_ASSIGN(step.op, parse_operation(step.text, place_));
  }
  return step;
}

sim::Result<GoldenIoRun> Reader::run(const Json& json, size_t steps) const {
  if (!json.is_object() || !json.contains("ret") || !json.contains("io")) {
    return bad("a kernel without \"ret\" or \"io\"");
  }
  if (!json["ret"].is_array() || json["ret"].size() != steps || !json["io"].is_array() ||
      json["io"].size() != steps + 1) {
    return bad("\"ret\" needs one item an operation, \"io\" one more");
  }
  GoldenIoRun run;
  for (const Json& item : json["ret"]) {
    if (!item.is_number_integer()) return bad("key \"ret\": not a number");
    run.ret.push_back(item.get<int64_t>());
  }
  for (const Json& list : json["io"]) {
    if (!list.is_array()) return bad("key \"io\": not a list of lists");
    std::vector<GoldenEntry>& entries = run.io.emplace_back();
    for (const Json& item : list) {
      ZT_ASSIGN(GoldenEntry one, entry(item));
      entries.push_back(std::move(one));
    }
  }
  return run;
}

}  // namespace

bool GoldenIoTrace::has_flusher() const {
  for (const GoldenIoStep& step : steps) {
    if (step.kind == GoldenIoStep::Kind::kFlusherInterval) return true;
  }
  return false;
}

sim::Result<GoldenIoTrace> parse_golden_io(std::string_view line, const std::string& place) {
  ZT_ASSIGN(const Json json, parse_json_object(line, place));
  const Reader reader(place);
  GoldenIoTrace trace;
  Json header = Json::object();
  for (const auto& item : json.items()) {
    const std::string& key = item.key();
    if (key != "ops" && key != "varies" && key != "kernels") header[key] = item.value();
  }
  ZT_ASSIGN(trace.header, parse_header(dump_json(header), place));
  if (!json.contains("ops") || !json["ops"].is_array()) return reader.bad("no list \"ops\"");
  for (const Json& op : json["ops"]) {
    ZT_ASSIGN(GoldenIoStep step, reader.step(op));
    trace.steps.push_back(std::move(step));
  }
  if (json.contains("varies")) {
    for (const Json& kernel : json["varies"]) {
      if (!kernel.is_string()) return reader.bad("key \"varies\": not a list of kernels");
      trace.varies.insert(kernel.get<std::string>());
    }
  }
  if (!json.contains("kernels") || !json["kernels"].is_object() || json["kernels"].empty()) {
    return reader.bad("no object \"kernels\"");
  }
  for (const auto& item : json["kernels"].items()) {
    ZT_ASSIGN(GoldenIoRun run, reader.run(item.value(), trace.steps.size()));
    trace.kernels.emplace(item.key(), std::move(run));
  }
  return trace;
}

}  // namespace zerotail::harness
