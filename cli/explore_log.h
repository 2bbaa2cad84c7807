// zerotail explore --log: crash states of an imported log under a checker from outside.
#pragma once

#include <string>

#include "explore_output.h"
#include "log_options.h"

namespace zerotail::cli {

// What only this mode has.
struct LogOptions {
  LogInput input;
  CheckOptions check;
  unsigned jobs = 0;  // 0: as many as there are cores
  bool check_writes = false;
  bool stats = false;
  bool barriers = false;
  void add_to(CLI::App& command);
  [[nodiscard]] bool asked() const { return !input.log.empty() || !check.command.empty(); }
};

// What `explore` has in every mode.
struct LogRun {
  const LogOptions& options;
  std::string image;
  std::string device;  // empty: one that writes sectors of the log atomically
  fault::EnumerationOptions tiers;
  uint64_t budget = 0;
  bool check_all = false;
  const OutputOptions& output;
};
ExitCode explore_log(const LogRun& run, Terminal& terminal);

}  // namespace zerotail::cli
