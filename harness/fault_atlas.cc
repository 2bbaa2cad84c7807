#include "zerotail/harness/fault_atlas.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <memory>
#include <optional>
#include <set>
#include <utility>

#include "device_reader.h"
#include "zerotail/harness/check.h"
#include "zerotail/harness/disk_stack.h"
#include "zerotail/harness/executor.h"
#include "zerotail/harness/fault_regions.h"
#include "zerotail/harness/workloads.h"
#include "zerotail/sim/assert.h"
#include "zerotail/sim/world.h"

namespace zerotail::harness {
namespace {

using sim::Errno;
using sim::Error;
using sim::Result;
using sim::Status;

// Operations whose failure says that anything may be wrong.
bool is_about_all(OpKind kind) {
  constexpr std::array kKinds{OpKind::kSync,      OpKind::kSyncfs,    OpKind::kRemount,
                              OpKind::kRemountRo, OpKind::kRemountRw, OpKind::kStatfs,
                              OpKind::kWriteback};
  return std::find(kKinds.begin(), kKinds.end(), kind) != kKinds.end();
}

// What the device or the volume's damage makes an operation answer. Other errors, such as ENOENT,
// are answers like any other: wrong ones when nothing failed before.
bool is_io_error(int64_t ret) {
  constexpr std::array kErrors{Errno::kIo, Errno::kNoSpc, Errno::kNoDev, Errno::kRofs,
                               Errno::kNxio};
  return std::any_of(kErrors.begin(), kErrors.end(),
                     [ret](Errno e) { return ret == -static_cast<int64_t>(e); });
}

// One line of printable characters, not too long: names on a damaged volume can be anything.
std::string shorten(const std::string& text) {
  constexpr size_t kMost = 160;
  std::string line = text.substr(0, kMost);
  for (char& c : line) {
    if (c < ' ' || c > '~' || c == '|' || c == '`') c = '?';
  }
  return text.size() > kMost ? line + "..." : line;
}

// The whole tree as operations: every directory listed, every file stated and read past its end.
void add_reads(const DirectoryView& directory, const std::string& path,
               std::vector<Operation>* ops) {
  ops->push_back({.kind = OpKind::kList, .path = path});
  for (const auto& node : directory.nodes) {
    if (!node->set->usable()) continue;
    const std::string full = path.empty() ? node->set->utf8 : path + "/" + node->set->utf8;
    ops->push_back({.kind = OpKind::kStat, .path = full});
    if (node->child != nullptr) {
      add_reads(*node->child, full, ops);
    } else if (!node->set->directory) {
      const auto length = static_cast<int64_t>(node->set->data_length) + 1;
      ops->push_back({.kind = OpKind::kRead, .path = full, .len = length});
    }
  }
}

bool contains_path(const std::string& directory, const std::string& path) {
  return directory.empty() || path == directory ||
         (path.size() > directory.size() && path.compare(0, directory.size(), directory) == 0 &&
          path[directory.size()] == '/');
}

}  // namespace

const char* name(FaultOutcome outcome) {
  switch (outcome) {
    case FaultOutcome::kNotReached:
      return "-";
    case FaultOutcome::kMasked:
      return "masked";
    case FaultOutcome::kRecovered:
      return "recovered";
    case FaultOutcome::kDetected:
      return "detected";
    case FaultOutcome::kSilent:
      return "silent";
  }
  return "";
}

// One run under a plan, and what is made of it.
class AtlasRun {
 public:
  AtlasRun(const AtlasRunner& atlas, const fault::FaultPlan& plan)
      : atlas_(atlas),
        world_(atlas.trace_.header.seed),
        disk_(atlas.base_, {}),
        device_(disk_, world_.loop, plan),
        executor_(world_, device_, atlas.trace_.header) {
    const Status known = device_.set_regions(atlas.regions_);
    ZT_ASSERT(known.ok());
    device_.set_allocated([this](sim::Sector s) { return atlas_.holds_something(s); });
  }

  AtlasCase run() {
    mount("mount");
    const std::vector<Operation>& ops = atlas_.trace_.ops;
    for (size_t i = 0; i < ops.size(); ++i) perform(ops[i], i);
    unmount();
    device_.replug();
    verify();
    AtlasCase result = judge();
    result.detail = shorten(result.detail);
    return result;
  }

 private:
  [[nodiscard]] AtlasCase judge() const {
    AtlasCase result;
    if (!silent_.empty()) {
      result.outcome = FaultOutcome::kSilent;
      result.detail = silent_;
    } else if (device_.hits().empty()) {
      result.outcome = FaultOutcome::kNotReached;
    } else if (failures_.empty()) {
      result.outcome = FaultOutcome::kMasked;
    } else {
      result.outcome = damaged_.empty() ? FaultOutcome::kRecovered : FaultOutcome::kDetected;
      result.detail = failures_ + (damaged_.empty() ? std::string() : "; then " + damaged_);
    }
    return result;
  }

