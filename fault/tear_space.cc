#include "tear_space.h"

#include <algorithm>

namespace zerotail::fault {

namespace {

using sim::ByteCount;
using sim::DevPos;
using Fill = Tear::Fill;

uint64_t ranges(uint64_t parts) { return parts * (parts + 1) / 2; }

}  // namespace

TearSpace::TearSpace(const CrashModelOptions& options, sim::SectorCount capacity)
    : options_(options), capacity_(capacity) {}

bool TearSpace::written(const Segment& segment, const Unit& unit, uint32_t limit) const {
  for (const uint32_t version : unit.versions) {
    if (version >= limit) return false;
    if (segment.versions[version].written) return true;
  }
  return false;
}

uint64_t TearSpace::count_of_unit(const Unit& unit, uint64_t versions) const {
  const uint64_t words = sim::bytes(unit.count) / options_.tear_word;
  // Another pick's content in a range that does not reach the end, or garbage in any range.
  return versions * ranges(words - 1) + ranges(words);
}

uint64_t TearSpace::count_of_block(uint64_t block) const {
  const uint64_t fills = options_.damage_erased ? 2 : 1;
  const ByteCount begin = options_.damage_block * block;
  const ByteCount end = std::min(begin + options_.damage_block, sim::bytes(capacity_));
  const ByteCount length = sim::round_up(end - begin, options_.damage_grain);
  return fills * ranges(length / options_.damage_grain);
}

uint64_t TearSpace::block_of(sim::Sector sector) const {
  return sim::dev_pos(sector).value() / options_.damage_block.value();
}

std::vector<uint64_t> TearSpace::blocks(const Segment& segment, uint32_t limit) const {
  std::vector<uint64_t> found;
  for (const Unit& unit : segment.units) {
    if (!written(segment, unit, limit)) continue;
    const uint64_t block = block_of(unit.sector);
    if (found.empty() || found.back() != block) found.push_back(block);
  }
  return found;
}

uint64_t TearSpace::count(const Segment& segment, uint32_t limit) const {
  uint64_t sum = 0;
  if (tears_units()) {
    for (const Unit& unit : segment.units) {
      if (written(segment, unit, limit)) sum += count_of_unit(unit, versions_below(unit, limit));
    }
  } else if (damages_blocks()) {
    for (const uint64_t block : blocks(segment, limit)) sum += count_of_block(block);
  }
  return sum;
}

uint32_t TearSpace::parts(const Segment& segment, uint64_t place) const {
  if (tears_units()) {
    return static_cast<uint32_t>(sim::bytes(segment.units[place].count) / options_.tear_word);
  }
  const ByteCount begin = options_.damage_block * place;
  const ByteCount end = std::min(begin + options_.damage_block, sim::bytes(capacity_));
  return static_cast<uint32_t>(sim::round_up(end - begin, options_.damage_grain) /
                               options_.damage_grain);
}

std::vector<Tear> TearSpace::all(const Segment& segment, const std::vector<uint16_t>& picks,
                                 uint32_t limit) const {
  std::vector<Tear> found;
  const auto each_range = [&](uint64_t place, uint32_t count, auto add) {
    for (uint32_t first = 0; first < count; ++first) {
      for (uint32_t length = 1; first + length <= count; ++length) {
        add(Tear{.first = first, .count = length, .place = place});
      }
    }
  };
  if (tears_units()) {
    for (size_t unit = 0; unit < segment.units.size(); ++unit) {
      if (!written(segment, segment.units[unit], limit)) continue;
      const uint16_t versions = versions_below(segment.units[unit], limit);
      each_range(unit, parts(segment, unit), [&](Tear tear) {
        tear.fill = Fill::kGarbage;
        found.push_back(tear);
        if (tear.first + tear.count == parts(segment, unit)) return;
        tear.fill = Fill::kVersion;
        for (tear.version = 0; tear.version <= versions; ++tear.version) {
          if (tear.version != picks[unit]) found.push_back(tear);
        }
      });
    }
  } else if (damages_blocks()) {
    for (const uint64_t block : blocks(segment, limit)) {
      each_range(block, parts(segment, block), [&](Tear tear) {
        tear.fill = Fill::kGarbage;
        found.push_back(tear);
        tear.fill = Fill::kErased;
        if (options_.damage_erased) found.push_back(tear);
      });
    }
  }
  return found;
}

const char* TearSpace::refuse(const Segment& segment, const std::vector<uint16_t>& picks,
                              uint32_t limit, const Tear& tear) const {
  if (empty()) return "this device tears nothing";
  uint16_t versions = 0;
  if (tears_units()) {
    if (tear.place >= segment.units.size()) return "there is no such unit to be torn";
    const Unit& unit = segment.units[tear.place];
    if (!written(segment, unit, limit)) return "the torn unit is not being written at this point";
    versions = versions_below(unit, limit);
  } else {
    const std::vector<uint64_t> written = blocks(segment, limit);
    if (!std::binary_search(written.begin(), written.end(), tear.place)) {
      return "the damaged block is not being written at this point";
    }
  }
  const uint32_t all_parts = parts(segment, tear.place);
  if (tear.count == 0 || tear.first >= all_parts || tear.count > all_parts - tear.first) {
    return "the torn part runs past the end";
  }
  switch (tear.fill) {
    case Fill::kNone:
      return "nothing stands in the torn part";
    case Fill::kGarbage:
      return nullptr;
    case Fill::kErased:
      return options_.damage_erased ? nullptr : "this device leaves nothing erased";
    case Fill::kVersion:
      break;
  }
  if (!tears_units()) return "a damaged block holds no version";
  if (tear.version > versions) return "the torn unit has no such version";
  if (tear.version == picks[tear.place]) return "the torn part is the unit's own version";
  if (tear.first + tear.count == all_parts) return "a torn last part is written as a first part";
  return nullptr;
}

TearSpace::Extent TearSpace::extent(const Segment& segment, const Tear& tear) const {
  const bool unit = tears_units();
  const DevPos begin = unit ? sim::dev_pos(segment.units[tear.place].sector)
                            : DevPos{} + options_.damage_block * tear.place;
  const ByteCount part = unit ? options_.tear_word : options_.damage_grain;
  const DevPos end = begin + part * (uint64_t{tear.first} + tear.count);
  return {begin + part * tear.first, std::min(end, DevPos{} + sim::bytes(capacity_))};
}

}  // namespace zerotail::fault
