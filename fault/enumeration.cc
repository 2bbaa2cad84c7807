// Chooses among the states of a point when there are more than the budget allows.
//
// Tier by tier: all kept and (at a mark) nothing kept; the write alone; the write torn; then whole
// bios lost or kept, units lost or kept, one at a time, then two, up to the wanted number. A family
// with more members than its share gives a sample of them. What is left goes to random picks. A
// device that tears gets half of the budget for its tears: the telling ones of the write's own
// places first, over all kept and over the write alone, then those of other places, then random
// ones. Where nothing overtakes, the states are prefixes. Every choice is drawn from the seed and
// the point. Nothing is stored but what tells states apart.
#include <algorithm>
#include <unordered_set>
#include <utility>

#include "tear_choice.h"
#include "tear_space.h"
#include "zerotail/fault/crash_model.h"
#include "zerotail/sim/assert.h"
#include "zerotail/sim/prng.h"

namespace zerotail::fault {

namespace {

using Picks = std::vector<uint16_t>;

// Number of ways to choose k of n, or `limit` when there are more.
uint64_t choices(uint64_t n, uint64_t k, uint64_t limit) {
  if (k > n) return 0;
  uint64_t result = 1;
  for (uint64_t i = 1; i <= k; ++i) {
    const uint64_t factor = n - k + i;
    if (result > limit * i / factor + 1) return limit;
    result = result * factor / i;
  }
  return std::min(result, limit);
}

class Enumerator {
 public:
  using Visit = std::function<bool(const CrashState&)>;
  Enumerator(const CrashModel& model, const CrashPoint& point, const EnumerationOptions& options,
             const Visit& visit)
      : model_(model),
        point_(point),
        segment_(model.segment(point)),
        options_(options),
        visit_(visit),
        space_(model.options(), segment_.base.capacity()),
        limit_(options.states_per_point),
        prng_(sim::Prng(options.seed).fork("enumerate").fork(point.index)) {
    survey();
  }

  EnumerationCounts run() {
    const uint64_t budget = options_.states_per_point;
    state_.point = point_.index;
    count_tiers();
    counts_.exhaustive = wants(Tier::kSample) && model_.state_count(point_, budget).has_value();
    if (model_.options().ordered) {
      prefixes(counts_.exhaustive);
    } else if (counts_.exhaustive) {
      all_picks();
    } else if (budget > 0) {
      const bool tears = !space_.empty() && wants(Tier::kTorn);
      if (tears) limit_ = std::max<uint64_t>(1, budget / 2);
      tiers();
      limit_ = budget;
      if (tears) torn_states();
    }
    if (counts_.exhaustive && !stopped_) {
      for (TierCount& tier : counts_.tiers) tier.explored = tier.total;
    } else if (wants(Tier::kSample)) {
      counts_.tiers[static_cast<size_t>(Tier::kSample)].explored = counts_.states;
    }
    return counts_;
  }

 private:
  // What the point's units and bios are.
  void survey() {
    const size_t count = segment_.units.size();
    newest_.resize(count);
    before_.resize(count);
    own_.assign(count, false);
    for (size_t i = 0; i < count; ++i) {
      newest_[i] = versions_below(segment_.units[i], point_.version_limit);
      before_[i] = versions_below(segment_.units[i], point_.version_begin);
      if (newest_[i] > 0) open_units_.push_back(static_cast<uint32_t>(i));
    }
    if (space_.damages_blocks()) old_blocks_ = space_.blocks(segment_, point_.version_begin);
    for (uint32_t v = point_.version_begin; v < point_.version_limit; ++v) {
      own_[segment_.versions[v].unit] = true;
    }
    for (const uint32_t unit : open_units_) {
      (own_[unit] ? own_units_ : other_units_).push_back(unit);
    }
    for (uint32_t v = 0; v < point_.version_begin; ++v) {
      const uint32_t record = segment_.versions[v].record;
      if (other_bios_.empty() || other_bios_.back() != record) other_bios_.push_back(record);
    }
  }

