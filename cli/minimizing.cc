#include "minimizing.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <map>

#include "interrupt.h"
#include "zerotail/cli/output_file.h"
#include "zerotail/harness/enumerate.h"
#include "zerotail/sim/image_file.h"

namespace zerotail::cli {
namespace {

sim::Status write_file(const std::string& path, std::string_view text, bool force) {
  ZT_ASSIGN(OutputFile file, OutputFile::open(path, force));
  ZT_TRY(file.write(text));
  return file.commit();
}

// One task after the other, with progress; stops at Ctrl-C.
class Minimizer {
 public:
  Minimizer(const MinimizeSettings& settings, Terminal& terminal)
      : settings_(settings),
        progress_(terminal, {.what = "minimize", .unit = "states", .total = 0}) {}

  sim::Result<harness::MinimalCase> run(const MinimizeTask& task) {
    auto minimal = harness::minimise(task.workload, task.id, harness::wanted(task.finding),
                                     settings_.options, [this](const auto& now) {
                                       progress_.update(states_ + now.states, done_);
                                       return !Interrupt::asked();
                                     });
    ++done_;
    if (minimal.ok()) states_ += minimal->states;
    return minimal;
  }
  void finish() { progress_.finish(); }

 private:
  const MinimizeSettings& settings_;
  const Interrupt interrupt_;
  Progress progress_;
  uint64_t states_ = 0;
  uint64_t done_ = 0;
};

// NAME_test.cc: an underscore for every hyphen.
std::string test_file(std::string name) {
  std::replace(name.begin(), name.end(), '-', '_');
  return name + "_test.cc";
}

sim::Status write_case(const MinimizeTask& task, const harness::MinimalCase& minimal,
                       const MinimizeSettings& settings, const std::string& name) {
  const std::filesystem::path folder(settings.folder);
  const std::string trace = (folder / (name + ".trace")).string();
  ZT_TRY(write_file(trace, harness::print_trace(minimal.workload.trace), settings.force));
  ZT_TRY(write_file((folder / (name + ".txt")).string(),
                    reports::to_text(minimal, name + ".trace", settings.base_image),
                    settings.force));
  ZT_TRY(sim::save_image((folder / (name + ".img")).string(), minimal.disk, settings.force));
  if (!settings.base_image.empty()) return {};
  return write_file((folder / test_file(name)).string(),
                    reports::to_regression_test(minimal, task.known), settings.force);
}

std::string one_line(const harness::MinimalCase& minimal, const std::string& trace) {
  return fmt::format("{} -> {} operations, {} -> {} sectors: zerotail repro {} --trace {}\n",
                     minimal.before.operations, minimal.after.operations, minimal.before.sectors,
                     minimal.after.sectors, print(minimal.id), trace);
}

// No rule that cured the finding in the whole trace cures the minimal one.
bool slipped(const harness::MinimalCase& minimal) {
  const auto& after = minimal.cures.rules;
  const auto& before = minimal.cures_before.rules;
  return !before.empty() && std::none_of(before.begin(), before.end(), [&](volume::Rule rule) {
    return std::find(after.begin(), after.end(), rule) != after.end();
  });
}

}  // namespace

namespace {

// By its name, or among the jobs when it is a trace file.
sim::Result<harness::Workload> workload_of(const harness::ReproId& id,
                                           const harness::JobSource& jobs) {
  auto named = harness::workload_by_name(id.workload);
  for (size_t i = 0; i < jobs.size() && !named.ok(); ++i) {
    harness::Workload workload = jobs.job(i).workload;
    if (workload.name == id.workload) return workload;
  }
  return named;
}

}  // namespace

sim::Result<std::vector<MinimizeTask>> tasks_of_new(const harness::FindingSet& findings,
                                                    const harness::JobSource& jobs,
                                                    Terminal& terminal) {
  std::vector<MinimizeTask> tasks;
  size_t nested = 0;
  size_t beyond = 0;
  for (const harness::Finding& finding : findings.findings()) {
    if (finding.known) continue;
    ZT_ASSIGN(harness::ReproId id,
              harness::parse_repro_id(finding.repro.substr(finding.repro.rfind(' ') + 1)));
    if (id.state.find(harness::kNestedSeparator) != std::string::npos) {
      ++nested;
    } else if (tasks.size() == kMostTasks) {
      ++beyond;
    } else {
      ZT_ASSIGN(harness::Workload workload, workload_of(id, jobs));
      tasks.push_back({std::move(workload), std::move(id), finding, false});
    }
  }
  if (nested > 0) {
    terminal.note(fmt::format("{} findings of a crash after a crash are not minimised", nested));
  }
  if (beyond > 0) {
    terminal.note(fmt::format("{} findings more than {} are not minimised", beyond, kMostTasks));
  }
  return tasks;
}

sim::Status open_folder(const std::string& folder, bool force) {
  std::error_code error;
  const bool exists = std::filesystem::exists(folder, error);
  if (exists && !std::filesystem::is_directory(folder, error)) {
    return sim::Error(sim::Errno::kNotDir, folder + ": is no folder");
  }
  if (exists && !force && !std::filesystem::is_empty(folder, error)) {
    return sim::Error(sim::Errno::kExist, folder + ": is not empty; --force writes over its files");
  }
  return make_directories(folder);
}

void close_folder(const std::string& folder) {
  std::error_code ignored;
  std::filesystem::remove(folder, ignored);
}

std::string fresh_minimize_folder() {
  for (unsigned number = 1;; ++number) {
    std::string folder = fmt::format("out/minimize/{}", number);
    if (!std::filesystem::exists(folder)) return folder;
  }
}

ExitCode minimize_into(const std::vector<MinimizeTask>& tasks, const MinimizeSettings& settings,
                       Terminal& terminal) {
  Minimizer minimizer(settings, terminal);
  std::map<std::string, unsigned> names;
  std::string text;
  size_t done = 0;
  for (const MinimizeTask& task : tasks) {
    if (Interrupt::asked()) break;
    const auto minimal = minimizer.run(task);
    if (!minimal.ok()) return terminal.fail("minimize", minimal.error());
    if (Interrupt::asked()) break;
    std::string name = reports::name_of(task.finding);
    if (const unsigned number = ++names[name]; number > 1) name += fmt::format("-{}", number);
    if (auto status = write_case(task, *minimal, settings, name); !status.ok()) {
      return terminal.fail(settings.folder, status.error());
    }
    ++done;
    text +=
        fmt::format("{}: {}", name, one_line(*minimal, settings.folder + "/" + name + ".trace"));
    if (!minimal->complete) text += "  the budget was used up: it may not be minimal (--states)\n";
  }
  minimizer.finish();
  terminal.print(text);
  terminal.print(
      fmt::format("{} of {} findings minimised into {}\n", done, tasks.size(), settings.folder));
  if (!settings.base_image.empty()) {
    terminal.note("no test was written: the findings rest on " + settings.base_image);
  }
  return done == tasks.size() ? ExitCode::kOk : ExitCode::kInterrupted;
}

ExitCode minimize_table(const std::vector<MinimizeTask>& tasks, const MinimizeSettings& settings,
                        Terminal& terminal) {
  Minimizer minimizer(settings, terminal);
  const auto clock = Progress::steady_clock();
  std::vector<reports::MinimalRow> rows;
  for (const MinimizeTask& task : tasks) {
    const auto start = clock();
    const auto minimal = minimizer.run(task);
    if (!minimal.ok()) return terminal.fail("minimize", minimal.error());
    if (Interrupt::asked()) return ExitCode::kInterrupted;
    reports::MinimalRow row{task.finding,     minimal->before, minimal->after,
                            minimal->traces,  minimal->states, 0,
                            minimal->complete};
    row.seconds = std::chrono::duration<double>(clock() - start).count();
    row.slipped = slipped(*minimal);
    row.held = minimal->held_by.has_value();
    if (row.slipped) terminal.note("slipped: " + task.finding.repro);
    rows.push_back(std::move(row));
  }
  minimizer.finish();
  terminal.print(reports::to_table(rows));
  return ExitCode::kOk;
}

}  // namespace zerotail::cli
