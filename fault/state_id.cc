// The text form of a crash state (grammar: crash_model.h and fault/MODEL.md).
//
//   id    = "p" point ( "+" | "-" ) [ item *( "," item ) ] [ "~" tear ]
//   item  = unit [ "-" unit ] [ "v" version ]
//   tear  = ( "u" unit "w" | "b" block "s" ) first [ "-" last ] ( "v" version | "g" | "e" )
//
// An item says how the units differ from the sign: after "+" (all lost) they are kept, with their
// newest version unless one is named; after "-" (all kept) they are lost, unless an older version
// is named.
#include <algorithm>
#include <charconv>
#include <limits>
#include <utility>

#include "tear_space.h"
#include "zerotail/fault/crash_model.h"
#include "zerotail/sim/assert.h"

namespace zerotail::fault {

namespace {

using sim::Errno;
using sim::Error;
using sim::Result;

// How many versions each unit has at the point.
std::vector<uint16_t> versions_at(const Segment& segment, const CrashPoint& point) {
  std::vector<uint16_t> counts(segment.units.size());
  for (size_t i = 0; i < counts.size(); ++i) {
    counts[i] = versions_below(segment.units[i], point.version_limit);
  }
  return counts;
}

// The list after one sign: runs of units whose pick differs from `usual` and is written alike.
// `implied` is the pick that goes without a "v".
template <class Usual, class Implied>
std::string list_exceptions(const std::vector<uint16_t>& picks, const std::vector<uint16_t>& counts,
                            Usual usual, Implied implied) {
  std::string text;
  const auto suffix = [&](size_t unit) {
    return picks[unit] == implied(unit) ? std::string() : "v" + std::to_string(picks[unit]);
  };
  for (size_t i = 0; i < picks.size(); ++i) {
    if (counts[i] == 0 || picks[i] == usual(i)) continue;
    const std::string how = suffix(i);
    size_t last = i;
    for (size_t j = i + 1; j < picks.size(); ++j) {
      if (counts[j] == 0) continue;  // a range leaves it out
      if (picks[j] == usual(j) || suffix(j) != how) break;
      last = j;
    }
    if (!text.empty()) text += ",";
    text += std::to_string(i);
    if (last > i) text += "-" + std::to_string(last);
    text += how;
    i = last;
  }
  return text;
}

// Whether the picks are those of some number of the segment's first versions.
bool is_prefix(const Segment& segment, const std::vector<uint16_t>& picks) {
  uint32_t prefix = 0;
  for (size_t i = 0; i < picks.size(); ++i) {
    if (picks[i] > 0) prefix = std::max(prefix, segment.units[i].versions[picks[i] - 1U] + 1);
  }
  for (size_t i = 0; i < picks.size(); ++i) {
    if (versions_below(segment.units[i], prefix) != picks[i]) return false;
  }
  return true;
}

std::string print_tear(const Tear& tear, bool unit) {
  std::string text = (unit ? "~u" : "~b") + std::to_string(tear.place) + (unit ? "w" : "s");
  text += std::to_string(tear.first);
  if (tear.count > 1) text += "-" + std::to_string(tear.first + tear.count - 1);
  switch (tear.fill) {
    case Tear::Fill::kNone:
      return {};
    case Tear::Fill::kVersion:
      return text + "v" + std::to_string(tear.version);
    case Tear::Fill::kGarbage:
      return text + "g";
    case Tear::Fill::kErased:
      return text + "e";
  }
  return {};
}

class IdParser {
 public:
  IdParser(const CrashModel& model, std::string_view text)
      : model_(model), all_(text), left_(text) {}

  Result<CrashState> parse() {
    uint64_t number = 0;
    if (!skip('p') || !read(&number)) return fail("it must begin with p and the number of a point");
    if (number >= model_.points().size()) {
      return fail("there is no point " + std::to_string(number) + "; the last one is " +
                  std::to_string(model_.points().size() - 1));
    }
    point_ = &model_.points()[number];
    counts_ = versions_at(model_.segment(*point_), *point_);
    state_.point = static_cast<uint32_t>(number);
    if (skip('+')) {
      state_.picks.assign(counts_.size(), 0);
    } else if (skip('-')) {
      state_.picks = counts_;
      all_kept_ = true;
    } else {
      return fail("after the point there must be + or -");
    }
    listed_.assign(counts_.size(), false);
    if (!left_.empty() && left_.front() != '~') {
      do {
        ZT_TRY(parse_item());
      } while (skip(','));
    }
    if (skip('~')) ZT_TRY(parse_tear());
    if (!left_.empty()) return fail("\"" + std::string(left_) + "\" is not understood");
    ZT_TRY(check());
    return std::move(state_);
  }