  [[nodiscard]] bool belongs(const Picks& picks) const {
    if (point_.kind == PointKind::kMark) return true;
    if (point_.kind == PointKind::kStart) {
      return std::all_of(picks.begin(), picks.end(), [](uint16_t pick) { return pick == 0; });
    }
    return std::any_of(own_units_.begin(), own_units_.end(),
                       [&](uint32_t unit) { return picks[unit] > before_[unit]; });
  }
  // Whether the tear could not be before the point's write, whatever is picked.
  [[nodiscard]] bool is_new(const Tear& tear) const {
    if (!tear || point_.kind != PointKind::kWrite) return false;
    if (!space_.tears_units()) {
      return !std::binary_search(old_blocks_.begin(), old_blocks_.end(), tear.place);
    }
    if (!space_.written(segment_, segment_.units[tear.place], point_.version_begin)) return true;
    return tear.fill == Tear::Fill::kVersion && tear.version > before_[tear.place];
  }

  enum class Added : uint8_t { kNo, kBefore, kNow };

  [[nodiscard]] bool full() const { return stopped_ || counts_.states >= limit_; }
  [[nodiscard]] bool wants(Tier tier) const { return options_.tiers[static_cast<size_t>(tier)]; }
  // A member of a tier was looked at, now or as one of another tier.
  void note(Tier tier, Added added) {
    if (added != Added::kNo) ++counts_.tiers[static_cast<size_t>(tier)].explored;
  }

  // What each tier has here. Of a device that keeps order all is one tier.
  void count_tiers() {
    const auto total = [this](Tier tier) -> uint64_t& {
      return counts_.tiers[static_cast<size_t>(tier)].total;
    };
    if (wants(Tier::kSample)) {
      total(Tier::kSample) = model_.state_count(point_, kTierLimit).value_or(kTierLimit);
    }
    if (model_.options().ordered) return;
    if (wants(Tier::kBoundary) && options_.boundary) total(Tier::kBoundary) = 1;
    if (wants(Tier::kPersist) && point_.kind == PointKind::kMark) {
      total(Tier::kPersist) = open_units_.empty() ? 1 : 2;
    }
    if (wants(Tier::kTorn) && options_.torn) torn(false);
    if (wants(Tier::kEpochs)) {
      total(Tier::kEpochs) += 2;
      families(false);
    }
  }

  void tiers() {
    if (wants(Tier::kBoundary) && options_.boundary) note(Tier::kBoundary, add(newest_));
    if (wants(Tier::kPersist) && point_.kind == PointKind::kMark) {
      note(Tier::kPersist, add(newest_));
      note(Tier::kPersist, add(Picks(newest_.size(), 0)));
    }
    if (wants(Tier::kEpochs)) {
      note(Tier::kEpochs, add(newest_));
      note(Tier::kEpochs, add(own_only()));
    }
    if (wants(Tier::kTorn) && options_.torn) torn(true);
    if (wants(Tier::kEpochs)) families(true);
    if (wants(Tier::kSample)) random_picks();
  }

  // Gives a state that belongs to the point, once.
  Added add(const Picks& picks, const Tear& tear = {}) {
    if (!(belongs(picks) || is_new(tear))) return Added::kNo;
    sim::Digest key = sim::bytes_digest(picks.data(), picks.size() * sizeof(picks[0]));
    if (tear) {
      const uint64_t words[] = {static_cast<uint64_t>(tear.fill), tear.version, tear.first,
                                tear.count, tear.place};
      key = sim::bytes_digest(words, sizeof(words), key.low ^ key.high);
    }
    if (seen_.contains(key)) return Added::kBefore;
    if (full()) return Added::kNo;
    seen_.insert(key);
    give(picks, tear);
    return Added::kNow;
  }

  void give(const Picks& picks, const Tear& tear) {
    state_.picks = picks;
    state_.tear = tear;
    ++counts_.states;
    if (!visit_(state_)) stopped_ = true;
  }

  void all_picks() {
    Picks picks(newest_.size(), 0);
    if (point_.kind == PointKind::kStart) {
      add(picks);
      return;
    }
    // Counts up like an odometer, the first unit fastest.
    for (bool more = true; more && !stopped_;) {
      add(picks);
      for (const Tear& tear : space_.all(segment_, picks, point_.version_limit)) add(picks, tear);
      more = false;
      for (const uint32_t unit : open_units_) {
        if (picks[unit] < newest_[unit]) {
          ++picks[unit];
          more = true;
          break;
        }
        picks[unit] = 0;
      }
    }
  }

