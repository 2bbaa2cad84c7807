#include "fuzz/run.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "fuzz/bases.h"
#include "zerotail/harness/disk_stack.h"
#include "zerotail/harness/executor.h"
#include "zerotail/harness/tree_compare.h"
#include "zerotail/sim/world.h"
#include "zerotail/volume/volume.h"

namespace zerotail::fuzz {
namespace {

using harness::Operation;
using harness::OpKind;
using sim::Errno;
using sim::Error;

constexpr uint64_t kMaxRequests = 50'000;   // of one mount and what is done under it
constexpr uint64_t kMaxDirectories = 64;    // listed in one walk
constexpr uint64_t kMaxFiles = 12;          // used by the default operations, compared by content
constexpr uint64_t kMaxCompared = 1 << 16;  // bytes of one file
constexpr int64_t kMaxLength = 1 << 18;     // of one read or write
constexpr size_t kMaxSteps = 64;
constexpr size_t kMaxEdits = 64;
constexpr size_t kMaxImage = size_t{64} << 20;

// Passes bios on, counts them and judges where they go.
class Guard : public sim::BlockDevice {
 public:
  // `fat`: the first sector that may be written besides the boot sector.
  Guard(sim::BlockDevice& below, sim::Sector fat) : below_(below), fat_(fat) {}
  [[nodiscard]] const sim::DeviceInfo& info() const override { return below_.info(); }

  void submit(sim::Bio& bio) override {
    if (++requests_ > kMaxRequests) {
      fail(fmt::format("more than {} requests", kMaxRequests));
      bio.complete(Errno::kIo);
      return;
    }
    if (sim::check_range(info(), bio) != Errno::kOk) {
      fail(fmt::format("a request for {} sectors at {}: misaligned or past the end",
                       bio.count.value(), bio.sector.value()));
    }
    if (bio.op == sim::BioOp::kWrite || bio.op == sim::BioOp::kDiscard) {
      ++(bio.op == sim::BioOp::kWrite ? writes_ : discards_);
      const bool boot_sector = bio.sector == sim::Sector{0} &&
                               bio.count <= sim::sectors(sim::ByteCount{4096}) &&
                               bio.op == sim::BioOp::kWrite;
      if (bio.sector < fat_ && !boot_sector) {
        fail(fmt::format("a write of {} sectors at {}, before the FAT at {}", bio.count.value(),
                         bio.sector.value(), fat_.value()));
      }
    }
    below_.submit(bio);
  }

  [[nodiscard]] uint64_t requests() const { return requests_; }
  [[nodiscard]] uint64_t writes() const { return writes_; }
  [[nodiscard]] uint64_t discards() const { return discards_; }
  [[nodiscard]] const std::string& complaint() const { return complaint_; }