 private:
  sim::Status parse_item() {
    uint64_t first = 0;
    if (!read(&first)) return fail("a unit's number is missing");
    uint64_t last = first;
    if (skip('-') && !read(&last)) return fail("the end of a range of units is missing");
    if (last < first) return fail("a range of units runs backwards");
    uint64_t version = 0;
    const bool named = skip('v');
    if (named && !read(&version)) return fail("the number of a version is missing");
    if (named && version == 0) return fail("versions count from 1");
    for (const uint64_t end : {first, last}) {
      const std::string name = "unit " + std::to_string(end);
      if (end >= counts_.size()) return fail("there is no " + name);
      if (counts_[end] == 0) return fail(name + " has no version at this point");
    }
    for (uint64_t i = first; i <= last; ++i) {
      if (counts_[i] == 0) continue;
      if (version > counts_[i]) {
        return fail("unit " + std::to_string(i) + " has no version " + std::to_string(version));
      }
      if (listed_[i]) return fail("unit " + std::to_string(i) + " comes twice");
      listed_[i] = true;
      const uint16_t implied = all_kept_ ? uint16_t{0} : counts_[i];
      state_.picks[i] = named ? static_cast<uint16_t>(version) : implied;
    }
    return {};
  }

  sim::Status parse_tear() {
    const bool unit = skip('u');
    if (!unit && !skip('b')) return fail("after ~ there must be u or b");
    Tear& tear = state_.tear;
    if (!read(&tear.place)) return fail("the number of what is torn is missing");
    if (!skip(unit ? 'w' : 's')) return fail("what part is torn is missing");
    uint64_t first = 0;
    if (!read(&first)) return fail("the number of the first torn part is missing");
    uint64_t last = first;
    if (skip('-') && !read(&last)) return fail("the number of the last torn part is missing");
    if (last < first) return fail("the torn part runs backwards");
    if (last >= std::numeric_limits<uint32_t>::max())
      return fail("the torn part runs past the end");
    tear.first = static_cast<uint32_t>(first);
    tear.count = static_cast<uint32_t>(last - first + 1);
    uint64_t version = 0;
    if (skip('g')) {
      tear.fill = Tear::Fill::kGarbage;
    } else if (skip('e')) {
      tear.fill = Tear::Fill::kErased;
    } else if (skip('v') && read(&version)) {
      tear.fill = Tear::Fill::kVersion;
      if (version > std::numeric_limits<uint16_t>::max()) {
        return fail("the torn unit has no such version");
      }
      tear.version = static_cast<uint16_t>(version);
    } else {
      return fail("what stands in the torn part is missing");
    }
    if (unit != (model_.options().tear_word != sim::ByteCount{})) {
      return fail(unit ? "this device tears no units" : "this device damages no blocks");
    }
    return {};
  }

  // What this kind of device does not leave.
  [[nodiscard]] sim::Status check() const {
    const Segment& segment = model_.segment(*point_);
    if (state_.tear) {
      const TearSpace space(model_.options(), segment.base.capacity());
      const char* wrong = space.refuse(segment, state_.picks, point_->version_limit, state_.tear);
      if (wrong != nullptr) return fail(wrong);
    }
    if (model_.options().ordered && !is_prefix(segment, state_.picks)) {
      return fail("the device keeps order, and this is no prefix of what was written");
    }
    return {};
  }

  bool skip(char c) {
    if (left_.empty() || left_.front() != c) return false;
    left_.remove_prefix(1);
    return true;
  }

  bool read(uint64_t* number) {
    const auto [end, error] = std::from_chars(left_.data(), left_.data() + left_.size(), *number);
    if (error != std::errc()) return false;
    left_.remove_prefix(static_cast<size_t>(end - left_.data()));
    return true;
  }

  [[nodiscard]] Error fail(const std::string& what) const {
    return Error(Errno::kInval, "crash state \"" + std::string(all_) + "\": " + what);
  }

  const CrashModel& model_;
  std::string_view all_;
  std::string_view left_;
  const CrashPoint* point_ = nullptr;
  std::vector<uint16_t> counts_;
  std::vector<bool> listed_;
  CrashState state_;
  bool all_kept_ = false;
};

}  // namespace

std::string CrashModel::print(const CrashState& state) const {
  ZT_ASSERT(state.point < points_.size());
  const CrashPoint& point = points_[state.point];
  const std::vector<uint16_t> counts = versions_at(segment(point), point);
  ZT_ASSERT(state.picks.size() == counts.size());
  const auto none = [](size_t) { return uint16_t{0}; };
  const auto newest = [&](size_t unit) { return counts[unit]; };
  const std::string kept = list_exceptions(state.picks, counts, none, newest);
  const std::string lost = list_exceptions(state.picks, counts, newest, none);
  const bool shorter_as_lost = lost.size() < kept.size();
  std::string id = "p" + std::to_string(state.point) + (shorter_as_lost ? "-" + lost : "+" + kept);
  if (state.tear) id += print_tear(state.tear, options_.tear_word != sim::ByteCount{});
  return id;
}

Result<CrashState> CrashModel::parse(std::string_view text) const {
  return IdParser(*this, text).parse();
}

}  // namespace zerotail::fault