  [[nodiscard]] Picks prefix(uint32_t versions) const {
    Picks picks(newest_.size());
    for (size_t i = 0; i < picks.size(); ++i) {
      picks[i] = versions_below(segment_.units[i], versions);
    }
    return picks;
  }

  // A device that keeps order: each prefix, or the longest, the shortest, the middle and a sample.
  void prefixes(bool all) {
    const bool write = point_.kind == PointKind::kWrite;
    const uint32_t least = write ? point_.version_begin + 1 : 0;
    const uint32_t most = point_.version_limit;
    if (all) {
      for (uint32_t n = least; n <= most; ++n) add(prefix(n));
      return;
    }
    for (const uint32_t n : {most, least, least + (most - least) / 2}) add(prefix(n));
    constexpr uint64_t kTriesPerState = 8;
    const uint64_t tries = kTriesPerState * limit_;
    for (uint64_t i = 0; i < tries && !full(); ++i) {
      add(prefix(static_cast<uint32_t>(prng_.between(least, most))));
    }
  }

  // The units or blocks that the point's write touches, and the others.
  void survey_places(std::vector<uint64_t>* own, std::vector<uint64_t>* others) const {
    if (space_.tears_units()) {
      own->assign(own_units_.begin(), own_units_.end());
      for (const uint32_t unit : other_units_) {
        if (space_.written(segment_, segment_.units[unit], point_.version_limit)) {
          others->push_back(unit);
        }
      }
      return;
    }
    for (const uint32_t unit : own_units_) {
      const uint64_t block = space_.block_of(segment_.units[unit].sector);
      if (own->empty() || own->back() != block) own->push_back(block);
    }
    for (const uint64_t block : space_.blocks(segment_, point_.version_limit)) {
      if (!std::binary_search(own->begin(), own->end(), block)) others->push_back(block);
    }
  }

  void torn_states() {
    std::vector<uint64_t> own;
    std::vector<uint64_t> others;
    survey_places(&own, &others);
    const auto tell = [&](const Picks& picks, uint64_t place) {
      for (const TornPicks& torn :
           telling_tears(space_, model_.options(), segment_, picks, place)) {
        add(torn.picks, torn.tear);
      }
    };
    for (const Picks& picks : {newest_, own_only()}) {
      // The ends of a long write and some units between them.
      constexpr size_t kPlaces = 4;
      const size_t step = std::max<size_t>(1, own.size() / kPlaces);
      for (size_t i = 0; i < own.size() && !full(); i += step) tell(picks, own[i]);
    }
    std::vector<uint64_t> places = own;
    places.insert(places.end(), others.begin(), others.end());
    if (places.empty()) return;
    constexpr uint64_t kTriesPerState = 8;
    const uint64_t tries = kTriesPerState * limit_;
    for (uint64_t i = 0; i < tries && !full(); ++i) {
      Picks picks = i % 4 == 0 ? newest_ : i % 4 == 1 ? own_only() : random_choice();
      const uint64_t place = places[prng_.below(places.size())];
      if (prng_.chance(1, 4)) {
        tell(picks, place);
      } else {
        add(picks, random_tear(space_, model_.options(), segment_, picks, point_.version_limit,
                               place, &prng_));
      }
    }
  }

  [[nodiscard]] Picks own_only() const {
    Picks picks(newest_.size(), 0);
    for (const uint32_t unit : own_units_) picks[unit] = newest_[unit];
    return picks;
  }

