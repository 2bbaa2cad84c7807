// zerotail explore: crash states of workloads, judged.
#include <fmt/chrono.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "orderings.h"
#include "zerotail/cli/cache_options.h"
#include "zerotail/cli/commands.h"
#include "zerotail/cli/fault_options.h"
#include "zerotail/cli/output_file.h"
#include "zerotail/harness/check.h"
#include "zerotail/harness/explain.h"
#include "zerotail/harness/workloads.h"
#include "zerotail/reports/explore_report.h"
#include "zerotail/sim/image_file.h"

namespace zerotail::cli {
namespace {

struct Options {
  std::vector<std::string> traces;
  std::vector<std::string> workloads;
  std::vector<std::string> contracts;
  std::string image;
  std::string device;
  std::string ordering;
  std::string io_path;
  std::string baseline;
  std::string write_baseline;
  std::string json;
  CacheOptions cache;
  std::string page;
  uint64_t budget = 4096;
  uint64_t seed = 1;
  bool keep_free = false;
  bool list = false;
  bool compare_orderings = false;
  bool list_devices = false;
  FaultOptions faults;
  bool keep_gone = false;
  bool force = false;
};

// A workload and the device it runs on.
struct Job {
  harness::Workload workload;
  harness::DeviceConfig device;
  volume::Ordering ordering;
  volume::IoPath io_path;
};

// Built-in workloads with a sync or dirsync mount run on both kinds of device: `sync-mount` is
// judged where there is no volatile cache.
void add_builtin(harness::Workload workload, const Options& options,
                 const harness::DeviceConfig& device, std::vector<Job>* jobs) {
  const bool both = options.device.empty() && !workload.trace.header.mount.empty();
  if (both) {
    harness::DeviceConfig write_through = device;
    write_through.write_through = true;
    jobs->push_back({workload, write_through, {}, {}});
  }
  jobs->push_back({std::move(workload), device, {}, {}});
}

sim::Result<std::vector<Job>> collect_jobs(const Options& options) {
  harness::DeviceConfig device;
  if (!options.device.empty()) {
    ZT_ASSIGN(device, harness::parse_device(options.device));
  }
  std::vector<Job> jobs;
  for (const std::string& file : options.traces) {
    ZT_ASSIGN(harness::Trace trace, harness::load_trace(file));
    jobs.push_back({harness::workload_from_trace(std::move(trace)), device, {}, {}});
  }
  for (const std::string& name : options.workloads) {
    ZT_ASSIGN(harness::Workload workload, harness::builtin_workload(name));
    add_builtin(std::move(workload), options, device, &jobs);
  }
  if (options.traces.empty() && options.workloads.empty()) {
    for (harness::Workload& workload : harness::builtin_workloads()) {
      add_builtin(std::move(workload), options, device, &jobs);
    }
  }
  for (Job& job : jobs) {
    const std::string& asked = job.workload.trace.header.ordering;
    ZT_ASSIGN(job.ordering,
              volume::parse_ordering(options.ordering.empty() ? asked : options.ordering));
    const std::string& path = job.workload.trace.header.io_path;
    ZT_ASSIGN(job.io_path, volume::parse_io_path(options.io_path.empty() ? path : options.io_path));
  }
  return jobs;
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

// `name` itself, or the first of out/explore/1, 2, ... that does not exist.
std::string fresh_folder() {
  for (unsigned number = 1;; ++number) {
    std::string folder = fmt::format("out/explore/{}", number);
    if (!std::filesystem::exists(folder)) return folder;
  }
}

struct Outputs {
  OutputFile json;
  OutputFile text;
  std::string folder;  // made for them; empty when the user named a file
};

sim::Result<Outputs> open_outputs(const Options& options) {
  std::string json = options.json;
  std::string folder;
  if (json.empty()) {
    folder = fresh_folder();
    ZT_TRY(make_directories(folder));
    json = folder + "/report.json";
  }
  const std::string text = std::filesystem::path(json).replace_extension(".txt").string();
  if (text == json) {
    return sim::Error(sim::Errno::kInval,
                      json + ": the text report stands beside it with .txt: choose another name");
  }
  ZT_ASSIGN(OutputFile json_file, OutputFile::open(json, options.force));
  ZT_ASSIGN(OutputFile text_file, OutputFile::open(text, options.force));
  return Outputs{std::move(json_file), std::move(text_file), std::move(folder)};
}

sim::Result<harness::Baseline> load_baseline(const Options& options, const std::vector<Job>& jobs) {
  if (options.baseline.empty()) {
    const bool buffer_heads = std::any_of(jobs.begin(), jobs.end(), [](const Job& job) {
      return job.io_path == volume::IoPath::kBufferHead;
    });
    return harness::shipped_baseline(buffer_heads ? volume::IoPath::kBufferHead
                                                  : volume::IoPath::kIomap);
  }
  return harness::Baseline::load(options.baseline);
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

sim::Status explore_all(const std::vector<Job>& jobs, harness::ExploreOptions explore,
                        Terminal& terminal, reports::ExploreReport* report) {
  Progress progress(terminal, {.what = "explore", .unit = "states", .total = 0});
  uint64_t done = 0;
  for (size_t i = 0; i < jobs.size(); ++i) {
    explore.record.device = jobs[i].device;
    explore.record.ordering = jobs[i].ordering;
    explore.record.io_path = jobs[i].io_path;
    const auto hook = [&](const harness::ExploreProgress& now) {
      // The rest is taken to be like what is known: good enough for a time left.
      const uint64_t each = (done + now.total) / (i + 1);
      progress.set_total(done + now.total + each * (jobs.size() - i - 1));
      progress.update(done + now.states, report->findings.findings().size());
      return true;
    };
    const auto result = harness::explore(jobs[i].workload, explore, &report->findings, hook);
    if (!result.ok()) {
      progress.finish();
      return sim::Error(result.error().code(),
                        jobs[i].workload.trace.header.trace + ": " + result.error().where());
    }
    done += result->states.checked + result->states.merged + result->states.pruned;
    report->add(*result);
  }
  return {};
}

sim::Status write_outputs(const reports::ExploreReport& report, Outputs* outputs) {
  ZT_TRY(outputs->json.write(reports::to_json(report)));
  ZT_TRY(outputs->text.write(reports::to_text(report)));
  ZT_TRY(outputs->json.commit());
  return outputs->text.commit();
}

// Every finding of the run becomes an entry; entries that were there keep their date and reason.
sim::Status write_baseline(const Options& options, const reports::ExploreReport& report,
                           const harness::Baseline& before, OutputFile* file) {
  harness::Baseline after;
  if (options.keep_gone) after = before;
  const std::string today =
      fmt::format("{:%Y-%m-%d}", fmt::gmtime(std::chrono::system_clock::now()));
  for (const harness::Finding& finding : report.findings.findings()) {
    const harness::BaselineEntry* known = before.find(finding.fingerprint);
    harness::BaselineEntry entry{finding.fingerprint, finding.violation.contract,
                                 known == nullptr ? today : known->date,
                                 finding.repro.substr(finding.repro.rfind(' ') + 1),
                                 harness::explain(finding.violation, finding.workload)};
    if (known != nullptr) entry.reason = known->reason;
    if (entry.reason.empty()) entry.reason = "not explained";
    after.add(std::move(entry));
  }
  ZT_TRY(file->write(after.print()));
  return file->commit();
}

ExitCode list_workloads(Terminal& terminal) {
  for (const harness::Workload& workload : harness::builtin_workloads()) {
    terminal.print(fmt::format("{:<28} {}\n", workload.name, workload.trace.header.about));
  }
  return ExitCode::kOk;
}

ExitCode compare(const Options& options, const std::vector<Job>& jobs,
                 const harness::ExploreOptions& explore, Terminal& terminal) {
  std::vector<harness::LabJob> lab;
  for (const Job& job : jobs) lab.push_back({job.workload, job.device, job.io_path});
  const CompareOptions outputs{
      .json = options.json,
      .page = options.page,
      .command = "scripts/zerotail explore --compare-orderings --page " + options.page + " --force",
      .force = options.force};
  return compare_orderings(lab, explore, outputs, terminal);
}

ExitCode list_devices(Terminal& terminal) {
  for (const fault::DeviceClass& device : fault::device_classes()) {
    terminal.print(fmt::format("{:<14} {:<14} {}\n", device.name, device.device, device.about));
  }
  return ExitCode::kOk;
}

ExitCode run(const Options& options, Terminal& terminal) {
  if (options.list_devices) return list_devices(terminal);
  if (options.list) return list_workloads(terminal);
  harness::ExploreOptions explore;
  explore.budget = options.budget;
  explore.tiers.seed = options.seed;
  explore.record.seed = options.seed;
  const auto cache = cache_config(options.cache);
  if (!cache.ok()) return terminal.fail("explore", cache.error());
  explore.record.cache = *cache;
  if (auto status = apply_contracts(options, &explore); !status.ok()) {
    return terminal.fail("explore", status.error());
  }
  const auto faults = options.faults.plan();
  if (!faults.ok()) return terminal.fail("faults", faults.error());
  explore.record.faults = *faults;
  const auto jobs = collect_jobs(options);
  if (!jobs.ok()) return terminal.fail("explore", jobs.error());
  const auto baseline = load_baseline(options, *jobs);
  if (!baseline.ok()) return terminal.fail("baseline", baseline.error());
  if (auto status = load_image(options, &explore.record); !status.ok()) {
    return terminal.fail(options.image, status.error());
  }
  if (options.compare_orderings) return compare(options, *jobs, explore, terminal);
  if (!options.page.empty()) {
    terminal.error("--page", "only with --compare-orderings");
    return ExitCode::kBadInput;
  }
  auto outputs = open_outputs(options);
  if (!outputs.ok()) return terminal.fail("output", outputs.error());
  std::optional<OutputFile> baseline_file;
  if (!options.write_baseline.empty()) {
    auto file = OutputFile::open(options.write_baseline, options.force);
    if (!file.ok()) return terminal.fail(options.write_baseline, file.error());
    baseline_file.emplace(std::move(*file));
  }
  reports::ExploreReport report;
  report.seed = options.seed;
  report.budget = options.budget;
  report.baseline = options.baseline.empty() ? "shipped" : options.baseline;
  if (auto status = explore_all(*jobs, explore, terminal, &report); !status.ok()) {
    std::error_code ignored;  // the folder made for this run, if it is empty
    if (!outputs->folder.empty()) std::filesystem::remove(outputs->folder, ignored);
    return terminal.fail("explore", status.error());
  }
  report.apply(*baseline);
  terminal.print(reports::summary(report));
  if (auto status = write_outputs(report, &*outputs); !status.ok()) {
    return terminal.fail("output", status.error());
  }
  terminal.print(fmt::format("report: {} ({})\n", outputs->text.path(), outputs->json.path()));
  if (baseline_file) {
    const auto status = write_baseline(options, report, *baseline, &*baseline_file);
    if (!status.ok()) return terminal.fail(options.write_baseline, status.error());
    terminal.print(fmt::format("baseline: {}\n", options.write_baseline));
  }
  return report.new_findings() == 0 ? ExitCode::kOk : ExitCode::kNewViolations;
}

}  // namespace

Run setup_explore(CLI::App& command) {
  auto options = std::make_shared<Options>();
  command.add_option("TRACE", options->traces,
                     "Trace files to explore (default: the built-in workloads)");
  command.add_option("--workload", options->workloads, "A built-in workload; may be repeated");
  command.add_flag("--list", options->list, "List the built-in workloads and exit");
  command.add_option("--image", options->image,
                     "Start from this exFAT image (never written) instead of a fresh volume");
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
  options->faults.add_to(command);
  command.add_option("--contract", options->contracts, "Judge this contract only; repeatable");
  command.add_option("--baseline", options->baseline,
                     "Known findings (default: those shipped for the built-in workloads)");
  command.add_option("--write-baseline", options->write_baseline,
                     "Write all findings of this run as a baseline");
  command.add_flag("--keep-gone", options->keep_gone,
                   "With --write-baseline: keep entries that this run did not show");
  command.add_option("--json", options->json,
                     "The JSON report; the text report stands beside it (default: a new folder "
                     "below out/explore)");
  add_cache_options(command, &options->cache);
  command.add_flag("--force", options->force, "Overwrite existing outputs");
  return [options](Terminal& terminal) { return run(*options, terminal); };
}

}  // namespace zerotail::cli
