// What stands on the volume after the beginning of a sequence, and the trace of it.
#include "enumerate_state.h"

#include <fmt/format.h>

#include <algorithm>

namespace zerotail::harness {
namespace {

constexpr const char* kKeep = "keep";  // untouched, on every volume
constexpr uint64_t kKeepSize = 9000;
constexpr uint64_t kInsideSize = 5000;  // of d/k
constexpr uint64_t kSetupSeed = 90;
constexpr int64_t kSleepMillis = 30;  // three of exFAT's units of time

bool moves_data(OpKind kind) {
  return kind == OpKind::kWrite || kind == OpKind::kDwrite || kind == OpKind::kMwrite ||
         kind == OpKind::kAppend;
}

bool opens(OpKind kind) {
  return moves_data(kind) || kind == OpKind::kCreate || kind == OpKind::kTruncate ||
         kind == OpKind::kFallocate;
}

}  // namespace

Scale scale_of(const EnumerateOptions& options) {
  Scale scale;
  scale.sector = options.sector;
  scale.cluster = options.cluster;
  // Off every boundary, and in different clusters.
  scale.valid = options.cluster / 4 + 452;
  scale.size =
      scale.valid + (options.cluster >= 2048 ? options.cluster - 692 : options.cluster + 100);
  return scale;
}

Beginning::Beginning(const EnumerateOptions& options, const ModelGeometry& geometry)
    : options_(options), scale_(scale_of(options)), model_(geometry) {
  for (const Operation& op : setup()) static_cast<void>(model_.apply(op));
}

Beginning Beginning::with(const Step& step) const {
  Beginning next = *this;
  ++next.step_count_;
  for (const Need& need : step.needs) {
    next.needs_.push_back(need);
    next.used_.insert(need.path);
    std::vector<Operation> ops;
    make(need, &ops);
    for (const Operation& op : ops) static_cast<void>(next.model_.apply(op));
  }
  // So that times differ: without it a write would leave the entry set as it is.
  next.ops_.push_back({.kind = OpKind::kSleep, .len = kSleepMillis});
  for (Operation op : step.ops) {
    if (moves_data(op.kind)) op.seed = next.step_count_;
    if (opens(op.kind)) next.open_.insert(op.path);
    if (op.kind == OpKind::kUnlink || op.kind == OpKind::kUnlinkKeep) next.open_.erase(op.path);
    if (op.kind == OpKind::kRemount) next.open_.clear();
    if (op.kind == OpKind::kRename) {
      next.open_.erase(op.to);
      if (next.open_.erase(op.path) > 0) next.open_.insert(op.to);
    }
    static_cast<void>(next.model_.apply(op));
    next.ops_.push_back(std::move(op));
  }
  next.look();
  return next;
}

void Beginning::make(const Need& need, std::vector<Operation>* ops) const {
  const auto seed = [ops] { return kSetupSeed + ops->size(); };
  const auto write = [&](const std::string& path, uint64_t length) {
    ops->push_back({.kind = OpKind::kWrite,
                    .path = path,
                    .len = static_cast<int64_t>(length),
                    .seed = seed()});
  };
  const auto create = [&](const std::string& path) {
    ops->push_back({.kind = OpKind::kCreate, .path = path, .mode = kCreateExclusive});
  };
  const auto grow = [&] {
    ops->push_back(
        {.kind = OpKind::kTruncate, .path = need.path, .size = static_cast<int64_t>(scale_.size)});
  };
  switch (need.initial) {
    case Initial::kAbsent:
      return;
    case Initial::kDirectory:
      ops->push_back({.kind = OpKind::kMkdir, .path = need.path});
      if (need.path != "d") return;
      create("d/k");
      write("d/k", kInsideSize);
      return;
    case Initial::kEmpty:
      create(need.path);
      return;
    case Initial::kFull:
      create(need.path);
      write(need.path, scale_.size);
      return;
    case Initial::kPartial:
      create(need.path);
      write(need.path, scale_.valid);
      grow();
      return;
    case Initial::kChained:
      create(need.path);
      write(need.path, scale_.valid);
      // Another file takes the cluster behind it.
      ops->push_back({.kind = OpKind::kAppend,
                      .path = kKeep,
                      .len = static_cast<int64_t>(scale_.cluster),
                      .seed = seed()});
      grow();
      return;
  }
}

std::vector<Operation> Beginning::setup() const {
  std::vector<Operation> ops;
  ops.push_back({.kind = OpKind::kCreate, .path = kKeep, .mode = kCreateExclusive});
  ops.push_back({.kind = OpKind::kWrite,
                 .path = kKeep,
                 .len = static_cast<int64_t>(kKeepSize),
                 .seed = kSetupSeed});
  for (const Need& need : needs_) make(need, &ops);
  return ops;
}

Trace Beginning::trace(const std::string& name) const {
  Trace trace;
  trace.header.trace = name;
  trace.header.sector = options_.sector;
  trace.header.cluster = options_.cluster;
  trace.ops = setup();
  trace.header.setup = trace.ops.size();
  trace.ops.insert(trace.ops.end(), ops_.begin(), ops_.end());
  return trace;
}

void Beginning::look() {
  tree_.clear();
  for (const Model::Entry& entry : model_.entries()) {
    if (entry.path != kKeep) tree_[entry.path] = {entry.directory, entry.valid_size, entry.size};
  }
}

std::string Beginning::signature() const {
  std::string text = step_count_ == 0 ? "first" : "";
  for (const std::string& path : used_) text += " " + path;
  text += ";";
  for (const std::string& path : open_) text += " " + path;
  for (const auto& [path, node] : tree_) {
    text += fmt::format(";{} {} {} {}", path, node.directory, node.valid, node.size);
  }
  return text;
}

std::string path_word(const std::string& path) {
  if (path.size() > 15) return "long";
  std::string word = path;
  word.erase(std::remove(word.begin(), word.end(), '/'), word.end());
  return word;
}

}  // namespace zerotail::harness
