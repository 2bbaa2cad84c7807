// The command line: a table of sub-commands, and the errors that all of them share.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <vector>

#include "zerotail/cli/commands.h"

namespace zerotail::cli {
namespace {

// A new sub-command is one file and one line here, in the order of `zerotail --help`.
const std::vector<Command>& commands() {
  static const std::vector<Command> table = {
      {"mkfs", "Make an image file with an exFAT volume, as mkfs.exfat does", setup_mkfs},
      {"run", "Run the operations of a trace and print their results", setup_run},
      {"check", "Check the exFAT volume in an image file", setup_check},
      {"golden", "Compare the core with recordings of a real kernel", setup_golden},
      {"import", "Make a trace from a workload file in J-lang", setup_import},
      {"record", "Write what a workload's disk is told as a dm-log-writes log", setup_record},
      {"explore", "Explore the crash states of workloads", setup_explore},
      {"atlas", "Try every kind of fault on every structure of a volume", setup_atlas},
      {"property", "Run random operations and judge all that must hold", setup_property},
      {"merge", "Make one report from the stores of a sharded exploration", setup_merge},
      {"barriers", "Say which flushes of a workload matter, and which are missing", setup_barriers},
      {"contracts", "Judge every operation on every kind of device", setup_contracts},
      {"repro", "Rebuild one crash state and judge it again", setup_repro},
      {"minimize", "Make a finding small, with a trace, an image and a test that show it",
       setup_minimize},
      {"export", "Write one crash state as an image file", setup_export},
  };
  return table;
}

size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({replaced, row[j] + 1, row[j - 1] + 1});
    }
  }
  return row[b.size()];
}

// ", did you mean X?" when a known name is close, otherwise where to look.
std::string hint(std::string_view wrong, const std::vector<std::string>& known,
                 const std::string& help) {
  const std::string* best = nullptr;
  size_t best_distance = wrong.size() / 3 + 1;
  for (const std::string& name : known) {
    const bool prefix = wrong.size() > 3 && name.substr(0, wrong.size()) == wrong;
    const size_t distance = prefix ? 0 : edit_distance(wrong, name);
    if (distance < best_distance) {
      best = &name;
      best_distance = distance;
    }
  }
  if (best != nullptr) return fmt::format("; did you mean {}?", *best);
  return fmt::format("; see `{}`", help);
}

std::vector<std::string> option_names(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::Option* option : app.get_options()) {
    for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
  }
  return names;
}

std::vector<std::string> command_names() {
  std::vector<std::string> names;
  for (const Command& command : commands()) names.emplace_back(command.name);
  return names;
}

// The words that nothing took: names the first of them. What CLI11 says otherwise may complain of
// something that is missing only because a word before it was misspelt.
bool explain_unknown_word(const CLI::App& app, Terminal& terminal) {
  const auto parsed = app.get_subcommands();
  const CLI::App& place = parsed.empty() ? app : *parsed.front();
  auto words = place.remaining();
  if (words.empty()) words = app.remaining();
  if (words.empty()) return false;
  const auto option =
      std::find_if(words.begin(), words.end(), [](const auto& w) { return w.substr(0, 1) == "-"; });
  const std::string help =
      parsed.empty() ? "zerotail --help" : fmt::format("zerotail {} --help", place.get_name());
  if (option != words.end()) {
    const std::string name = option->substr(0, option->find('='));
    terminal.error(name, "unknown option" + hint(name, option_names(place), help));
  } else if (parsed.empty()) {
    terminal.error(words.front(), "unknown command" + hint(words.front(), command_names(), help));
  } else {
    terminal.error(words.front(), fmt::format("unexpected argument; see `{}`", help));
  }
  return true;
}

ExitCode explain_parse_error(const CLI::App& app, const CLI::ParseError& error,
                             Terminal& terminal) {
  if (explain_unknown_word(app, terminal)) return ExitCode::kBadInput;
  const auto parsed = app.get_subcommands();
  const std::string thing = parsed.empty() ? "command line" : parsed.front()->get_name();
  const std::string help = parsed.empty() ? "zerotail --help" : "zerotail " + thing + " --help";
  terminal.error(thing, fmt::format("{}; see `{}`", error.what(), help));
  return ExitCode::kBadInput;
}

// CLI11 reads -1 into an unsigned number as a very large one, and a number that is too large as the
// largest there is; here both are refused.
void refuse_strange_counts(CLI::App& command) {
  for (CLI::Option* option : command.get_options()) {
    if (option->get_type_name() != "UINT") continue;
    option->check([](const std::string& text) {
      uint64_t number = 0;
      const char* end = text.data() + text.size();
      const auto parsed = std::from_chars(text.data(), end, number);
      if (parsed.ec == std::errc() && parsed.ptr == end) return std::string();
      return fmt::format("'{}' is no whole number, or too large", text);
    });
  }
}

ExitCode run(int argc, char** argv, Terminal& terminal) {
  CLI::App app{
      "Crash and property tests for an exFAT file system on iomap, on a simulated disk.\n"
      "Exit codes: 0 nothing new, 1 new violations, 2 usage or input error, 4 check found errors,\n"
      "130 interrupted.",
      "zerotail"};
  app.set_version_flag("--version", "zerotail " ZEROTAIL_VERSION, "Print the version and exit");
  app.set_help_flag("--help", "Print this help and exit");
  app.require_subcommand(1);
  bool quiet = false;
  std::vector<Run> runs;
  std::vector<const CLI::App*> parsers;
  for (const Command& command : commands()) {
    CLI::App* parser = app.add_subcommand(command.name, command.summary);
    runs.push_back(command.setup(*parser));
    refuse_strange_counts(*parser);
    parser->add_flag("--quiet", quiet, "No progress and no notes, only results and errors");
    parsers.push_back(parser);
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp&) {
    const auto parsed = app.get_subcommands();
    terminal.print(parsed.empty() ? app.help() : parsed.front()->help("zerotail"));
    return ExitCode::kOk;
  } catch (const CLI::CallForVersion& version) {
    terminal.print(fmt::format("{}\n", version.what()));
    return ExitCode::kOk;
  } catch (const CLI::ParseError& error) {
    return explain_parse_error(app, error, terminal);
  }
  terminal.set_quiet(quiet);
  for (size_t i = 0; i < runs.size(); ++i) {
    if (parsers[i]->parsed()) return runs[i](terminal);
  }
  return ExitCode::kBadInput;
}

}  // namespace
}  // namespace zerotail::cli

int main(int argc, char** argv) {
  using namespace zerotail::cli;
  Terminal terminal(stdout, stderr, Terminal::detect(stdout, stderr));
  const ExitCode code = run(argc, argv, terminal);
  if (!terminal.flush()) {
    terminal.error("standard output", "could not be written");
    return static_cast<int>(ExitCode::kBadInput);
  }
  return static_cast<int>(code);
}
