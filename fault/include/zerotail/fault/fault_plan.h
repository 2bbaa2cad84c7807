// A fault plan: rules that say which requests of a device go wrong, and how (fault/README.md).
//
//   plan   = [ "seed=" number ] *( rule )             separated by ";" or line ends; # to line's
//   end rule   = KIND *( " " clause ) clause = "on=" event *( "," event )               which
//   requests; default: the kind's
//          | "at=" sector [ "-" sector ]              that touch these sectors
//          | "in=" REGION                             that touch this region
//          | "op=" number [ "-" number ]              under these operations of the trace
//          | "p=" number "/" number                   each with this probability
//          | "once" | "nth=" number | "always"        which of the requests that match
//          | "phases=" phase *( "," phase )
//          | "by=" number [ "ms" | "us" ]             how far, how many, how long: the kind says
//   phase  = ( "ok" | "fail" ) [ "*" number ]         without a number: for ever
//   event  = "read" | "write" | "flush" | "discard" | "fua"
//
// A flush matches `at` and `in` when such a sector was written since the flush before it.
// Invariant: parse(print(plan)) == plan.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "zerotail/sim/bio.h"
#include "zerotail/sim/result.h"
#include "zerotail/sim/units.h"

namespace zerotail::fault {

struct FaultKind;  // faults.h

// A set of events, as bits.
using EventSet = uint8_t;
inline constexpr EventSet kOnRead = 1;
inline constexpr EventSet kOnWrite = 2;
inline constexpr EventSet kOnFlush = 4;  // a flush, or a write with PREFLUSH
inline constexpr EventSet kOnDiscard = 8;
inline constexpr EventSet kOnFua = 16;
[[nodiscard]] EventSet events_of(const sim::Bio& bio);

struct FaultPhase {
  bool failing = false;
  uint64_t requests = 0;  // that match; 0: all that follow
  bool operator==(const FaultPhase&) const = default;
};

struct SectorSpan {
  sim::Sector first;
  sim::Sector last;  // included
  bool operator==(const SectorSpan&) const = default;
};

struct NumberSpan {
  uint64_t first = 0;
  uint64_t last = 0;  // included
  bool operator==(const NumberSpan&) const = default;
};

struct FaultRule {
  const FaultKind* kind = nullptr;  // of the table
  EventSet events = 0;              // 0: the kind's
  std::optional<SectorSpan> sectors{};
  std::string region{};  // empty: anywhere
  std::optional<NumberSpan> ops{};
  uint64_t chance_of = 1;  // chance_of in chance_in
  uint64_t chance_in = 1;
  std::vector<FaultPhase> phases{};  // empty: always
  // `by`: sectors, requests or nanoseconds, as the kind takes it.
  std::optional<uint64_t> amount{};
  bool operator==(const FaultRule&) const = default;
};

struct FaultPlan {
  uint64_t seed = 1;
  std::vector<FaultRule> rules;
  bool operator==(const FaultPlan&) const = default;
};

// One line.
[[nodiscard]] std::string print(const FaultPlan& plan);
[[nodiscard]] std::string print(const FaultRule& rule);
// EINVAL names the rule and the word.
[[nodiscard]] sim::Result<FaultPlan> parse_fault_plan(std::string_view text);

}  // namespace zerotail::fault
