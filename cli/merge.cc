// zerotail merge: one report from the stores of all shards, or of one run.
#include <cstdlib>

#include "explore_output.h"

namespace zerotail::cli {
namespace {

struct Options {
  std::vector<std::string> stores;
  OutputOptions output;
};

uint64_t number_of(const harness::CampaignConfig& config, const std::string& name) {
  for (const auto& [key, value] : config) {
    if (key == name) return std::strtoull(value.c_str(), nullptr, 10);
  }
  return 0;
}

ExitCode run(const Options& options, Terminal& terminal) {
  std::vector<harness::Store> stores;
  for (const std::string& path : options.stores) {
    auto store = harness::Store::open(path);
    if (!store.ok()) return terminal.fail(path, store.error());
    stores.push_back(std::move(*store));
  }
  auto merged = harness::merge_stores(stores);
  if (!merged.ok()) return terminal.fail("merge", merged.error());
  auto path = volume::IoPath::kIomap;
  for (const auto& [name, value] : stores.front().config()) {
    if (value.find(harness::kOnBufferHeads) != std::string::npos)
      path = volume::IoPath::kBufferHead;
  }
  auto outputs = ExploreOutputs::open(options.output, path);
  if (!outputs.ok()) return terminal.fail("output", outputs.error());
  reports::ExploreReport report;
  report.seed = number_of(stores.front().config(), "seed");
  report.budget = number_of(stores.front().config(), "budget");
  report.take(std::move(*merged));
  const ExitCode code = outputs->finish(&report, terminal);
  outputs->give_up();
  return code;
}

}  // namespace

Run setup_merge(CLI::App& command) {
  auto options = std::make_shared<Options>();
  command.add_option("STORE", options->stores, "The stores of all shards of a run")->required();
  add_output_options(command, &options->output);
  return [options](Terminal& terminal) { return run(*options, terminal); };
}

}  // namespace zerotail::cli
