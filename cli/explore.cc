// zerotail explore: crash states of workloads, judged.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "enumerate.h"
#include "explore_log.h"
#include "explore_output.h"
#include "interrupt.h"
#include "minimizing.h"
#include "orderings.h"
#include "zerotail/cli/cache_options.h"
#include "zerotail/cli/fault_options.h"
#include "zerotail/harness/check.h"
#include "zerotail/harness/workloads.h"
#include "zerotail/sim/image_file.h"

namespace zerotail::cli {
namespace {

struct Options {
  std::vector<std::string> traces;
  std::vector<std::string> workloads;
  std::vector<std::string> contracts;
  std::vector<std::string> tiers;
  std::string image;
  std::string device;
  std::string ordering;
  std::string io_path;
  std::string page;
  CacheOptions cache;
  bool compare_orderings = false;
  std::string store;
  std::string shard;
  OutputOptions output;
  uint64_t budget = 4096;
  uint64_t nested = 8;
  uint64_t seed = 1;
  unsigned lost = 2;
  unsigned kept = 2;
  bool keep_free = false;
  bool list = false;
  bool resume = false;
  bool list_devices = false;
  FaultOptions faults;
  bool no_prune = false;
  LogOptions log;
  bool minimize = false;
  EnumerateChoice enumerate;
};

// Built-in workloads with a sync or dirsync mount run on both kinds of device: `sync-mount` is
// judged where there is no volatile cache.
void add_builtin(harness::Workload workload, const Options& options,
                 const harness::DeviceConfig& device, std::vector<harness::Job>* jobs) {
  const bool both = options.device.empty() && !workload.trace.header.mount.empty();
  if (both) {
    harness::DeviceConfig write_through = device;
    write_through.write_through = true;
    jobs->push_back({workload, write_through, {}, {}});
  }
  jobs->push_back({std::move(workload), device, {}, {}});
}

sim::Result<std::vector<harness::Job>> collect_jobs(const Options& options) {
  harness::DeviceConfig device;
  if (!options.device.empty()) {
    ZT_ASSIGN(device, harness::parse_device(options.device));
  }
  std::vector<harness::Job> jobs;
  for (const std::string& file : options.traces) {
    ZT_ASSIGN(harness::Trace trace, harness::load_trace(file));
    jobs.push_back({harness::workload_from_trace(std::move(trace)), device, {}, {}});
  }
  for (const std::string& name : options.workloads) {
    ZT_ASSIGN(harness::Workload workload, harness::workload_by_name(name));
    add_builtin(std::move(workload), options, device, &jobs);
  }
  if (options.traces.empty() && options.workloads.empty()) {
    for (harness::Workload& workload : harness::builtin_workloads()) {
      add_builtin(std::move(workload), options, device, &jobs);
    }
  }
  for (harness::Job& job : jobs) {
    const std::string& asked = job.workload.trace.header.ordering;
    ZT_ASSIGN(job.ordering,
              volume::parse_ordering(options.ordering.empty() ? asked : options.ordering));
    const std::string& path = job.workload.trace.header.io_path;
    ZT_ASSIGN(job.io_path, volume::parse_io_path(options.io_path.empty() ? path : options.io_path));
  }
  return jobs;
}

// Everything of an enumerated job but its workload.
sim::Result<harness::Job> enumerated_pattern(const Options& options) {
  harness::Job job;
  if (!options.device.empty()) {
    ZT_ASSIGN(job.device, harness::parse_device(options.device));
  }
  if (!options.ordering.empty()) {
    ZT_ASSIGN(job.ordering, volume::parse_ordering(options.ordering));
  }
  if (!options.io_path.empty()) {
    ZT_ASSIGN(job.io_path, volume::parse_io_path(options.io_path));
  }
  return job;
}

sim::Status apply_contracts(const Options& options, harness::ExploreOptions* explore) {
  if (options.contracts.empty()) return {};
  explore->contracts.fill(false);
  for (const std::string& name : options.contracts) {
    const auto contract = harness::contract_by_name(name);
    if (!contract) {
      return sim::Error(sim::Errno::kInval, fmt::format("--contract: unknown contract '{}'", name));
    }
    explore->contracts[static_cast<size_t>(*contract)] = true;
  }
  return {};
}

constexpr const char* kNested = "nested";

sim::Status apply_tiers(const Options& options, harness::ExploreOptions* explore) {
  explore->tiers.max_lost = options.lost;
  explore->tiers.max_kept = options.kept;
  if (options.tiers.empty()) return {};
  explore->tiers.tiers.fill(false);
  for (const std::string& name : options.tiers) {
    const bool all = name == "all";
    bool known = all;
    if (all || name == kNested) {
      explore->nested = options.nested;
      known = true;
    }
    for (size_t i = 0; i < fault::kTierCount; ++i) {
      if (!all && name != fault::tier_name(static_cast<fault::Tier>(i))) continue;
      explore->tiers.tiers[i] = true;
      known = true;
    }
    if (!known) {
      return sim::Error(sim::Errno::kInval, fmt::format("--tiers: unknown tier '{}'", name));
    }
  }
  return {};
}

// "2/4" as shard 2 of 4.
sim::Status apply_shard(const Options& options, harness::CampaignOptions* campaign) {
  if (options.shard.empty()) return {};
  const size_t slash = options.shard.find('/');
  const auto number = [](const std::string& text, uint64_t* out) {
    const auto parsed = std::from_chars(text.data(), text.data() + text.size(), *out);
    return parsed.ec == std::errc() && parsed.ptr == text.data() + text.size();
  };
  if (slash == std::string::npos || !number(options.shard.substr(0, slash), &campaign->shard) ||
      !number(options.shard.substr(slash + 1), &campaign->shards) || campaign->shard == 0 ||
      campaign->shard > campaign->shards) {
    return sim::Error(sim::Errno::kInval,
                      fmt::format("--shard: '{}' is not like 2/4 (2 of 4)", options.shard));
  }
  if (options.store.empty()) {
    return sim::Error(sim::Errno::kInval, "--shard: needs a --store, which merge reads");
  }
  return {};
}

sim::Status load_image(const Options& options, harness::RecordOptions* record) {
  if (options.image.empty()) return {};
  ZT_ASSIGN(const sim::MemDisk disk, sim::load_image(options.image, {}));
  const harness::CheckResult checked = harness::check_volume(disk);
  if (!checked.view->mountable()) {
    return sim::Error(sim::Errno::kInval, fmt::format("{}: cannot be mounted: {}", options.image,
                                                      checked.problems.front().describe()));
  }
  record->image = disk.snapshot();
  record->keep_free = options.keep_free;
  return {};
}

sim::Result<harness::CampaignOptions> campaign_options(const Options& options) {
  harness::CampaignOptions campaign;
  harness::ExploreOptions& explore = campaign.explore;
  explore.budget = options.budget;
  explore.tiers.seed = options.seed;
  explore.record.seed = options.seed;
  explore.prune = !options.no_prune;
  ZT_ASSIGN(explore.record.cache, cache_config(options.cache));
  ZT_ASSIGN(explore.record.faults, options.faults.plan());
  ZT_TRY(apply_contracts(options, &explore));
  ZT_TRY(apply_tiers(options, &explore));
  ZT_TRY(apply_shard(options, &campaign));
  if (options.resume && options.store.empty()) {
    return sim::Error(sim::Errno::kInval, "--resume: needs the --store to take up");
  }
  return campaign;
}

sim::Result<std::optional<harness::Store>> open_store(const Options& options,
                                                      const harness::CampaignConfig& config) {
  if (options.store.empty()) return std::optional<harness::Store>();
  auto store = options.resume ? harness::Store::resume(options.store, config)
                              : harness::Store::create(options.store, config);
  if (!store.ok()) return store.error();
  return std::optional<harness::Store>(std::move(*store));
}

ExitCode list_workloads(Terminal& terminal) {
  for (const harness::Workload& workload : harness::builtin_workloads()) {
    terminal.print(fmt::format("{:<28} {}\n", workload.name, workload.trace.header.about));
  }
  return ExitCode::kOk;
}

ExitCode interrupted(const Options& options, const harness::CampaignReport& report,
                     Terminal& terminal) {
  const std::string rest = options.store.empty()
                               ? std::string("nothing was kept (a --store would have)")
                               : "go on with the same command and --resume";
  terminal.note(fmt::format("interrupted: {} of {} parts done so far; {}", report.parts_done,
                            report.parts, rest));
  return ExitCode::kInterrupted;
}

ExitCode minimize_new(const Options& options, const harness::JobSource& jobs,
                      const harness::CampaignOptions& campaign,
                      const reports::ExploreReport& report, const ExploreOutputs& outputs,
                      Terminal& terminal) {
  const auto tasks = tasks_of_new(report.findings, jobs, terminal);
  if (!tasks.ok()) return terminal.fail("minimize", tasks.error());
  MinimizeSettings settings;
  settings.options.record = campaign.explore.record;
  settings.base_image = options.image;
  settings.folder = outputs.minimal_folder();
  settings.force = options.output.force;
  return minimize_into(*tasks, settings, terminal);
}

void note_speed(const harness::CampaignReport& report, Progress::Duration elapsed,
                Terminal& terminal) {
  uint64_t states = 0;
  for (const harness::WorkloadReport& workload : report.workloads) {
    states += workload.states.checked;
  }
  const double seconds = std::chrono::duration<double>(elapsed).count();
  terminal.note(fmt::format("{} states checked in {:.1f} s, {:.0f} a second", grouped(states),
                            seconds, static_cast<double>(states) / std::max(seconds, 1e-3)));
}

ExitCode explore(const Options& options, const harness::JobSource& jobs,
                 const harness::CampaignOptions& campaign, ExploreOutputs* outputs,
                 Terminal& terminal) {
  auto store = open_store(options, harness::describe(jobs, campaign));
  if (!store.ok()) return terminal.fail(options.store, store.error());
  const Interrupt interrupt;
  Progress progress(terminal, {.what = "explore", .unit = "states", .total = 0});
  const auto hook = [&](const harness::CampaignProgress& now) {
    progress.set_total(now.total);
    progress.update(now.states, now.findings);
    return !Interrupt::asked();
  };
  const auto clock = Progress::steady_clock();
  const auto begin = clock();
  auto result =
      harness::run_campaign(jobs, campaign, store->has_value() ? &**store : nullptr, hook);
  progress.finish();
  if (options.enumerate.asked() && result.ok()) note_speed(*result, clock() - begin, terminal);
  if (!result.ok()) return terminal.fail("explore", result.error());
  if (!result->complete) return interrupted(options, *result, terminal);
  reports::ExploreReport report;
  report.seed = options.seed;
  report.budget = options.budget;
  report.take(std::move(*result));
  const ExitCode code = outputs->finish(&report, terminal);
  if (!options.minimize || code != ExitCode::kNewViolations) return code;
  const ExitCode minimized = minimize_new(options, jobs, campaign, report, *outputs, terminal);
  return minimized == ExitCode::kOk ? code : minimized;
}

ExitCode compare(const Options& options, const std::vector<harness::Job>& jobs,
                 const harness::ExploreOptions& explore, Terminal& terminal) {
  std::vector<harness::LabJob> lab;
  for (const harness::Job& job : jobs) lab.push_back({job.workload, job.device, job.io_path});
  std::string command =
      "scripts/zerotail explore --compare-orderings --page " + options.page + " --force";
  if (!options.io_path.empty()) command += " --io-path " + options.io_path;
  if (!options.device.empty()) command += " --device " + options.device;
  const CompareOptions outputs{.json = options.output.json,
                               .page = options.page,
                               .command = command,
                               .force = options.output.force};
  return compare_orderings(lab, explore, outputs, terminal);
}

ExitCode list_devices(Terminal& terminal) {
  for (const fault::DeviceClass& device : fault::device_classes()) {
    terminal.print(fmt::format("{:<14} {:<14} {}\n", device.name, device.device, device.about));
  }
  return ExitCode::kOk;
}

// What a log takes nothing of: the option's name, or nothing.
const char* not_for_logs(const Options& options) {
  if (!options.traces.empty()) return "TRACE";
  if (!options.workloads.empty()) return "--workload";
  if (!options.contracts.empty()) return "--contract";
  if (!options.ordering.empty()) return "--ordering";
  if (!options.io_path.empty()) return "--io-path";
  if (!options.store.empty()) return "--store";
  if (options.compare_orderings) return "--compare-orderings";
  if (options.enumerate.asked()) return "--enumerate";
  if (options.keep_free) return "--keep-free";
  if (options.minimize) return "--minimize";
  if (!options.shard.empty()) return "--shard";
  if (options.resume) return "--resume";
  if (!options.page.empty()) return "--page";
  if (!options.cache.page_size.empty()) return "--page-size";
  if (!options.cache.folios.empty()) return "--folios";
  if (!options.faults.plans.empty()) return "--fault";
  if (!options.faults.file.empty()) return "--faults";
  return nullptr;
}

ExitCode run_log(const Options& options, Terminal& terminal) {
  if (const char* option = not_for_logs(options)) {
    terminal.error(option, "means nothing for a --log");
    return ExitCode::kBadInput;
  }
  harness::ExploreOptions explore;
  explore.tiers.seed = options.seed;
  if (const auto status = apply_tiers(options, &explore); !status.ok()) {
    return terminal.fail("explore", status.error());
  }
  return explore_log({.options = options.log,
                      .image = options.image,
                      .device = options.device,
                      .tiers = explore.tiers,
                      .budget = options.budget,
                      .check_all = options.no_prune,
                      .output = options.output},
                     terminal);
}

ExitCode explore(const Options& options, const harness::JobSource& jobs, volume::IoPath path,
                 const harness::CampaignOptions& campaign, Terminal& terminal) {
  auto outputs = ExploreOutputs::open(options.output, path);
  if (!outputs.ok()) return terminal.fail("output", outputs.error());
  if (options.minimize) {
    if (auto status = open_folder(outputs->minimal_folder(), options.output.force); !status.ok()) {
      return terminal.fail(outputs->minimal_folder(), status.error());
    }
  }
  const ExitCode code = explore(options, jobs, campaign, &*outputs, terminal);
  if (options.minimize) close_folder(outputs->minimal_folder());
  outputs->give_up();
  return code;
}

ExitCode enumerate(const Options& options, const harness::CampaignOptions& campaign,
                   Terminal& terminal) {
  if (!options.traces.empty() || !options.workloads.empty() || options.compare_orderings ||
      !options.page.empty() || !options.image.empty()) {
    terminal.error("--enumerate", "not with traces, workloads, images or orderings to compare");
    return ExitCode::kBadInput;
  }
  const auto pattern = enumerated_pattern(options);
  if (!pattern.ok()) return terminal.fail("explore", pattern.error());
  const auto sequences = Sequences::create(options.enumerate, options.seed, *pattern);
  if (!sequences.ok()) return terminal.fail("explore", sequences.error());
  if (options.list) {
    sequences->list(terminal);
    return ExitCode::kOk;
  }
  terminal.print(sequences->counts_text());
  return explore(options, sequences->jobs(), pattern->io_path, campaign, terminal);
}

ExitCode run(const Options& options, Terminal& terminal) {
  if (options.list_devices) return list_devices(terminal);
  if (options.list && !options.enumerate.asked()) return list_workloads(terminal);
  if (options.log.asked()) return run_log(options, terminal);
  auto campaign = campaign_options(options);
  if (!campaign.ok()) return terminal.fail("explore", campaign.error());
  if (options.enumerate.asked()) return enumerate(options, *campaign, terminal);
  const auto jobs = collect_jobs(options);
  if (!jobs.ok()) return terminal.fail("explore", jobs.error());
  if (auto status = load_image(options, &campaign->explore.record); !status.ok()) {
    return terminal.fail(options.image, status.error());
  }
  if (options.compare_orderings) return compare(options, *jobs, campaign->explore, terminal);
  if (!options.page.empty()) {
    terminal.error("--page", "only with --compare-orderings");
    return ExitCode::kBadInput;
  }
  const bool buffer_heads = std::any_of(jobs->begin(), jobs->end(), [](const harness::Job& job) {
    return job.io_path == volume::IoPath::kBufferHead;
  });
  return explore(options, harness::JobList(*jobs),
                 buffer_heads ? volume::IoPath::kBufferHead : volume::IoPath::kIomap, *campaign,
                 terminal);
}

void add_campaign_options(CLI::App& command, Options* options) {
  command
      .add_option("--tiers", options->tiers,
                  "Families of states, with commas between: boundary, persist, epochs, torn, "
                  "sample, nested, or all (default: all but nested)")
      ->delimiter(',');
  command.add_option("--lost", options->lost, "Tier epochs: up to so many lost")
      ->capture_default_str();
  command.add_option("--kept", options->kept, "Tier epochs: up to so many kept")
      ->capture_default_str();
  command
      .add_option("--nested", options->nested,
                  "Tier nested: crash states a workload to go on from and crash again")
      ->capture_default_str();
  command.add_flag("--no-prune", options->no_prune,
                   "Judge every state, also those known to be like another (an audit)");
  command.add_flag(
      "--minimize", options->minimize,
      "Make each new finding small afterwards, into a folder beside the report: trace, "
      "image and test (as `zerotail minimize`)");
  command.add_option("--store", options->store,
                     "Keep what is done in this file, so that the run can be taken up again");
  command.add_flag("--resume", options->resume, "Go on with the --store of an interrupted run");
  command.add_option("--shard", options->shard,
                     "I/N: do every Nth part of the work, from the Ith on, into the --store; "
                     "`zerotail merge` makes one report of all shards");
}

}  // namespace

Run setup_explore(CLI::App& command) {
  auto options = std::make_shared<Options>();
  command.add_option(
      "TRACE", options->traces,
      "Trace files to explore, or workload files in J-lang (default: the built-in workloads)");
  command.add_option("--workload", options->workloads,
                     "A built-in workload, or one by its name in an enumeration; may be repeated");
  command.add_flag("--list", options->list, "List the built-in workloads and exit");
  command.add_option("--image", options->image,
                     "Start from this exFAT image (never written) instead of a fresh volume; with "
                     "--log: the disk that the log began with");
  command.add_flag("--keep-free", options->keep_free,
                   "Keep what the image's free clusters hold instead of filling them with poison");
  command.add_option("--budget", options->budget, "Crash states a workload, at most")
      ->capture_default_str();
  command.add_option("--seed", options->seed, "Seed of every random choice")->capture_default_str();
  command.add_option("--device", options->device,
                     "The kind of device: a name (--list-devices), or vc or wt and the atomic unit "
                     "in bytes, with properties like .noflush (default: vc512)");
  command.add_flag("--list-devices", options->list_devices, "List the kinds of devices and exit");
  command.add_option("--ordering", options->ordering,
                     "The order of metadata writes: linux, careful, or rules with commas between "
                     "(default: what the trace's header says)");
  command.add_option("--io-path", options->io_path, kIoPathHelp);
  command.add_flag("--compare-orderings", options->compare_orderings,
                   "Explore under every rule of an ordering instead: what it removes and costs");
  command.add_option("--page", options->page,
                     "With --compare-orderings: write the page for maintainers there, its traces "
                     "in a folder beside it (docs/ORDERING.md was made so)");
  options->enumerate.add_to(command);
  options->faults.add_to(command);
  add_cache_options(command, &options->cache);
  command.add_option("--contract", options->contracts, "Judge this contract only; repeatable");
  add_campaign_options(command, options.get());
  options->log.add_to(command);
  add_output_options(command, &options->output);
  return [options](Terminal& terminal) { return run(*options, terminal); };
}

}  // namespace zerotail::cli
