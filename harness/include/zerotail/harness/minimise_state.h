// A crash state made smaller while something stays true of it: no tear before a tear, the whole of
// a unit or block before a part of it, and as few units as can be on one side: kept, where the rest
// is lost, or lost, where the rest is kept.
#pragma once

#include <functional>

#include "zerotail/fault/crash_model.h"

namespace zerotail::harness {

struct StateSize {
  enum class Tear : uint8_t { kNone, kWhole, kPart };
  Tear tear = Tear::kNone;  // of the whole of a unit or block, or of a part
  uint32_t torn_parts = 0;  // kPart: words or grains
  size_t exceptions = 0;    // units on the shorter side, as the state's id lists them
  uint64_t sectors = 0;     // of those
  size_t old_versions = 0;  // units that hold neither the durable content nor the newest version
  bool operator==(const StateSize&) const = default;
};
[[nodiscard]] StateSize size_of(const fault::CrashModel& model, const fault::CrashState& state);
[[nodiscard]] bool operator<(const StateSize& a, const StateSize& b);

using StateQuestion = std::function<bool(const fault::CrashState&)>;

// Of one point's states the smallest that is found from `state`, of which the question is answered
// with yes: no tear can be left out, no unit can go back to the other side, and no old version can
// become the durable content or the newest version, without a no.
[[nodiscard]] fault::CrashState minimise_state(const fault::CrashModel& model,
                                               fault::CrashState state,
                                               const StateQuestion& question);

}  // namespace zerotail::harness
