#include "golden_io_text.h"

#include <fmt/format.h>

#include <array>
#include <string_view>

#include "zerotail/exfat/ondisk.h"

namespace zerotail::harness {
namespace {

constexpr std::string_view kDeleted = "delete";

std::string_view first_word(std::string_view text) { return text.substr(0, text.find(' ')); }

// new, then changed: still new to whoever saw the state before both.
std::string merged_set(const std::string& first, const std::string& later) {
  constexpr std::array<std::string_view, 4> kWeakestFirst{"times", "update", "renamed", "new"};
  const std::string_view a = first_word(first);
  const std::string_view b = first_word(later);
  if (a == kDeleted || b == kDeleted) return later;
  std::string_view how = b;
  for (const std::string_view word : kWeakestFirst) {
    if (word == a || word == b) how = word;
  }
  return std::string(how) + later.substr(b.size());
}

const char* kind_name(GoldenPlace::Kind kind) {
  switch (kind) {
    case GoldenPlace::Kind::kVolumeFlags:
      return "VolumeFlags";
    case GoldenPlace::Kind::kFat:
      return "fat";
    case GoldenPlace::Kind::kBitmap:
      return "bitmap";
    case GoldenPlace::Kind::kSet:
      return "set";
    case GoldenPlace::Kind::kSector:
      return "sector";
    case GoldenPlace::Kind::kDiscard:
      return "discard sector";
  }
  return "?";
}

std::string place_text(const GoldenPlace& place, uint64_t last, const std::string& value) {
  if (place.kind == GoldenPlace::Kind::kVolumeFlags) return "VolumeFlags " + value;
  if (place.kind == GoldenPlace::Kind::kSet) {
    return fmt::format("{}[{}] {}", place.where.empty() ? "root" : place.where, place.number,
                       value);
  }
  const std::string range =
      last == place.number ? fmt::format("{}", last) : fmt::format("{}-{}", place.number, last);
  return fmt::format("{} {} {}", kind_name(place.kind), range, value);
}

}  // namespace

std::string set_text(const std::string& how, const GoldenSet& set) {
  return fmt::format("{} '{}'{} {} size={} valid={} cluster={} flags={} entries={}{}", how,
                     set.name, set.directory ? " dir" : "", set.in_use ? "in-use" : "deleted",
                     set.size, set.valid, set.cluster, set.flags, set.entries,
                     set.checksum_ok ? "" : " checksum-bad");
}

std::string fat_text(uint64_t value) {
  return value == exfat::kFatEndOfChain ? "= EOF" : fmt::format("= {}", value);
}

std::string flags_text(uint64_t flags) { return fmt::format("= {}", flags); }

void merge_changes(GoldenChanges& into, const GoldenChanges& later) {
  for (const auto& [place, value] : later) {
    const auto [at, added] = into.emplace(place, value);
    if (added) continue;
    at->second = place.kind == GoldenPlace::Kind::kSet ? merged_set(at->second, value) : value;
  }
}

// Runs of numbers with one value are one item.
std::string print_changes(const GoldenChanges& changes) {
  std::string out;
  for (auto it = changes.begin(); it != changes.end();) {
    const GoldenPlace& place = it->first;
    uint64_t last = place.number;
    auto next = std::next(it);
    while (place.kind != GoldenPlace::Kind::kSet && next != changes.end() &&
           next->first.kind == place.kind && next->first.number == last + 1 &&
           next->second == it->second) {
      ++last;
      ++next;
    }
    if (!out.empty()) out += "; ";
    out += place_text(place, last, it->second);
    it = next;
  }
  return out;
}

std::string print_golden_entry(const GoldenEntry& entry) {
  const std::string changes = print_changes(entry.changes);
  switch (entry.kind) {
    case GoldenEntry::Kind::kWrite:
      return "write " + changes;
    case GoldenEntry::Kind::kDiscard:
      return changes;
    case GoldenEntry::Kind::kBarrier:
      return "PREFLUSH+FUA write " + changes;
    case GoldenEntry::Kind::kFlush:
      return "FLUSH";
  }
  return "?";
}

}  // namespace zerotail::harness