  void mount(const std::string& what) {
    if (executor_.mounted()) return;
    for (int attempt = 0; attempt < 2; ++attempt) {
      const Status status = executor_.mount();
      if (status.ok()) return;
      failed({}, true, fmt::format("{}: {}", what, status.error().message()));
    }
    note_damage({}, "the volume stays unmounted");
  }

  void unmount() {
    if (!executor_.mounted()) return;
    device_.set_operation(atlas_.trace_.ops.size(), 0);
    const Status status = executor_.unmount();
    if (!status.ok()) failed({}, true, "umount: " + status.error().message());
  }

  void perform(const Operation& op, size_t index) {
    if (!executor_.mounted()) return;
    const std::string text = print_operation(op);
    device_.set_operation(index, sim::bytes_digest(text.data(), text.size()).low);
    const OpResult& want = atlas_.answers_[index];
    OpResult got = executor_.run(op);
    if (reports_failure(op, want, got)) {
      failed(op, got);
      if (op.kind == OpKind::kRemount) return mount("remount again");
      got = again(op, got);
      if (reports_failure(op, want, got)) {
        note_damage(op.path, fmt::format("{} '{}' fails again", op_name(op.kind), op.path));
        return;
      }
    }
    compare(op, want, got, "");
  }

  // The second try: of a write that was done in part, the rest.
  OpResult again(Operation op, const OpResult& first) {
    if (first.ret <= 0 || !op_changes(op.kind)) return executor_.run(op);
    op.len -= first.ret;
    op.off += first.ret;
    OpResult rest = executor_.run(op);
    if (rest.ret >= 0) rest.ret += first.ret;
    return rest;
  }

  // Whether the answer tells the caller that something is wrong.
  bool reports_failure(const Operation& op, const OpResult& want, const OpResult& got) {
    if (want.ret < 0 || got.ret >= want.ret) return false;
    if (op.kind == OpKind::kRemount) return true;  // a volume that is refused is no wrong answer
    if (got.ret < 0) return is_io_error(got.ret);
    // A short count. Of a write it says so itself; a read has to go on to learn whether the file
    // ends there.
    if (op_changes(op.kind)) return true;
    Operation rest = op;
    rest.off += got.ret;
    rest.len -= got.ret;
    return executor_.run(rest).ret != 0;
  }

  void failed(const Operation& op, const OpResult& got) {
    const bool all = is_about_all(op.kind);
    failed(op.path, all,
           fmt::format("{} '{}': {}", op_name(op.kind), op.path,
                       got.ret < 0 ? sim::errno_name(static_cast<Errno>(-got.ret))
                                   : fmt::format("only {}", got.ret)));
    if (!op.to.empty()) failed_paths_.insert(op.to);
  }
  void failed(const std::string& path, bool all, const std::string& text) {
    if (failures_.empty()) failures_ = text;
    if (all) {
      all_failed_ = true;
    } else {
      failed_paths_.insert(path);
    }
  }

  [[nodiscard]] bool covered(const std::string& path) const {
    return all_failed_ ||
           std::any_of(failed_paths_.begin(), failed_paths_.end(), [&](const std::string& failed) {
             return contains_path(path, failed) || contains_path(failed, path);
           });
  }

  // Something is not as it should be: a warning came before it, or it is silent.
  void note_damage(const std::string& path, const std::string& text) {
    std::string& where = covered(path) ? damaged_ : silent_;
    if (where.empty()) where = text;
  }

  void compare(const Operation& op, const OpResult& want, const OpResult& got,
               const std::string& when) {
    std::string wrong = difference(want, got, {"map", "hex"});
    if (wrong.empty()) wrong = difference(want, got);
    if (wrong.empty()) return;
    note_damage(op.path, fmt::format("{}{} '{}': {}", when, op_name(op.kind), op.path, wrong));
  }

  void verify() {
    const DeviceReader reader(world_, device_);
    const CheckResult check = check_volume(reader);
    if (const Status status = executor_.mount(); !status.ok()) {
      failed({}, true, "at the end: mount: " + status.error().message());
      return note_damage({}, "the volume cannot be mounted");
    }
    for (size_t i = 0; i < atlas_.verify_.size(); ++i) {
      const Operation& op = atlas_.verify_[i];
      const OpResult got = executor_.run(op);
      if (is_io_error(got.ret)) failed(op, got);
      compare(op, atlas_.verified_[i], got, "at the end: ");
    }
    if (check.clean()) return;
    std::string& where = failures_.empty() ? silent_ : damaged_;
    if (where.empty()) where = "at the end: check: " + check.problems.front().describe();
  }

