#include "tear_choice.h"

#include <algorithm>
#include <cstring>

namespace zerotail::fault {

namespace {

using Fill = Tear::Fill;

// Words of a unit that differ between two picks, ascending.
std::vector<uint32_t> changed_words(const Segment& segment, const Unit& unit, uint16_t a,
                                    uint16_t b, sim::ByteCount word) {
  std::vector<uint32_t> words;
  const uint64_t per_sector = sim::kSectorSize / word;
  for (uint64_t s = 0; s < unit.count.value(); ++s) {
    const sim::Sector sector = unit.sector + sim::SectorCount{s};
    const std::byte* left = segment.content(unit, a, sector);
    const std::byte* right = segment.content(unit, b, sector);
    for (uint64_t w = 0; w < per_sector; ++w) {
      const size_t at = w * word.value();
      if (std::memcmp(left + at, right + at, word.value()) != 0) {
        words.push_back(static_cast<uint32_t>(s * per_sector + w));
      }
    }
  }
  return words;
}

class Chooser {
 public:
  Chooser(const TearSpace& space, const CrashModelOptions& options, const Segment& segment,
          const std::vector<uint16_t>& picks, uint64_t place)
      : options_(options),
        segment_(segment),
        picks_(picks),
        place_(place),
        parts_(space.parts(segment, place)) {}

  std::vector<TornPicks> of_unit() {
    const uint16_t now = picks_[place_];
    const Unit& unit = segment_.units[place_];
    // Without the version on the unit nothing was being written to it: then the first one was.
    const uint16_t older = now == 0 ? uint16_t{1} : static_cast<uint16_t>(now - 1);
    const std::vector<uint32_t> words =
        changed_words(segment_, unit, now, older, options_.tear_word);
    if (words.empty()) return {};
    for (const size_t at : {size_t{0}, words.size() / 2, words.size() - 1}) {
      const uint32_t cut = words[at] + 1;
      if (cut >= parts_ || (at + 1 == words.size() && words.size() > 1)) continue;
      part(0, cut, older);       // the first part is old
      part(cut, parts_, older);  // the last part is
      part(cut, parts_, -1);     // the first part is new, then the head stopped
    }
    if (words.size() > 2) part(words[1], words.back(), older);  // the middle is old
    if (words.size() > 2) part_but(words[1], words.back(), older);
    part(0, parts_, -1);
    part(words.front(), words.back() + 1, -1);
    return std::move(found_);
  }

  std::vector<TornPicks> of_block() {
    constexpr uint32_t kGrains = 8;
    part(0, parts_, -1);
    part(0, (parts_ + 1) / 2, -1);
    part(parts_ / 2, parts_, -1);
    const uint32_t step = std::max(1U, parts_ / kGrains);
    for (uint32_t grain = 0; grain < parts_; grain += step) part(grain, grain + 1, -1);
    if (options_.damage_erased) {
      const size_t count = found_.size();
      for (size_t i = 0; i < count; ++i) {
        found_.push_back(found_[i]);
        found_.back().tear.fill = Fill::kErased;
      }
    }
    return std::move(found_);
  }

 private:
  // [begin, end) shows another version, or garbage (-1).
  void part(uint32_t begin, uint32_t end, int version) {
    if (begin >= end) return;
    if (version < 0) {
      add(picks_, {.fill = Fill::kGarbage, .first = begin, .count = end - begin, .place = place_});
      return;
    }
    const auto other = static_cast<uint16_t>(version);
    if (end < parts_) {
      add(picks_, {.fill = Fill::kVersion,
                   .version = other,
                   .first = begin,
                   .count = end - begin,
                   .place = place_});
    } else if (begin > 0) {
      // The same, told the other way round.
      std::vector<uint16_t> picks = picks_;
      const uint16_t inside = std::exchange(picks[place_], other);
      add(picks, {.fill = Fill::kVersion, .version = inside, .count = begin, .place = place_});
    }
  }
  // All but [begin, end).
  void part_but(uint32_t begin, uint32_t end, uint16_t other) {
    if (begin >= end || end >= parts_) return;
    std::vector<uint16_t> picks = picks_;
    const uint16_t inside = std::exchange(picks[place_], other);
    add(picks, {.fill = Fill::kVersion,
                .version = inside,
                .first = begin,
                .count = end - begin,
                .place = place_});
  }
  void add(const std::vector<uint16_t>& picks, const Tear& tear) {
    found_.push_back({picks, tear});
  }

  const CrashModelOptions& options_;
  const Segment& segment_;
  const std::vector<uint16_t>& picks_;
  uint64_t place_;
  uint32_t parts_;
  std::vector<TornPicks> found_;
};

}  // namespace

std::vector<TornPicks> telling_tears(const TearSpace& space, const CrashModelOptions& options,
                                     const Segment& segment, const std::vector<uint16_t>& picks,
                                     uint64_t place) {
  Chooser chooser(space, options, segment, picks, place);
  return space.tears_units() ? chooser.of_unit() : chooser.of_block();
}

Tear random_tear(const TearSpace& space, const CrashModelOptions& options, const Segment& segment,
                 const std::vector<uint16_t>& picks, uint32_t limit, uint64_t place,
                 sim::Prng* prng) {
  const uint32_t parts = space.parts(segment, place);
  Tear tear{.fill = Fill::kGarbage, .place = place};
  if (space.damages_blocks()) {
    if (options.damage_erased && prng->chance(1, 2)) tear.fill = Fill::kErased;
  } else if (prng->chance(2, 3)) {
    const uint16_t versions = versions_below(segment.units[place], limit);
    const auto other = static_cast<uint16_t>(prng->below(versions));
    tear.version = other < picks[place] ? other : static_cast<uint16_t>(other + 1);
    tear.fill = Fill::kVersion;
  }
  const uint32_t end = tear.fill == Fill::kVersion ? parts - 1 : parts;
  tear.first = static_cast<uint32_t>(prng->below(end));
  tear.count = static_cast<uint32_t>(prng->between(1, end - tear.first));
  return tear;
}

}  // namespace zerotail::fault
