// The baseline: findings that are known and accepted, so that a run fails on new ones only.
//
// A text file, made for review in a diff: a first line `# zerotail baseline 1`, further lines that
// begin with `#` are comments, then one finding a line, its fields separated by tabs:
//   fingerprint  contract  date (YYYY-MM-DD)  state  reason
// in the order contract, state, fingerprint. `state` is a repro id that shows the finding.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "zerotail/harness/finding.h"
#include "zerotail/sim/result.h"

namespace zerotail::harness {

struct BaselineEntry {
  std::string fingerprint;
  Contract contract = Contract::kMountable;
  std::string date;
  std::string state;
  std::string reason;
};

class Baseline {
 public:
  Baseline() = default;
  // Errors name the file and the line.
  [[nodiscard]] static sim::Result<Baseline> parse(std::string_view text,
                                                   const std::string& file_name);
  [[nodiscard]] static sim::Result<Baseline> load(const std::string& file_name);
  [[nodiscard]] std::string print() const;

  [[nodiscard]] const BaselineEntry* find(const std::string& fingerprint) const;
  // Keeps the date and reason of an entry that is already there.
  void add(BaselineEntry entry);
  [[nodiscard]] const std::map<std::string, BaselineEntry>& entries() const { return entries_; }

 private:
  std::map<std::string, BaselineEntry> entries_;  // by fingerprint
};

}  // namespace zerotail::harness
