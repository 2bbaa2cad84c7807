// Makes a trace smaller while something stays true of it: the core of the minimiser, which knows
// nothing of crashes. What must stay true is the caller's question; the fault plan and the setup
// are part of the trace (header keys `faults` and `setup`).
//
// Steps, each tried until a whole round takes none of them: operations left out (all of a path,
// chunks, single ones), more of them in the setup, options of the header back to their defaults,
// names, arguments, flags and mount options smaller, rules of the fault plan left out or narrowed.
// Every step taken makes the trace smaller in one well-founded order, so that it ends; no step is
// tried twice for one trace. Deterministic as far as the answers are.
//
// Preconditions: a step after which an operation fails that did not fail before is not tried; where
// operations are left out, those that would fail for it are left out with them. What fails is what
// the reference model says.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "zerotail/harness/trace.h"

namespace zerotail::harness {

// Is it still there?
using TraceQuestion = std::function<bool(const Trace&)>;

struct TraceMinimiseOptions {
  uint64_t tries = 4000;  // questions asked, at most
  // Names in this path stay as they are.
  std::string keep_path{};
  // The volume is an image, not what the header says: the header stays and preconditions are not
  // looked at.
  bool image = false;
  // False: the question knows no setup, and none is made.
  bool setup = true;
};

struct MinimisedTrace {
  Trace trace;
  uint64_t tries = 0;    // questions asked
  uint64_t steps = 0;    // of them answered with yes
  bool complete = true;  // false: the tries were used up, and smaller ones may exist
};

// `trace` must be one of which the question is answered with yes. The setup counts by the header.
[[nodiscard]] MinimisedTrace minimise_trace(Trace trace, const TraceQuestion& question,
                                            const TraceMinimiseOptions& options = {});

// The trace without the marked operations: setup and the fault plan's operation numbers move along.
[[nodiscard]] Trace without_operations(const Trace& trace, const std::vector<bool>& dropped);

}  // namespace zerotail::harness
