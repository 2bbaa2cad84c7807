// One crash state of a log, for repro and export.
#pragma once

#include <string>

#include "log_options.h"

namespace zerotail::cli {

struct LogStateOptions {
  LogInput input;
  CheckOptions check;
};
// `base`: the disk that the log began with. Judges the state, prints what the checker says.
ExitCode repro_log_state(const std::string& id, const LogStateOptions& options,
                         const std::string& base, Terminal& terminal);
// Writes the state to the image file `to`.
ExitCode export_log_state(const std::string& id, const LogInput& input, const std::string& base,
                          const std::string& to, bool force, Terminal& terminal);

}  // namespace zerotail::cli
