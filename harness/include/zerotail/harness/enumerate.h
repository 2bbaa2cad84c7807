// Bounded exhaustive enumeration: every sequence of one, two or three steps over a small set of
// names, with offsets and lengths at the boundaries of exFAT (docs/ENUMERATION.md has the rules).
//
// A step is an operation and the persistence operation that follows it. What the steps need (files
// with a size and a valid size that differ, directories) is made in the setup, which is not
// explored. Sequences that are equivalent to one that is enumerated are dropped, and counted by the
// rule that dropped them. A sequence has a number (its place in the list) and a name from which its
// trace is built again: the name stays when rules or numbers change.
//
// Invariants: no two sequences have the same trace; every operation of every sequence succeeds.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "zerotail/harness/campaign.h"

namespace zerotail::harness {

inline constexpr unsigned kMaxEnumeratedLength = 3;

struct EnumerateOptions {
  unsigned length = 1;      // steps
  uint64_t sector = 512;    // of the volume, bytes
  uint64_t cluster = 8192;  // bytes: larger than a page, so that their boundaries differ
};

// Why a candidate is dropped.
enum class DropRule : uint8_t {
  kSymmetricNames,   // the same with the names f and g, or d/f and d/g, exchanged
  kSameArguments,    // another pair of positions gives the same numbers
  kSamePersistence,  // another persistence operation does the same there, or it does nothing
  kNoEffect,         // refused, or changes nothing
};
inline constexpr size_t kDropRuleCount = 4;
[[nodiscard]] const char* describe(DropRule rule);

struct EnumerationCounts {
  uint64_t sequences = 0;
  // Candidates dropped at any step. One that is dropped before the last step stands for all its
  // continuations.
  std::array<uint64_t, kDropRuleCount> dropped{};
};

class Enumeration {
 public:
  // EINVAL: a length or geometry that cannot be.
  [[nodiscard]] static sim::Result<std::unique_ptr<Enumeration>> create(
      const EnumerateOptions& options);
  ~Enumeration();
  Enumeration(const Enumeration&) = delete;
  Enumeration& operator=(const Enumeration&) = delete;

  [[nodiscard]] const EnumerationCounts& counts() const;
  // By number, below counts().sequences. Going through them in order is fast.
  [[nodiscard]] std::string name(uint64_t number) const;
  [[nodiscard]] Workload workload(uint64_t number) const;
  // `count` numbers drawn from the seed without repetition, ascending; all of them when there are
  // not more.
  [[nodiscard]] std::vector<uint64_t> sample(uint64_t count, uint64_t seed) const;

 private:
  struct Impl;
  explicit Enumeration(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

// True of names that begin as those of enumerated sequences do.
[[nodiscard]] bool is_enumerated(std::string_view name);
// The workload of that name. EINVAL: says which word is wrong.
[[nodiscard]] sim::Result<Workload> enumerated_workload(std::string_view name);
// Any workload that needs no other file: built in, or enumerated.
[[nodiscard]] sim::Result<Workload> workload_by_name(std::string_view name);

// The sequences as the jobs of a campaign, made when they are asked for.
class EnumeratedJobs : public JobSource {
 public:
  // `numbers`: which of them; all when absent. The enumeration is borrowed. `pattern` gives
  // everything of a job but the workload.
  EnumeratedJobs(const Enumeration& enumeration, EnumerateOptions options,
                 std::optional<std::vector<uint64_t>> numbers, Job pattern);
  [[nodiscard]] size_t size() const override;
  [[nodiscard]] Job job(size_t index) const override;
  void describe(CampaignConfig* config) const override;
  [[nodiscard]] bool whole_jobs() const override { return true; }

 private:
  const Enumeration& enumeration_;
  EnumerateOptions options_;
  std::optional<std::vector<uint64_t>> numbers_;
  Job pattern_;
};

}  // namespace zerotail::harness
