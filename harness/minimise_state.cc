#include "zerotail/harness/minimise_state.h"

#include <algorithm>
#include <tuple>

namespace zerotail::harness {
namespace {

using fault::CrashModel;
using fault::CrashState;
using fault::Tear;

// What the units hold by default on one side: nothing pending, or everything.
class Side {
 public:
  Side(const CrashModel& model, uint32_t point, bool kept) : kept_(kept) {
    const fault::CrashPoint& at = model.points()[point];
    for (const fault::Unit& unit : model.segment(at).units) {
      counts_.push_back(fault::versions_below(unit, at.version_limit));
    }
  }
  [[nodiscard]] uint16_t usual(size_t unit) const { return kept_ ? counts_[unit] : uint16_t{0}; }
  // The pick that is an exception without being an old version.
  [[nodiscard]] uint16_t other(size_t unit) const { return kept_ ? uint16_t{0} : counts_[unit]; }
  [[nodiscard]] std::vector<size_t> exceptions(const CrashState& state) const {
    std::vector<size_t> list;
    for (size_t i = 0; i < counts_.size(); ++i) {
      if (counts_[i] > 0 && state.picks[i] != usual(i)) list.push_back(i);
    }
    return list;
  }

 private:
  bool kept_;
  std::vector<uint16_t> counts_;
};

// Words of the torn unit, or grains of the damaged block.
uint32_t parts_of(const CrashModel& model, const CrashState& state) {
  const fault::CrashModelOptions& options = model.options();
  if (options.damage_block != sim::ByteCount{}) {
    return static_cast<uint32_t>(options.damage_block.value() / options.damage_grain.value());
  }
  const fault::Segment& segment = model.segment(model.points()[state.point]);
  return static_cast<uint32_t>(sim::bytes(segment.units[state.tear.place].count).value() /
                               options.tear_word.value());
}

class StateShrinker {
 public:
  StateShrinker(const CrashModel& model, const StateQuestion& question)
      : model_(model), question_(question) {}

  // True, and `state` is the candidate, when such a state exists and the answer is yes.
  bool attempt(CrashState candidate, CrashState* state) {
    if (candidate == *state || !model_.parse(model_.print(candidate)).ok()) return false;
    if (!question_(candidate)) return false;
    *state = std::move(candidate);
    return true;
  }

  // No tear, then all of the unit or block, then less of it.
  bool shrink_tear(CrashState* state) {
    if (!state->tear) return false;
    CrashState plain = *state;
    plain.tear = Tear{};
    if (attempt(std::move(plain), state)) return true;
    const uint32_t parts = parts_of(model_, *state);
    if (state->tear.count == parts) return false;
    CrashState whole = *state;
    whole.tear.first = 0;
    whole.tear.count = parts;
    if (attempt(std::move(whole), state)) return true;
    bool taken = false;
    while (state->tear.count > 1 && narrow(state)) taken = true;
    return taken;
  }

  bool reduce(const Side& side, CrashState* state) {
    bool taken = false;
    for (bool again = true; again;) {
      again = drop(side, state);
      for (const size_t unit : side.exceptions(*state)) {
        if (state->picks[unit] == side.other(unit)) continue;
        CrashState candidate = *state;
        candidate.picks[unit] = side.other(unit);
        again = attempt(std::move(candidate), state) || again;
      }
      taken = taken || again;
    }
    return taken;
  }

 private:
  // Exceptions back to the usual, in chunks, then alone.
  bool drop(const Side& side, CrashState* state) {
    bool taken = false;
    for (size_t size = std::max<size_t>(1, side.exceptions(*state).size()); size > 0; size /= 2) {
      std::vector<size_t> list = side.exceptions(*state);
      for (size_t end = list.size(); end > 0;) {
        const size_t begin = end > size ? end - size : 0;
        CrashState candidate = *state;
        for (size_t i = begin; i < end; ++i) candidate.picks[list[i]] = side.usual(list[i]);
        taken = attempt(std::move(candidate), state) || taken;
        end = begin;
      }
    }
    return taken;
  }

  // Half of it, then one part less.
  bool narrow(CrashState* state) {
    const Tear tear = state->tear;
    for (const uint32_t count : {tear.count / 2, tear.count - 1}) {
      for (const uint32_t first : {tear.first, tear.first + tear.count - count}) {
        CrashState candidate = *state;
        candidate.tear.first = first;
        candidate.tear.count = count;
        if (attempt(std::move(candidate), state)) return true;
      }
    }
    return false;
  }

  const CrashModel& model_;
  const StateQuestion& question_;
};

}  // namespace

StateSize size_of(const CrashModel& model, const CrashState& state) {
  StateSize best;
  if (state.tear) {
    const bool whole = state.tear.count == parts_of(model, state);
    best.tear = whole ? StateSize::Tear::kWhole : StateSize::Tear::kPart;
    best.torn_parts = whole ? 0 : state.tear.count;
  }
  const fault::Segment& segment = model.segment(model.points()[state.point]);
  bool first = true;
  for (const bool kept : {false, true}) {
    const Side side(model, state.point, kept);
    StateSize size = best;
    size.exceptions = size.sectors = size.old_versions = 0;
    for (const size_t unit : side.exceptions(state)) {
      ++size.exceptions;
      size.sectors += segment.units[unit].count.value();
      if (state.picks[unit] != side.other(unit)) ++size.old_versions;
    }
    if (first || size < best) best = size;
    first = false;
  }
  return best;
}

bool operator<(const StateSize& a, const StateSize& b) {
  return std::tie(a.tear, a.exceptions, a.sectors, a.old_versions, a.torn_parts) <
         std::tie(b.tear, b.exceptions, b.sectors, b.old_versions, b.torn_parts);
}

CrashState minimise_state(const CrashModel& model, CrashState state,
                          const StateQuestion& question) {
  StateShrinker shrinker(model, question);
  const Side lost(model, state.point, false);
  const Side kept(model, state.point, true);
  for (bool again = true; again;) {
    again = shrinker.shrink_tear(&state);
    CrashState few_kept = state;
    CrashState few_lost = state;
    shrinker.reduce(lost, &few_kept);
    shrinker.reduce(kept, &few_lost);
    CrashState& best = size_of(model, few_lost) < size_of(model, few_kept) ? few_lost : few_kept;
    if (size_of(model, best) < size_of(model, state)) {
      state = std::move(best);
      again = true;
    }
  }
  return state;
}

}  // namespace zerotail::harness