  // The write itself torn: a first part kept, a last part, the middle, all but the middle; the rest
  // kept, and for the cut in the middle also lost. Without `give`, they are only counted.
  void torn(bool give) {
    const size_t parts = own_units_.size();
    if (parts < 2) return;
    const auto member = [&](const Picks& picks) {
      if (give) {
        note(Tier::kTorn, add(picks));
      } else if (belongs(picks)) {
        ++counts_.tiers[static_cast<size_t>(Tier::kTorn)].total;
      }
    };
    const auto torn_at = [&](Picks picks, size_t begin, size_t end) {
      for (size_t i = begin; i < end; ++i) --picks[own_units_[i]];
      member(picks);
    };
    const auto lost_rest = [&](size_t begin, size_t end) {
      Picks picks(newest_.size(), 0);
      for (size_t i = begin; i < end; ++i) picks[own_units_[i]] = newest_[own_units_[i]];
      member(picks);
    };
    for (const size_t cut : {size_t{1}, parts / 2, parts - 1}) {
      torn_at(newest_, cut, parts);  // the first part is kept
      torn_at(newest_, 0, cut);      // the last part is kept
    }
    lost_rest(0, parts / 2);
    lost_rest(parts / 2, parts);
    if (parts < 3) return;
    torn_at(newest_, 1, parts - 1);
    Picks middle = newest_;
    --middle[own_units_.front()];
    --middle[own_units_.back()];
    member(middle);
  }

  // Each unit has the newest version whose bio is in (or, with `lost`, is not in) `bios`. The
  // point's own write is always in.
  [[nodiscard]] Picks picks_of_bios(const std::vector<uint32_t>& bios, bool lost) const {
    Picks picks(newest_.size(), 0);
    for (const uint32_t unit : open_units_) {
      const std::vector<uint32_t>& versions = segment_.units[unit].versions;
      for (uint16_t pick = newest_[unit]; pick > 0; --pick) {
        const uint32_t version = versions[pick - 1U];
        const uint32_t record = segment_.versions[version].record;
        const bool listed = std::find(bios.begin(), bios.end(), record) != bios.end();
        if (version >= point_.version_begin || listed != lost) {
          picks[unit] = pick;
          break;
        }
      }
    }
    return picks;
  }

  [[nodiscard]] Picks picks_of_units(const std::vector<uint32_t>& units, bool lost) const {
    Picks picks = lost ? newest_ : own_only();
    for (const uint32_t unit : units) picks[unit] = lost ? uint16_t{0} : newest_[unit];
    return picks;
  }

  // Without `give`, their members are only counted.
  void families(bool give) {
    struct Family {
      const std::vector<uint32_t>* things;
      unsigned size;
      bool bios;
      bool lost;
    };
    std::vector<Family> all;
    for (unsigned k = 1; k <= std::max(options_.max_lost, options_.max_kept); ++k) {
      for (const bool bios : {true, false}) {
        const std::vector<uint32_t>& things = bios ? other_bios_ : other_units_;
        if (k <= options_.max_lost) all.push_back({&things, k, bios, true});
        if (k <= options_.max_kept) all.push_back({&things, k, bios, false});
      }
    }
    if (!give) {
      for (const Family& family : all) {
        uint64_t& total = counts_.tiers[static_cast<size_t>(Tier::kEpochs)].total;
        total =
            std::min(kTierLimit, total + choices(family.things->size(), family.size, kTierLimit));
      }
      return;
    }
    // One at a time shows most; random picks weigh as much, so that they always get their share.
    constexpr uint64_t kWeight = 4;
    const auto weight = [](const Family& family) {
      return std::max<uint64_t>(1, kWeight / family.size);
    };
    uint64_t weights = wants(Tier::kSample) ? kWeight : 0;
    for (const Family& family : all) weights += weight(family);
    for (const Family& family : all) {
      if (full()) return;
      const uint64_t left = limit_ - counts_.states;
      const uint64_t share = std::max<uint64_t>(1, left * weight(family) / weights);
      weights -= weight(family);
      choose_some(*family.things, family.size, share, [&](const std::vector<uint32_t>& chosen) {
        return add(family.bios ? picks_of_bios(chosen, family.lost)
                               : picks_of_units(chosen, family.lost));
      });
    }
  }

