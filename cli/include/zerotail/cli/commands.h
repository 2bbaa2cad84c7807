// The sub-commands of `zerotail` and what they share: exit codes, the shape of an entry.
//
// One sub-command is one file, cli/<name>.cc, with one function `setup_<name>` declared at the end
// of this header and one line in the table of cli/main.cc. The setup declares options on the
// sub-command that it is given and returns what runs after a successful parse; options live in a
// struct that the returned function shares (cli/README.md shows one).
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <string>

#include "zerotail/cli/terminal.h"

namespace zerotail::cli {

// What the process tells its caller. Numbers are part of the interface; 3 is not used.
enum class ExitCode : int {
  kOk = 0,  // done; nothing new found
  // explore, repro: a violation that the baseline does not list; golden: a difference; atlas
  // --fault: it is silent
  kNewViolations = 1,
  kBadInput = 2,       // usage, unreadable or unusable input, output that cannot be written
  kCheckErrors = 4,    // check: the volume was judged and has errors
  kInterrupted = 130,  // explore: stopped by the user; a store can be taken up again
};

// Of --io-path, where a trace's header may say it.
inline constexpr const char* kIoPathHelp =
    "How file data moves: iomap, or buffer-head as before it (default: what the header says)";

using Run = std::function<ExitCode(Terminal&)>;

struct Command {
  const char* name;
  const char* summary;  // one line of `zerotail --help`
  Run (*setup)(CLI::App& command);
};

[[nodiscard]] Run setup_mkfs(CLI::App& command);
[[nodiscard]] Run setup_run(CLI::App& command);
[[nodiscard]] Run setup_check(CLI::App& command);
[[nodiscard]] Run setup_golden(CLI::App& command);
[[nodiscard]] Run setup_import(CLI::App& command);
[[nodiscard]] Run setup_explore(CLI::App& command);
[[nodiscard]] Run setup_property(CLI::App& command);
[[nodiscard]] Run setup_atlas(CLI::App& command);
[[nodiscard]] Run setup_record(CLI::App& command);
[[nodiscard]] Run setup_merge(CLI::App& command);
[[nodiscard]] Run setup_barriers(CLI::App& command);
[[nodiscard]] Run setup_contracts(CLI::App& command);
[[nodiscard]] Run setup_repro(CLI::App& command);
[[nodiscard]] Run setup_minimize(CLI::App& command);
[[nodiscard]] Run setup_export(CLI::App& command);

}  // namespace zerotail::cli
