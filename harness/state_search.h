// Looks for a crash state of a trace that shows what is sought. Internal to the harness.
#pragma once

#include <optional>
#include <set>
#include <string>

#include "zerotail/harness/judge.h"
#include "zerotail/harness/minimise.h"
#include "zerotail/harness/minimise_state.h"

namespace zerotail::harness {

// Whether one of a state's violations is the one that is sought.
[[nodiscard]] bool shows(const Recording& recording, OpCounts counts,
                         const std::vector<Violation>& violations, const Wanted& what);
// The state of the finding when no crash is needed.
inline constexpr const char* kNoCrash = "p0+";

class StateSearch {
 public:
  StateSearch(const Wanted& what, const RecordOptions& record, uint64_t states_per_trace);

  // The id of a state of the trace, or nothing. It is remembered: states like it come first.
  [[nodiscard]] std::optional<std::string> find(const Trace& trace);
  // The smallest state of the trace that is found from there and from what find() looks at.
  [[nodiscard]] sim::Result<std::string> smallest(const Trace& trace, const std::string& state);
  [[nodiscard]] uint64_t states() const { return states_; }
  [[nodiscard]] StateSize last_size() const { return last_size_; }
  // Remembers a state as find() does.
  [[nodiscard]] sim::Status begin_at(const Trace& trace, const std::string& state);

 private:
  class Run;  // one recorded trace
  // Sectors kept and lost, as far as they differ from most.
  struct Likeness {
    std::set<uint64_t> kept;
    std::set<uint64_t> lost;
    bool mostly_kept = false;
  };
  [[nodiscard]] static Likeness likeness_of(const fault::CrashModel& model,
                                            const fault::CrashState& state);

  const Wanted& what_;
  RecordOptions record_;
  uint64_t states_per_trace_;
  uint64_t states_ = 0;
  std::optional<Likeness> like_;
  StateSize last_size_;
};

}  // namespace zerotail::harness