 private:
  void fail(std::string what) {
    if (complaint_.empty()) complaint_ = std::move(what);
  }
  sim::BlockDevice& below_;
  sim::Sector fat_;
  uint64_t requests_ = 0;
  uint64_t writes_ = 0;
  uint64_t discards_ = 0;
  std::string complaint_;
};

Operation operation(OpKind kind, std::string path) {
  Operation op;
  op.kind = kind;
  op.path = std::move(path);
  return op;
}

Operation with_range(OpKind kind, const std::string& path, int64_t off, int64_t len) {
  Operation op = operation(kind, path);
  op.off = off;
  op.len = len;
  op.seed = 9;
  return op;
}

// A little of everything with one file.
void use_file(const std::string& path, uint64_t size, std::vector<Step>* steps) {
  const auto end = static_cast<int64_t>(std::min<uint64_t>(size, uint64_t{1} << 62));
  const auto add = [steps](Operation op) { steps->push_back({std::move(op), std::nullopt}); };
  add(with_range(OpKind::kRead, path, 0, 2048));
  add(with_range(OpKind::kMread, path, std::max<int64_t>(end - 600, 0), 700));
  add(operation(OpKind::kDirent, path));
  add(with_range(OpKind::kWrite, path, 100, 1000));
  add(with_range(OpKind::kAppend, path, 0, 600));
  add(operation(OpKind::kFsync, path));
  Operation cut = operation(OpKind::kTruncate, path);
  cut.size = 700;
  add(cut);
}

// What is done with a volume of which nothing is known but its names.
std::vector<Step> default_steps(const harness::VolumeView& view) {
  std::vector<Step> steps;
  std::vector<std::pair<std::string, const harness::DirectoryView*>> todo;
  if (view.root != nullptr) todo.emplace_back("", view.root.get());
  uint64_t files = 0;
  for (size_t i = 0; i < todo.size() && i < kMaxDirectories; ++i) {
    const auto [path, directory] = todo[i];
    steps.push_back({operation(OpKind::kList, path), std::nullopt});
    steps.push_back({operation(OpKind::kCreate, path + (path.empty() ? "n" : "/n")), std::nullopt});
    for (const auto& node : directory->nodes) {
      if (!node->set->usable() || node->set->utf8.empty()) continue;
      const std::string full = path.empty() ? node->set->utf8 : path + "/" + node->set->utf8;
      if (node->child != nullptr) todo.emplace_back(full, node->child.get());
      if (node->set->directory || ++files > kMaxFiles) continue;
      use_file(full, node->set->data_length, &steps);
      Operation moved = operation(OpKind::kRename, full);
      moved.to = "a name of more than fifteen units";
      steps.push_back({moved, std::nullopt});
      if (files % 2 == 0) steps.push_back({operation(OpKind::kUnlink, moved.to), std::nullopt});
    }
  }
  steps.push_back({operation(OpKind::kMkdir, "m"), std::nullopt});
  steps.push_back({operation(OpKind::kSync, ""), std::nullopt});
  steps.push_back({operation(OpKind::kRemount, ""), std::nullopt});
  steps.push_back({operation(OpKind::kList, ""), std::nullopt});
  return steps;
}

// One volume, once through everything.
class Session {
 public:
  Session(const sim::Snapshot& volume, const harness::TraceHeader& header,
          const std::vector<Step>& steps)
      : steps_(steps),
        header_(header),
        disk_(volume, {.logical_block = sim::ByteCount{header.logical_block()},
                       .physical_block = sim::ByteCount{header.logical_block()},
                       .discard_fill = std::byte{header.poison}}) {}

  Report run() {
    const harness::CheckResult before = harness::check_volume(disk_);
    report_.before = before.problems;
    view_ = before.view;
    work();
    const harness::CheckResult after = harness::check_volume(disk_);
    report_.after = after.problems;
    if (report_.mount == Errno::kOk && before.clean()) {
      for (const harness::CheckProblem& problem : after.problems) {
        if (allowed(problem)) continue;
        finding("a sound volume has a problem now: " + problem.describe());
      }
      view_ = after.view;
      view_of_start_ = false;
      walk_again();
    }
    report_.digest = disk_.digest();
    return std::move(report_);
  }

 private:
  void finding(std::string what) { report_.findings.push_back(std::move(what)); }

  [[nodiscard]] sim::Sector fat() const {
    return view_->geometry ? view_->geometry->fat : sim::Sector{0};
  }
  void judge(const Guard& guard) {
    report_.requests += guard.requests();
    if (!guard.complaint().empty()) finding(guard.complaint());
  }

  // A forced shutdown that writes nothing leaves what a power failure would: anything. One that
  // writes everything first leaves the clusters of unlinked files that were open.
  [[nodiscard]] bool allowed(const harness::CheckProblem& problem) const {
    constexpr uint32_t kWriteNothing = 2;
    bool shut_down = false;
    for (size_t i = 0; i < report_.answers.size(); ++i) {
      const Operation& op = steps_[i].op;
      if (op.kind != OpKind::kShutdown || report_.answers[i].ret != 0) continue;
      if (op.mode == kWriteNothing) return true;
      shut_down = true;
    }
    return shut_down && problem.kind == harness::CheckClass::kLeak;
  }

