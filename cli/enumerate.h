// `zerotail explore --enumerate`: which sequences, as jobs or as a list.
#pragma once

#include <CLI/CLI.hpp>
#include <memory>
#include <string>

#include "zerotail/cli/commands.h"
#include "zerotail/harness/enumerate.h"

namespace zerotail::cli {

struct EnumerateChoice {
  unsigned length = 0;  // steps; 0: no enumeration
  uint64_t sample = 0;  // 0: all, of length 3 a default number
  std::string sector;   // sizes as people write them; empty: the default
  std::string cluster;

  void add_to(CLI::App& command);
  [[nodiscard]] bool asked() const { return length != 0; }
};

// The enumeration that was asked for, and the sequences drawn from it.
class Sequences {
 public:
  // `seed` draws the sample; `pattern` is everything of a job but its workload. EINVAL.
  [[nodiscard]] static sim::Result<Sequences> create(const EnumerateChoice& choice, uint64_t seed,
                                                     const harness::Job& pattern);
  [[nodiscard]] const harness::JobSource& jobs() const { return *jobs_; }
  // One line a sequence, number and name; then the counts.
  void list(Terminal& terminal) const;
  // How many there are, how many of them are chosen, what was dropped by which rule.
  [[nodiscard]] std::string counts_text() const;

 private:
  std::unique_ptr<harness::Enumeration> enumeration_;
  std::unique_ptr<harness::EnumeratedJobs> jobs_;
  std::optional<std::vector<uint64_t>> numbers_;
  harness::EnumerateOptions options_;
};

}  // namespace zerotail::cli
