#include "state_search.h"

#include <algorithm>

#include "seen_states.h"
#include "zerotail/harness/circumstances.h"

namespace zerotail::harness {
namespace {

using fault::CrashState;
using sim::Result;

constexpr uint64_t kLeastPerPoint = 8;

bool is_sought(const Violation& violation, const Wanted& what) {
  return violation.contract == what.contract && violation.kind == what.kind &&
         violation.path == what.path;
}

bool answers_wrong(const Recording& recording, const Wanted& what) {
  return std::any_of(recording.wrong_answers.begin(), recording.wrong_answers.end(),
                     [&](const WrongAnswer& wrong) {
                       return wrong.path == what.path &&
                              recording.history->op_name(wrong.op) == what.circumstances.touch;
                     });
}

}  // namespace

bool shows(const Recording& recording, OpCounts counts, const std::vector<Violation>& violations,
           const Wanted& what) {
  return std::any_of(violations.begin(), violations.end(), [&](const Violation& violation) {
    return is_sought(violation, what) &&
           circumstances(recording, counts, violation) == what.circumstances;
  });
}

// A recorded trace with its states.
class StateSearch::Run {
 public:
  Run(StateSearch& search, Recording recording)
      : search_(search),
        recording_(std::move(recording)),
        model_(*recording_.log, recording_.base, search.record_.device, recording_.promise_marks),
        image_(model_),
        judge_(recording_, model_, search.what_.contract == Contract::kMountable) {}

  [[nodiscard]] const Recording& recording() const { return recording_; }
  [[nodiscard]] const fault::CrashModel& model() const { return model_; }

  void move_to(const fault::CrashPoint& point) {
    const uint64_t context = judge_.context();
    judge_.move_to(point);
    if (judge_.context() != context) seen_.begin(judge_.far_units());
  }
  // Nothing of what was judged is remembered; points may come again.
  void restart() {
    judge_.forget();
    seen_.begin({});
  }

  // Judges a state of the point at hand. A state like one that was judged is not judged again:
  // the answer is no, unless it is to be `exact`.
  bool ask(const CrashState& state, bool exact) {
    image_.set(state);
    if (!exact && seen_.look_up(image_) != SeenStates::Known::kNo) return false;
    judge_.look_at(image_);
    ++search_.states_;
    const bool yes = shows(recording_, judge_.counts(), judge_.judge(), search_.what_);
    if (!exact) seen_.add(image_, judge_.far_units_read());
    return yes;
  }

  // Calls `visit` with each state of the budget until it returns false.
  template <class Visit>
  void for_each(const fault::CrashPoint& point, const Visit& visit) {
    fault::EnumerationOptions tiers;
    tiers.states_per_point = std::max<uint64_t>(
        kLeastPerPoint, search_.states_per_trace_ / std::max<size_t>(1, model_.points().size()));
    fault::for_each_state(model_, point, tiers, visit);
  }

  std::optional<CrashState> find_like(const Likeness& like) {
    for (const fault::CrashPoint& point : model_.points()) {
      CrashState state;
      state.point = point.index;
      for (const fault::Unit& unit : model_.segment(point).units) {
        const uint16_t newest = fault::versions_below(unit, point.version_limit);
        const bool kept = like.mostly_kept ? !like.lost.contains(unit.sector.value())
                                           : like.kept.contains(unit.sector.value());
        state.picks.push_back(kept ? newest : uint16_t{0});
      }
      if (!model_.parse(model_.print(state)).ok()) continue;
      move_to(point);
      if (ask(state, false)) return state;
    }
    return std::nullopt;
  }

  std::optional<CrashState> find_any() {
    std::optional<CrashState> found;
    for (const fault::CrashPoint& point : model_.points()) {
      move_to(point);
      for_each(point, [&](const CrashState& state) {
        if (ask(state, false)) found = state;
        return !found.has_value();
      });
      if (found) break;
    }
    return found;
  }

  // The smallest of those that the budget looks at; not smaller than `state` is not asked.
  CrashState find_smallest(CrashState state) {
    StateSize size = size_of(model_, state);
    for (const fault::CrashPoint& point : model_.points()) {
      move_to(point);
      for_each(point, [&](const CrashState& candidate) {
        const StateSize other = size_of(model_, candidate);
        if (other < size && ask(candidate, false)) {
          state = candidate;
          size = other;
        }
        return true;
      });
    }
    return state;
  }

 private:
  StateSearch& search_;
  Recording recording_;
  fault::CrashModel model_;
  fault::CrashImage image_;
  Judge judge_;
  SeenStates seen_;
};

StateSearch::StateSearch(const Wanted& what, const RecordOptions& record, uint64_t states_per_trace)
    : what_(what), record_(record), states_per_trace_(states_per_trace) {}

StateSearch::Likeness StateSearch::likeness_of(const fault::CrashModel& model,
                                               const CrashState& state) {
  Likeness like;
  const fault::CrashPoint& point = model.points()[state.point];
  const fault::Segment& segment = model.segment(point);
  for (size_t i = 0; i < segment.units.size(); ++i) {
    if (fault::versions_below(segment.units[i], point.version_limit) == 0) continue;
    (state.picks[i] > 0 ? like.kept : like.lost).insert(segment.units[i].sector.value());
  }
  like.mostly_kept = like.kept.size() > like.lost.size();
  return like;
}

std::optional<std::string> StateSearch::find(const Trace& trace) {
  auto recorded = record(trace, trace.header.setup, record_);
  if (!recorded.ok()) return std::nullopt;
  if (what_.contract == Contract::kAnswers) {
    if (!answers_wrong(*recorded, what_)) return std::nullopt;
    return kNoCrash;
  }
  Run run(*this, std::move(*recorded));
  std::optional<CrashState> found;
  if (like_) found = run.find_like(*like_);
  if (!found) {
    run.restart();
    found = run.find_any();
  }
  if (!found) return std::nullopt;
  like_ = likeness_of(run.model(), *found);
  last_size_ = size_of(run.model(), *found);
  return run.model().print(*found);
}

sim::Status StateSearch::begin_at(const Trace& trace, const std::string& text) {
  if (what_.contract == Contract::kAnswers) return {};
  ZT_ASSIGN(Recording recording, record(trace, trace.header.setup, record_));
  const Run run(*this, std::move(recording));
  ZT_ASSIGN(const CrashState state, run.model().parse(text));
  like_ = likeness_of(run.model(), state);
  last_size_ = size_of(run.model(), state);
  return {};
}

Result<std::string> StateSearch::smallest(const Trace& trace, const std::string& text) {
  if (what_.contract == Contract::kAnswers) return std::string(kNoCrash);
  ZT_ASSIGN(Recording recording, record(trace, trace.header.setup, record_));
  Run run(*this, std::move(recording));
  ZT_ASSIGN(CrashState state, run.model().parse(text));
  state = run.find_smallest(std::move(state));
  run.restart();
  run.move_to(run.model().points()[state.point]);
  state = minimise_state(run.model(), std::move(state),
                         [&run](const CrashState& candidate) { return run.ask(candidate, true); });
  last_size_ = size_of(run.model(), state);
  return run.model().print(state);
}

}  // namespace zerotail::harness
