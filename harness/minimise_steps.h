// The steps of minimise_trace.h, and what they share. Internal to the harness.
#pragma once

#include <map>
#include <optional>
#include <unordered_set>
#include <vector>

#include "zerotail/harness/minimise_trace.h"
#include "zerotail/harness/model.h"
#include "zerotail/sim/digest.h"

namespace zerotail::harness {

// Which operations of a trace fail, as the reference model has it.
class Preconditions {
 public:
  // Nothing when the volume of the header cannot be made.
  [[nodiscard]] std::optional<std::vector<bool>> failing(const Trace& trace);
  // Marks also the operations that fail without the marked ones, and did not before.
  void drop_dependents(const Trace& trace, const std::vector<bool>& failing_before,
                       std::vector<bool>* dropped);

 private:
  [[nodiscard]] const std::optional<ModelGeometry>& geometry(const TraceHeader& header);
  std::map<std::string, std::optional<ModelGeometry>> geometries_;  // by header
};

// The smallest trace so far, and the questions about smaller ones.
class TraceShrinker {
 public:
  TraceShrinker(Trace trace, const TraceQuestion& question, const TraceMinimiseOptions& options);

  [[nodiscard]] const Trace& best() const { return best_; }
  [[nodiscard]] const TraceMinimiseOptions& options() const { return options_; }
  // Asks about a smaller trace and takes it when the answer is yes. A trace that was asked about,
  // one that breaks a precondition, and any beyond the budget are refused without asking.
  bool attempt(Trace candidate);
  // attempt() without the marked operations and those that depend on them.
  bool attempt_without(std::vector<bool> dropped);
  [[nodiscard]] bool exhausted() const { return exhausted_; }
  [[nodiscard]] MinimisedTrace result() const { return {best_, tries_, steps_, !exhausted_}; }

 private:
  struct DigestHash {
    size_t operator()(const sim::Digest& digest) const { return digest.low; }
  };
  const TraceQuestion& question_;
  TraceMinimiseOptions options_;
  Trace best_;
  Preconditions preconditions_;
  std::optional<std::vector<bool>> failing_;  // of best_; nothing: not looked at
  std::unordered_set<sim::Digest, DigestHash> asked_;
  uint64_t tries_ = 0;
  uint64_t steps_ = 0;
  bool exhausted_ = false;
};

// One kind of step each; true when one was taken.
bool shrink_operations(TraceShrinker& shrinker);
bool shrink_recorded(TraceShrinker& shrinker);
bool shrink_header(TraceShrinker& shrinker);
bool shrink_names(TraceShrinker& shrinker);
bool shrink_arguments(TraceShrinker& shrinker);
bool shrink_faults(TraceShrinker& shrinker);

}  // namespace zerotail::harness
