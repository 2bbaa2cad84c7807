// zerotail contracts: which contract holds for which operation on which kind of device.
#include <fmt/format.h>

#include <algorithm>

#include "zerotail/cli/commands.h"
#include "zerotail/cli/output_file.h"
#include "zerotail/fault/device_class.h"
#include "zerotail/reports/contract_report.h"

namespace zerotail::cli {
namespace {

struct Options {
  std::vector<std::string> operations;
  std::vector<std::string> devices;
  std::string ordering = "linux";
  std::string io_path = "iomap";
  std::string json;
  std::string page;
  uint64_t budget = harness::ContractOptions{}.budget;
  uint64_t torn_budget = harness::ContractOptions{}.torn_budget;
  uint64_t seed = 1;
  bool force = false;
};

sim::Status write_file(const std::string& path, std::string_view text, bool force) {
  ZT_ASSIGN(OutputFile file, OutputFile::open(path, force));
  ZT_TRY(file.write(text));
  return file.commit();
}

sim::Result<harness::ContractChoice> choice_of(const Options& options) {
  harness::ContractChoice choice;
  for (const std::string& name : options.operations) {
    const auto all = harness::contract_operations();
    const auto found = std::find_if(all.begin(), all.end(), [&name](const harness::Workload& one) {
      return one.name == name || one.name == "op-" + name;
    });
    if (found == all.end()) {
      return sim::Error(sim::Errno::kInval, "--operation: no operation '" + name + "'");
    }
    choice.operations.push_back(*found);
  }
  for (const std::string& device : options.devices) {
    ZT_TRY(harness::parse_device(device));
    choice.devices.push_back(device);
  }
  return choice;
}

// Operation by contract: on how many devices it holds.
std::string summary(const std::vector<harness::ContractRow>& rows) {
  std::string text = fmt::format("{:<22}", "unbroken on devices");
  for (size_t i = 0; i + 1 < harness::kContractCount; ++i) {
    text += fmt::format(" {:>10}", contract_info(static_cast<harness::Contract>(i)).name);
  }
  text += "\n";
  for (size_t at = 0; at < rows.size();) {
    size_t end = at;
    while (end < rows.size() && rows[end].operation == rows[at].operation) ++end;
    text += fmt::format("{:<22}",
                        rows[at].operation.substr(rows[at].operation.rfind("op-", 0) == 0 ? 3 : 0));
    for (size_t i = 0; i + 1 < harness::kContractCount; ++i) {
      size_t holds = 0;
      size_t all = 0;
      bool sampled = false;
      for (size_t row = at; row < end; ++row) {
        const std::string word =
            reports::contract_word(rows[row], static_cast<harness::Contract>(i));
        all += word == "-" ? 0 : 1;
        holds += word.starts_with("yes") ? 1 : 0;
        sampled = sampled || word == "yes*";
      }
      const std::string cell =
          all == 0 ? "-" : fmt::format("{}/{}{}", holds, all, sampled ? "*" : "");
      text += fmt::format(" {:>10}", cell);
    }
    text += "\n";
    at = end;
  }
  return text;
}

ExitCode run(const Options& options, Terminal& terminal) {
  const auto ordering = volume::parse_ordering(options.ordering);
  if (!ordering.ok()) return terminal.fail("--ordering", ordering.error());
  const auto io_path = volume::parse_io_path(options.io_path);
  if (!io_path.ok()) return terminal.fail("--io-path", io_path.error());
  const auto choice = choice_of(options);
  if (!choice.ok()) return terminal.fail("contracts", choice.error());
  for (const std::string& path : {options.json, options.page}) {
    if (path.empty()) continue;
    const auto place = OutputFile::open(path, options.force);
    if (!place.ok()) return terminal.fail(path, place.error());
  }
  Progress progress(terminal, {.what = "contracts", .unit = "cells", .total = 0});
  const harness::ContractOptions table{*ordering, *io_path, options.budget, options.torn_budget,
                                       options.seed};
  const auto rows = contract_table(*choice, table, [&progress](size_t done, size_t all) {
    progress.set_total(all);
    progress.update(done, 0);
    return true;
  });
  progress.finish();
  if (!rows.ok()) return terminal.fail("contracts", rows.error());
  terminal.print(summary(*rows));
  if (!options.json.empty()) {
    const auto written = write_file(options.json, reports::contracts_to_json(*rows), options.force);
    if (!written.ok()) return terminal.fail(options.json, written.error());
  }
  if (!options.page.empty()) {
    std::string command = "scripts/zerotail contracts --page " + options.page + " --force";
    if (!ordering->none()) command += " --ordering " + volume::print(*ordering);
    if (*io_path != volume::IoPath::kIomap)
      command += fmt::format(" --io-path {}", volume::print(*io_path));
    const auto written =
        write_file(options.page, reports::contracts_to_page(*rows, command), options.force);
    if (!written.ok()) return terminal.fail(options.page, written.error());
  }
  return ExitCode::kOk;
}

}  // namespace

Run setup_contracts(CLI::App& command) {
  auto options = std::make_shared<Options>();
  command.add_option("--operation", options->operations,
                     "Judge this operation only (harness/contract_operations); repeatable");
  command.add_option("--device", options->devices,
                     "Judge this kind of device only; repeatable (default: every class)");
  command
      .add_option("--ordering", options->ordering,
                  "The order of metadata writes: linux, careful, or rules with commas between")
      ->capture_default_str();
  command.add_option("--budget", options->budget, "Crash states a crash point, at most")
      ->capture_default_str();
  command
      .add_option("--torn-budget", options->torn_budget,
                  "The same on devices that tear or damage what is being written")
      ->capture_default_str();
  command.add_option("--io-path", options->io_path, kIoPathHelp)->capture_default_str();
  command.add_option("--seed", options->seed, "Seed of every random choice")->capture_default_str();
  command.add_option("--json", options->json, "Write the table there, with a state for every no");
  command.add_option("--page", options->page,
                     "Write it as a page there (docs/CRASH-CONTRACTS.md was made so)");
  command.add_flag("--force", options->force, "Overwrite existing outputs");
  return [options](Terminal& terminal) { return run(*options, terminal); };
}

}  // namespace zerotail::cli