  const AtlasRunner& atlas_;
  sim::World world_;
  sim::MemDisk disk_;
  fault::FaultDevice device_;
  Executor executor_;
  std::set<std::string> failed_paths_;
  bool all_failed_ = false;
  std::string failures_;  // the first
  std::string damaged_;   // the first that a failure covers
  std::string silent_;    // the first that none covers
};

Trace atlas_trace() {
  Result<Trace> trace =
      parse_trace(atlas_texts().front().text, std::string(atlas_texts().front().name));
  ZT_ASSERT_MSG(trace.ok(), "a built-in trace does not parse");
  return std::move(trace).value();
}

const std::vector<std::string>& atlas_structures() {
  static const std::vector<std::string> kStructures{
      "boot-sector",    "volume-flags",  "boot-backup", "fat-entry", "bitmap", "upcase",
      "dentry-primary", "dentry-stream", "dentry-name", "directory", "data",
  };
  return kStructures;
}

// Whether the place was written before the run: by mkfs or the setup.
bool AtlasRunner::holds_something(sim::Sector sector) const {
  const std::byte* content = base_.sector(sector);
  return std::any_of(content, content + sim::kSectorSize.value(),
                     [this](std::byte b) { return b != base_.fill(); });
}

Result<AtlasRunner> AtlasRunner::create(Trace trace) {
  AtlasRunner atlas;
  trace.header.faults.clear();
  ZT_ASSIGN(sim::MemDisk disk, format_disk(trace.header));
  sim::World world(trace.header.seed);
  Executor executor(world, disk, trace.header);
  const size_t setup = std::min<size_t>(trace.header.setup, trace.ops.size());
  const auto middle = trace.ops.begin() + static_cast<std::ptrdiff_t>(setup);
  const auto must_succeed = [](const std::vector<Operation>& ops,
                               const std::vector<OpResult>& results) -> Status {
    for (size_t i = 0; i < ops.size(); ++i) {
      if (results[i].ret >= 0) continue;
      return Error(static_cast<Errno>(-results[i].ret),
                   fmt::format("without a fault, {}", print_operation(ops[i])));
    }
    return {};
  };
  const std::vector<Operation> preparing(trace.ops.begin(), middle);
  ZT_TRY(executor.mount());
  ZT_TRY(must_succeed(preparing, executor.run_all(preparing)));
  ZT_TRY(executor.unmount());
  atlas.base_ = disk.snapshot();
  atlas.trace_ = trace;
  atlas.trace_.ops.assign(middle, trace.ops.end());
  atlas.regions_ = fault_regions(*check_volume(disk).view);
  ZT_TRY(executor.mount());
  atlas.answers_ = executor.run_all(atlas.trace_.ops);
  ZT_TRY(must_succeed(atlas.trace_.ops, atlas.answers_));
  ZT_TRY(executor.unmount());
  const CheckResult check = check_volume(disk);
  if (!check.clean()) {
    return Error(Errno::kInval,
                 "without a fault, the volume has errors: " + check.problems.front().describe());
  }
  atlas.regions_ = merge_regions(std::move(atlas.regions_), fault_regions(*check.view));
  add_reads(*check.view->root, {}, &atlas.verify_);
  atlas.verify_.push_back({.kind = OpKind::kStatfs});
  ZT_TRY(executor.mount());
  atlas.verified_ = executor.run_all(atlas.verify_);
  ZT_TRY(must_succeed(atlas.verify_, atlas.verified_));
  return atlas;
}

AtlasCase AtlasRunner::run(const fault::FaultPlan& plan) const {
  const std::string text = fault::print(plan);
  const sim::ReproScope scope("zerotail atlas --fault '" + text + "'");
  AtlasCase result = AtlasRun(*this, plan).run();
  result.plan = text;
  return result;
}

Result<std::vector<AtlasCell>> AtlasRunner::run_all(const AtlasOptions& options) const {
  const auto wanted = [](const std::vector<std::string>& list, std::string_view one) {
    return list.empty() || std::find(list.begin(), list.end(), one) != list.end();
  };
  for (const std::string& structure : options.structures) {
    if (!wanted(atlas_structures(), structure)) {
      return Error(Errno::kInval, "there is no structure '" + structure + "'");
    }
  }
  for (const std::string& kind : options.kinds) {
    if (fault::fault_kind(kind) == nullptr) {
      return Error(Errno::kInval, "there is no fault '" + kind + "'");
    }
  }
  std::vector<AtlasCell> cells;
  for (const fault::FaultKind* kind : fault::fault_kinds()) {
    if (!wanted(options.kinds, kind->name)) continue;
    for (const std::string& structure : atlas_structures()) {
      if (!wanted(options.structures, structure)) continue;
      AtlasCell cell{.structure = structure, .kind = kind, .counts = {}, .worst = {}};
      for (uint64_t nth = 1; nth <= options.cases_per_cell; ++nth) {
        fault::FaultRule rule{.kind = kind, .region = structure};
        if (nth > 1) rule.phases.push_back({false, nth - 1});
        rule.phases.push_back({true, 1});
        rule.phases.push_back({false, 0});
        AtlasCase one = run({.seed = 1, .rules = {rule}});
        if (one.outcome == FaultOutcome::kNotReached) break;
        ++cell.counts[static_cast<size_t>(one.outcome)];
        if (one.outcome > cell.worst.outcome) cell.worst = std::move(one);
      }
      cells.push_back(std::move(cell));
    }
  }
  return cells;
}

}  // namespace zerotail::harness