  // A sound volume was worked on: it mounts, read-only now, and shows what the checker shows. Only
  // one that a shutdown left with problems may be refused.
  void walk_again() {
    header_.mount = {"ro"};
    Guard guard(disk_, fat());
    sim::World world(1);
    harness::Executor executor(world, guard, header_);
    const sim::Status mounted = executor.mount();
    if (mounted.ok() && !view_->mountable()) {
      finding("afterwards: mounts what the checker calls unmountable");
    } else if (mounted.ok()) {
      compare(executor.volume(), "afterwards");
      const sim::Status done = executor.unmount();
      if (!done.ok()) finding("afterwards: unmount: " + done.error().message());
    } else if (report_.after.empty()) {
      finding("afterwards: " + mounted.error().message());
    }
    if (guard.writes() + guard.discards() != 0) finding("afterwards: a read-only mount wrote");
    judge(guard);
  }

  void compare(volume::Volume& volume, const char* when) {
    harness::CoreAnswers answers;
    answers.mounted = true;
    harness::list_tree(volume, kMaxDirectories, &answers);
    std::vector<harness::Violation> differences = harness::compare_answers(answers, *view_);
    uint64_t files = 0;
    for (const auto& node : view_->root->nodes) {
      if (!node->set->usable() || ++files > kMaxFiles) continue;
      harness::compare_file(volume, disk_, *view_, node->set->utf8, kMaxCompared, &differences);
    }
    // Two owners of one cluster: who refuses which of them is a matter of taste.
    const std::vector<harness::CheckProblem>& problems =
        view_of_start_ ? report_.before : report_.after;
    if (std::any_of(problems.begin(), problems.end(), [](const auto& problem) {
          return problem.kind == harness::CheckClass::kCrossLink;
        })) {
      return;
    }
    for (const harness::Violation& difference : differences) {
      finding(fmt::format("{}: {}: {}", when, difference.path, difference.detail));
    }
  }

  void work() {
    Guard guard(disk_, fat());
    sim::World world(1);
    harness::Executor executor(world, guard, header_);
    const sim::Status mounted = executor.mount();
    report_.mount = mounted.code();
    if (!mounted.ok()) {
      report_.mount_error = mounted.error().message();
      if (report_.before.empty()) finding("a sound volume: " + report_.mount_error);
      judge(guard);
      return;
    }
    if (view_->mountable()) {
      compare(executor.volume(), "at first");
    } else {
      finding("mounts what the checker calls unmountable");
    }
    for (const Step& step : steps_) report_.answers.push_back(executor.run(step.op));
    if (executor.mounted()) {
      const sim::Status done = executor.unmount();
      if (!done.ok() && report_.before.empty()) finding("unmount: " + done.error().message());
    }
    const bool stays_read_only = !any_step(OpKind::kRemount) && !any_step(OpKind::kRemountRw);
    const auto& words = header_.mount;
    if (std::find(words.begin(), words.end(), "ro") != words.end() && stays_read_only) {
      if (guard.writes() != 0) finding("a read-only mount wrote");
      // FITRIM does not ask how the volume is mounted.
      if (guard.discards() != 0 && !any_step(OpKind::kFitrim)) {
        finding("a read-only mount discarded");
      }
    }
    judge(guard);
  }

  [[nodiscard]] bool any_step(OpKind kind) const {
    return std::any_of(steps_.begin(), steps_.end(),
                       [&](const Step& step) { return step.op.kind == kind; });
  }

