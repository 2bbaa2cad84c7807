// zerotail minimize: a finding made small, with everything needed to show it again.
#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "interrupt.h"
#include "minimizing.h"
#include "source_options.h"
#include "zerotail/harness/enumerate.h"
#include "zerotail/harness/workloads.h"

namespace zerotail::cli {
namespace {

struct Options {
  std::string what;
  std::vector<std::string> workloads;
  std::string device;
  std::string ordering;
  std::string io_path;
  std::string finding;
  std::string expect;
  std::string out;
  uint64_t states = harness::MinimiseOptions{}.states;
  uint64_t seed = 1;
  bool every = false;
  bool table = false;
  bool force = false;
  SourceOptions source;
};

bool is_repro_id(const std::string& text) { return text.rfind("zt1:", 0) == 0; }

sim::Error bad(std::string what) { return sim::Error(sim::Errno::kInval, std::move(what)); }

// Fingerprint, group, or contract, as --finding has it; everything when it is empty.
bool chosen(const harness::Finding& finding, const std::string& choice) {
  return choice.empty() || choice == finding.fingerprint || choice == finding.group ||
         choice == harness::contract_info(finding.violation.contract).name;
}

// The gravest one of a state, unless more are asked for.
sim::Result<std::vector<MinimizeTask>> tasks_of_id(const Options& options,
                                                   const harness::RecordOptions& record) {
  ZT_ASSIGN(const harness::ReproId id, harness::parse_repro_id(options.what));
  ZT_ASSIGN(const harness::Workload workload, options.source.workload(id));
  ZT_ASSIGN(std::vector<harness::Finding> findings, harness::findings_of(workload, id, record));
  std::stable_sort(findings.begin(), findings.end(), [](const auto& a, const auto& b) {
    return a.violation.contract < b.violation.contract;
  });
  std::vector<MinimizeTask> tasks;
  for (harness::Finding& finding : findings) {
    if (!chosen(finding, options.finding)) continue;
    tasks.push_back({workload, id, std::move(finding), false});
    if (!options.every) break;
  }
  return tasks;
}

sim::Result<std::vector<harness::Workload>> workloads_of(const Options& options) {
  std::vector<harness::Workload> workloads;
  if (!options.what.empty()) {
    ZT_ASSIGN(harness::Trace trace, harness::load_trace(options.what));
    workloads.push_back(harness::workload_from_trace(std::move(trace)));
  }
  for (const std::string& name : options.workloads) {
    if (name == "all") {
      for (harness::Workload& one : harness::builtin_workloads()) {
        workloads.push_back(std::move(one));
      }
      continue;
    }
    ZT_ASSIGN(harness::Workload workload, harness::workload_by_name(name));
    workloads.push_back(std::move(workload));
  }
  return workloads;
}

sim::Status configure(const Options& options, const harness::Workload& workload,
                      harness::RecordOptions* record) {
  const harness::TraceHeader& header = workload.trace.header;
  if (!options.device.empty()) {
    ZT_ASSIGN(record->device, harness::parse_device(options.device));
  }
  ZT_ASSIGN(record->ordering,
            volume::parse_ordering(options.ordering.empty() ? header.ordering : options.ordering));
  ZT_ASSIGN(record->io_path,
            volume::parse_io_path(options.io_path.empty() ? header.io_path : options.io_path));
  record->seed = options.seed;
  return {};
}

// Appends the findings of one exploration; the first of each group unless all are asked for.
sim::Status explore_for_tasks(const Options& options, const harness::Workload& workload,
                              const harness::RecordOptions& record, std::set<std::string>* groups,
                              std::vector<MinimizeTask>* tasks) {
  harness::ExploreOptions explore;
  explore.record = record;
  explore.tiers.seed = options.seed;
  harness::FindingSet findings;
  ZT_TRY(harness::explore(workload, explore, &findings));
  for (const harness::Finding& finding : findings.findings()) {
    if (!chosen(finding, options.finding)) continue;
    if (!groups->insert(finding.group).second && !options.every) continue;
    ZT_ASSIGN(harness::ReproId id,
              harness::parse_repro_id(finding.repro.substr(finding.repro.rfind(' ') + 1)));
    tasks->push_back({workload, std::move(id), finding, false});
  }
  return {};
}

// Workloads with mount options also on a device without a cache, as explore does.
sim::Result<std::vector<MinimizeTask>> tasks_of_workloads(const Options& options,
                                                          const harness::RecordOptions& record) {
  ZT_ASSIGN(const std::vector<harness::Workload> workloads, workloads_of(options));
  std::vector<MinimizeTask> tasks;
  std::set<std::string> groups;
  for (const harness::Workload& workload : workloads) {
    harness::RecordOptions one = record;
    ZT_TRY(configure(options, workload, &one));
    const bool builtin = options.what.empty();
    if (builtin && options.device.empty() && !workload.trace.header.mount.empty()) {
      one.device.write_through = true;
      ZT_TRY(explore_for_tasks(options, workload, one, &groups, &tasks));
      one.device.write_through = false;
    }
    ZT_TRY(explore_for_tasks(options, workload, one, &groups, &tasks));
  }
  return tasks;
}

// Whether the tests expect the findings to be there.
void set_known(const Options& options, std::vector<MinimizeTask>* tasks) {
  for (MinimizeTask& task : *tasks) {
    const harness::Baseline baseline = harness::shipped_baseline(task.id.io_path);
    task.known = options.expect.empty() ? baseline.find(task.finding.fingerprint) != nullptr
                                        : options.expect == "shown";
  }
}

sim::Result<std::vector<MinimizeTask>> collect(const Options& options,
                                               const harness::RecordOptions& record) {
  if (options.what.empty() && options.workloads.empty()) {
    return bad("give a repro id, a trace file or --workload");
  }
  if (!options.expect.empty() && options.expect != "shown" && options.expect != "gone") {
    return bad(fmt::format("--expect: '{}' is neither shown nor gone", options.expect));
  }
  if (!is_repro_id(options.what)) return tasks_of_workloads(options, record);
  for (const auto& [name, value] :
       {std::pair<const char*, const std::string*>{"--device", &options.device},
        {"--ordering", &options.ordering},
        {"--io-path", &options.io_path}}) {
    if (!value->empty()) return bad(std::string(name) + ": the repro id says it already");
  }
  return tasks_of_id(options, record);
}

ExitCode minimize(const Options& options, const MinimizeSettings& settings, Terminal& terminal) {
  auto tasks = collect(options, settings.options.record);
  if (!tasks.ok()) return terminal.fail("minimize", tasks.error());
  set_known(options, &*tasks);
  if (tasks->empty()) {
    const std::string what = options.what.empty() ? "the workloads" : options.what;
    terminal.error(
        what, options.finding.empty() ? "shows no finding" : "shows no finding " + options.finding);
    return ExitCode::kBadInput;
  }
  if (options.table) return minimize_table(*tasks, settings, terminal);
  return minimize_into(*tasks, settings, terminal);
}

ExitCode run(const Options& options, Terminal& terminal) {
  MinimizeSettings settings;
  settings.folder = options.out.empty() ? fresh_minimize_folder() : options.out;
  settings.force = options.force;
  settings.base_image = options.source.base_image;
  settings.options.states = options.states;
  const auto record = options.source.record();
  if (!record.ok()) return terminal.fail("minimize", record.error());
  settings.options.record = *record;
  if (options.table) return minimize(options, settings, terminal);
  // Refused before the work starts.
  if (auto status = open_folder(settings.folder, options.force); !status.ok()) {
    return terminal.fail("--out", status.error());
  }
  const ExitCode code = minimize(options, settings, terminal);
  close_folder(settings.folder);
  return code;
}

}  // namespace

Run setup_minimize(CLI::App& command) {
  auto options = std::make_shared<Options>();
  command.add_option("CASE", options->what, "A repro id, or a trace file to explore");
  command.add_option("--workload", options->workloads,
                     "Explore this built-in workload, or all; repeatable");
  options->source.add_to(command);
  command.add_option("--device", options->device, "For traces: the kind of device (vc512)");
  command.add_option("--ordering", options->ordering, "For traces: the order of metadata writes");
  command.add_option("--io-path", options->io_path, kIoPathHelp);
  command.add_option("--seed", options->seed, "For traces: seed of every random choice")
      ->capture_default_str();
  command.add_option("--finding", options->finding,
                     "Only findings of this fingerprint, group or contract");
  command.add_flag("--every", options->every,
                   "Every finding of the state or trace, not the gravest one or one of each group");
  command.add_option("--expect", options->expect,
                     "What the tests expect: shown (a weakness that stays) or gone (default: shown "
                     "for findings of the shipped baseline)");
  command.add_option("--states", options->states, "Crash states judged for one finding, at most")
      ->capture_default_str();
  command.add_option("--out", options->out,
                     "Folder for the results (default: a new one below out/minimize)");
  command.add_flag("--table", options->table,
                   "Write nothing; print how small findings get, at what cost");
  command.add_flag("--force", options->force, "Overwrite existing outputs");
  return [options](Terminal& terminal) { return run(*options, terminal); };
}

}  // namespace zerotail::cli