  // Calls `take` with subsets of k things until it has accepted `share`: all in order when they are
  // few, else drawn at random.
  template <class Take>
  void choose_some(const std::vector<uint32_t>& things, unsigned k, uint64_t share, Take take) {
    const uint64_t count = choices(things.size(), k, share + 1);
    if (count == 0) return;
    std::vector<uint32_t> chosen(k);
    if (count > share) {
      uint64_t accepted = 0;
      for (uint64_t tries = 0; tries < 2 * share && accepted < share; ++tries) {
        for (uint32_t& thing : chosen) thing = things[prng_.below(things.size())];
        const Added added = take(chosen);
        if (added != Added::kNow) continue;  // a member can be drawn twice
        note(Tier::kEpochs, added);
        ++accepted;
      }
      return;
    }
    std::vector<size_t> index(k);
    for (size_t i = 0; i < k; ++i) index[i] = i;
    while (true) {
      for (size_t i = 0; i < k; ++i) chosen[i] = things[index[i]];
      note(Tier::kEpochs, take(chosen));
      size_t i = k;  // the last index that can still move
      while (i > 0 && index[i - 1] == things.size() - k + i - 1) --i;
      if (i == 0) return;
      ++index[i - 1];
      for (; i < k; ++i) index[i] = index[i - 1] + 1;
    }
  }

  void random_picks() {
    constexpr uint64_t kTriesPerState = 8;  // a point with few states left is hard to hit
    if (full()) return;
    const uint64_t wanted = limit_ - counts_.states;
    for (uint64_t tries = 0; tries < kTriesPerState * wanted && !full(); ++tries) {
      add(random_choice());
    }
  }

  [[nodiscard]] Picks random_choice() {
    const uint64_t kept_of_8 = prng_.between(1, 7);
    Picks picks(newest_.size(), 0);
    for (const uint32_t unit : open_units_) {
      if (!prng_.chance(kept_of_8, 8)) continue;
      // Mostly the newest: a device that wrote the unit at all has often written it last.
      const bool newest = prng_.chance(1, 2);
      picks[unit] = newest ? newest_[unit] : static_cast<uint16_t>(prng_.between(1, newest_[unit]));
    }
    if (!own_units_.empty() && !belongs(picks)) {
      const uint32_t unit = own_units_[prng_.below(own_units_.size())];
      picks[unit] = newest_[unit];
    }
    return picks;
  }

  struct DigestHash {
    size_t operator()(const sim::Digest& digest) const { return digest.low; }
  };

  const CrashModel& model_;
  const CrashPoint& point_;
  const Segment& segment_;
  const EnumerationOptions& options_;
  const Visit& visit_;
  TearSpace space_;
  uint64_t limit_;                    // states taken, at most
  std::vector<uint64_t> old_blocks_;  // blocks with something pending before the point's write
  sim::Prng prng_;
  Picks newest_;                       // newest version of each unit at the point
  Picks before_;                       // newest version of each unit before the point's write
  std::vector<bool> own_;              // units the point's write covers
  std::vector<uint32_t> open_units_;   // units with a version at the point
  std::vector<uint32_t> own_units_;    // those of the write
  std::vector<uint32_t> other_units_;  // the others
  std::vector<uint32_t> other_bios_;   // records with a version at the point, but for the write
  CrashState state_;
  EnumerationCounts counts_;
  bool stopped_ = false;
  std::unordered_set<sim::Digest, DigestHash> seen_;  // asked, never walked
};

}  // namespace

const char* tier_name(Tier tier) {
  switch (tier) {
    case Tier::kBoundary:
      return "boundary";
    case Tier::kPersist:
      return "persist";
    case Tier::kEpochs:
      return "epochs";
    case Tier::kTorn:
      return "torn";
    case Tier::kSample:
      return "sample";
  }
  return "";
}

EnumerationCounts for_each_state(const CrashModel& model, const CrashPoint& point,
                                 const EnumerationOptions& options,
                                 const std::function<bool(const CrashState&)>& visit) {
  return Enumerator(model, point, options, visit).run();
}

Enumeration enumerate_states(const CrashModel& model, const CrashPoint& point,
                             const EnumerationOptions& options) {
  Enumeration enumeration;
  const auto visit = [&enumeration](const CrashState& state) {
    enumeration.states.push_back(state);
    return true;
  };
  enumeration.exhaustive = for_each_state(model, point, options, visit).exhaustive;
  return enumeration;
}

}  // namespace zerotail::fault
