// What each rule of an ordering (exfat/ordering.h) is worth, and what it costs.
//
// Workloads are explored under the linux ordering, under each rule alone, under all rules but one,
// and under all: what linux shows and an ordering does not, it removes. For the findings of linux
// with one cause the rule is sought that removes most of them, the cheaper one of two, and a set of
// rules where none does alone. Findings with one cause and one cure make a weakness, shown by a
// trace from which no operation can be left out. Costs come from the log of what was written.
// Deterministic.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "zerotail/harness/explore.h"

namespace zerotail::harness {

struct LabJob {
  Workload workload;
  DeviceConfig device;
  volume::IoPath io_path = volume::IoPath::kIomap;
};
// Every built-in workload; those with mount options also on a write-through device.
[[nodiscard]] std::vector<LabJob> builtin_jobs();

// A device that serves one request after the other, so that its time is a sum: about an SD card.
struct CostModel {
  uint64_t request_ns = 200'000;
  uint64_t byte_ns = 40;  // 25 MB/s
  uint64_t flush_ns = 2'000'000;
};

// What operations wrote.
struct IoCost {
  uint64_t operations = 0;
  uint64_t requests = 0;  // writes and discards
  uint64_t flushes = 0;   // flushes and PREFLUSHes
  uint64_t bytes = 0;     // of writes
  uint64_t nanoseconds = 0;
  void add(const IoCost& other);
};
// By the operation's name in traces; "umount" for the last one.
using CostByOperation = std::map<std::string, IoCost>;
[[nodiscard]] CostByOperation cost_of(const Recording& recording, const CostModel& model = {});
[[nodiscard]] IoCost total(const CostByOperation& costs);

// Workloads under one ordering.
struct LabRun {
  volume::Ordering ordering;
  FindingSet findings;
  CostByOperation costs;
};
[[nodiscard]] sim::Result<LabRun> run_ordering(const std::vector<LabJob>& jobs,
                                               volume::Ordering ordering,
                                               const ExploreOptions& options);

// A finding in a small: a trace from which no operation can be left out.
struct LabExample {
  Workload workload;
  Finding finding;
  std::string description;  // of the crash state, for people
};
// What an example must keep showing beside the finding under the ordering of `options`.
struct LabGoal {
  std::optional<volume::Ordering> gone_with;   // an ordering under which it is not there
  std::optional<volume::Ordering> shown_with;  // one under which it is there, too
};
// The smallest trace, found by leaving out operations one at a time, that still shows the finding
// (contract, kind and path) and keeps to the goal.
[[nodiscard]] sim::Result<LabExample> shrink_example(const LabJob& job, const Finding& finding,
                                                     const ExploreOptions& options,
                                                     const LabGoal& goal = {});

struct RuleWorth {
  volume::Rule rule;
  std::vector<std::string> removes;  // fingerprints: shown by linux, not with this rule
  std::vector<std::string> adds;     // shown with this rule, not by linux
  std::vector<std::string> only;     // removed by all rules together, not without this one
  CostByOperation costs;             // alone
};

struct Weakness {
  std::string reason;
  std::optional<volume::Ordering> cure;  // removes all of it; nothing: none does
  std::vector<std::string> findings;     // fingerprints
  LabExample example;                    // under linux
};

struct LabReport {
  LabRun linux_run;
  LabRun careful_run;
  std::vector<RuleWorth> rules;
  std::vector<Weakness> weaknesses;  // the contracts' order, then the number of findings
};
// The hook hears how many of how many explorations are done; false stops with an error.
using LabHook = std::function<bool(size_t done, size_t all)>;
[[nodiscard]] sim::Result<LabReport> compare_orderings(const std::vector<LabJob>& jobs,
                                                       const ExploreOptions& options,
                                                       const LabHook& hook = {});

}  // namespace zerotail::harness
