// The property driver: one seed is one random run of the core, judged by everything that must hold.
//
// - answer: every operation answers as the reference model predicts, on the default volume under
//   the trace and again after a remount;
// - check: the volume is without a problem after the unmount;
// - crash: no crash state breaks a contract, under the ordering that promises all of them (the
//   ordering of today's driver breaks some by design).
//
// A run depends on its seed and options alone. A failure is minimised, and its trace shows it
// without the generator.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "zerotail/harness/swarm.h"

namespace zerotail::harness {

struct PropertyOptions {
  size_t operations = 60;       // of a run, before the last look at everything
  std::string io_path;          // as in a header; empty: drawn
  uint64_t crash_every = 8;     // one run in so many is explored too; 0: none
  uint64_t crash_budget = 256;  // crash states of such a run, at most
};

struct PropertyFailure {
  uint64_t seed = 0;
  std::string property;     // "answer", "check" or "crash"
  std::string fingerprint;  // 16 hex digits: what broke, whatever the trace
  std::string text;         // one line
  Trace trace;              // that shows it
};

struct PropertyRun {
  size_t operations = 0;                   // that were run and compared
  uint64_t states = 0;                     // crash states judged
  std::optional<PropertyFailure> failure;  // its trace as it was drawn
};

// The trace of a seed. Errors: the volume cannot be made.
[[nodiscard]] sim::Result<Trace> draw_trace(uint64_t seed, const PropertyOptions& options);
[[nodiscard]] PropertyRun run_property(uint64_t seed, const PropertyOptions& options);

// The failure that a trace shows, if it does.
[[nodiscard]] std::optional<PropertyFailure> judge_trace(const Trace& trace,
                                                         const PropertyOptions& options,
                                                         bool crashes);

// The smallest trace that shows a failure of the same fingerprint; the smallest so far once `stop`
// says so.
[[nodiscard]] PropertyFailure minimise_failure(PropertyFailure failure,
                                               const PropertyOptions& options,
                                               const std::function<bool()>& stop = {});

}  // namespace zerotail::harness