  const std::vector<Step>& steps_;
  harness::TraceHeader header_;
  sim::MemDisk disk_;
  std::shared_ptr<const harness::VolumeView> view_;
  bool view_of_start_ = true;
  Report report_;
};

Report run_volume(const sim::Snapshot& volume, const harness::TraceHeader& header,
                  const std::vector<std::string>& mount, const std::vector<Step>& steps) {
  std::vector<Step> chosen = steps;
  if (chosen.empty()) chosen = default_steps(*harness::check_volume(volume).view);
  harness::TraceHeader with_options = header;
  with_options.mount = mount;
  const auto once = [&] { return Session(volume, with_options, chosen).run(); };
  Report report = once();
  // Memory that was read before it was written shows as a difference between two runs. One in
  // sixteen is enough to see it, and which one depends on the input alone.
  constexpr uint64_t kEvery = 16;
  if (report.digest.low % kEvery != 0) return report;
  const Report again = once();
  if (again.digest != report.digest || again.requests != report.requests) {
    report.findings.push_back("the same input gives another result the second time");
  }
  for (size_t i = 0; i < report.answers.size(); ++i) {
    if (harness::print_result(report.answers[i], i) != harness::print_result(again.answers[i], i)) {
      report.findings.push_back(fmt::format("step {} answers differently the second time", i));
    }
  }
  return report;
}

sim::Status check_limits(const Recipe& recipe) {
  if (recipe.steps.size() > kMaxSteps || recipe.edits.size() > kMaxEdits) {
    return Error(Errno::kInval, "too many steps or edits");
  }
  for (const Step& step : recipe.steps) {
    const Operation& op = step.op;
    const bool buffer = op.kind != OpKind::kFallocate && op.kind != OpKind::kFitrim &&
                        op.kind != OpKind::kMap && op.kind != OpKind::kSleep;
    if (buffer && op.len > kMaxLength) return Error(Errno::kInval, print_step(step) + ": too long");
  }
  return {};
}

}  // namespace

sim::Result<Report> run_recipe(const Recipe& recipe) {
  const Base* base = find_base(recipe.base);
  if (base == nullptr) return Error(Errno::kInval, "no base \"" + recipe.base + "\"");
  ZT_TRY(check_limits(recipe));
  sim::MemDisk disk(base->disk, {.discard_fill = std::byte{base->header.poison}});
  ZT_TRY(base->editor.apply(disk, recipe.edits));
  return run_volume(disk.snapshot(), base->header, recipe.mount, recipe.steps);
}

bool is_image(std::span<const std::byte> input) {
  constexpr std::string_view kName = "EXFAT   ";
  constexpr size_t kAt = 3;
  return input.size() > kAt + kName.size() &&
         std::memcmp(input.data() + kAt, kName.data(), kName.size()) == 0;
}

sim::Result<Report> run_image(std::span<const std::byte> image) {
  if (image.empty() || image.size() > kMaxImage) {
    return Error(Errno::kInval, "an image of 1 byte to 64 MiB is wanted");
  }
  sim::MemDisk disk({.capacity = sim::sectors(sim::ByteCount{image.size()})});
  disk.write(sim::DevPos{0}, image);
  return run_volume(disk.snapshot(), harness::TraceHeader{}, {}, {});
}

sim::Result<Report> run_input(std::span<const std::byte> input) {
  if (is_image(input)) return run_image(input);
  const auto* text = reinterpret_cast<const char*>(input.data());
  ZT_ASSIGN(const Recipe recipe, parse_recipe(std::string_view(text, input.size())));
  return run_recipe(recipe);
}

std::vector<std::string> broken_expectations(const Recipe& recipe, const Report& report) {
  std::vector<std::string> broken;
  if (recipe.want_mount && *recipe.want_mount != report.mount) {
    broken.push_back(fmt::format("mount: want {}, got {} {}", sim::errno_name(*recipe.want_mount),
                                 sim::errno_name(report.mount), report.mount_error));
  }
  for (const harness::CheckClass kind : recipe.want_check) {
    if (std::none_of(report.before.begin(), report.before.end(),
                     [kind](const auto& problem) { return problem.kind == kind; })) {
      broken.push_back(fmt::format("check: {} is not found", harness::name(kind)));
    }
  }
  for (size_t i = 0; i < recipe.steps.size() && i < report.answers.size(); ++i) {
    const Step& step = recipe.steps[i];
    if (step.want && *step.want != report.answers[i].ret) {
      broken.push_back(fmt::format("{}: got {} {}", print_step(step), report.answers[i].ret,
                                   report.answers[i].note));
    }
  }
  const bool asked = std::any_of(recipe.steps.begin(), recipe.steps.end(),
                                 [](const Step& step) { return step.want.has_value(); });
  if (asked && report.answers.size() != recipe.steps.size()) {
    broken.push_back("the operations were not run: " + report.mount_error);
  }
  return broken;
}

}  // namespace zerotail::fuzz
