// Label, attributes, FITRIM, positions in directories and forced shutdown in the reference model;
// and what it still knows once power was lost.

#include <algorithm>

#include "model_names.h"
#include "zerotail/harness/model.h"
#include "zerotail/harness/pattern.h"

namespace zerotail::harness {

using sim::Errno;

namespace {

constexpr uint64_t kSlotSize = 32;
constexpr uint64_t kFirstCluster = 2;
constexpr size_t kLabelUnits = 11;
constexpr uint32_t kSettable = 0x01 | 0x02 | 0x04 | 0x20;  // read-only, hidden, system, archive
constexpr uint32_t kShutdownNoSync = 2;

Prediction answer(int64_t ret) {
  Prediction prediction;
  prediction.result.ret = ret;
  return prediction;
}

Prediction answer(Errno code) { return answer(-static_cast<int64_t>(code)); }

Prediction unknown() {
  Prediction prediction;
  prediction.any = true;
  return prediction;
}

// Sets the archive bit of a file in some cases: what cuts a file, and a rename.
bool may_set_archive(OpKind kind) {
  return kind == OpKind::kWrite || kind == OpKind::kDwrite || kind == OpKind::kAppend ||
         kind == OpKind::kTruncate || kind == OpKind::kFallocate || kind == OpKind::kCreate ||
         kind == OpKind::kRename;
}

}  // namespace

Prediction Model::readdir(const Operation& op) const {
  const Or<FileId> id = resolve(op.path);
  if (const Errno* error = std::get_if<Errno>(&id)) return answer(*error);
  const ModelNode& node = get(std::get<FileId>(id));
  if (!node.directory) return answer(Errno::kNotDir);
  const uint64_t from = op.pos / kSlotSize + (op.pos % kSlotSize != 0 ? 1 : 0);
  std::map<uint64_t, std::string> in_order;
  for (const auto& [key, child] : node.children) {
    const uint64_t first = node.places.at(child.id).first;
    if (first >= from) in_order[first] = child.name + (get(child.id).directory ? "/" : "");
  }
  std::vector<std::string> found;
  for (const auto& [first, name] : in_order) found.push_back(name);
  Prediction prediction = answer(static_cast<int64_t>(found.size()));
  prediction.result.set("names", std::move(found));
  return prediction;
}

Prediction Model::label(const Operation& op) {
  if ((op.mode & kQueryOnly) == 0) {
    const std::u16string units = names::widen(op.text);
    // A slash never gets into the names that are judged elsewhere.
    const bool forbidden = names::has_forbidden(units) || units.find(u'/') != std::u16string::npos;
    if (forbidden || units.size() > kLabelUnits) return answer(Errno::kInval);
    label_ = op.text;
  }
  Prediction prediction = answer(0);
  prediction.result.set("label", label_.value_or(""));
  if (!label_) prediction.open.push_back("label");
  return prediction;
}

Prediction Model::attributes(const Operation& op) {
  const Or<FileId> found = resolve(op.path);
  if (const Errno* error = std::get_if<Errno>(&found)) return answer(*error);
  const FileId id = std::get<FileId>(found);
  if ((op.mode & kQueryOnly) == 0) {
    if (op.value < 0 || op.value > int64_t{UINT32_MAX}) return answer(Errno::kInval);
    const uint32_t wanted = static_cast<uint32_t>(op.value) & kSettable;
    if (id == root_ && wanted != 0) return answer(Errno::kInval);
    ModelNode& node = edit(id);
    node.attributes = wanted | (node.directory ? kModelDirectory : 0);
    node.attributes_open = false;
    node.clean = id == root_;
  }
  Prediction prediction = answer(0);
  prediction.result.set("attr", int64_t{get(id).attributes});
  if (get(id).attributes_open) prediction.open.push_back("attr");
  return prediction;
}

// Afterwards the archive bit of a file that had none is not predicted.
void Model::note_archive(const Operation& op) {
  if (!may_set_archive(op.kind)) return;
  const Or<FileId> found = resolve(op.kind == OpKind::kRename ? op.to : op.path);
  const FileId* id = std::get_if<FileId>(&found);
  if (id == nullptr || get(*id).directory || get(*id).attributes_open ||
      (get(*id).attributes & kModelArchive) != 0) {
    return;
  }
  edit(*id).attributes_open = true;
}

// Free clusters are known by their number only, so a part of the volume is not predicted.
Prediction Model::fitrim(const Operation& op) const {
  const auto length = static_cast<uint64_t>(op.len);
  if (length < geometry_.cluster) return answer(Errno::kInval);
  const uint64_t limit = geometry_.cluster_count + kFirstCluster;
  const uint64_t first = std::max(static_cast<uint64_t>(op.off) / geometry_.cluster, kFirstCluster);
  if (first >= limit) return answer(Errno::kInval);
  const bool all = first == kFirstCluster && length / geometry_.cluster >= limit - first;
  const bool any_run = static_cast<uint64_t>(op.size) < 2 * geometry_.cluster;
  if (!all || !any_run) return unknown();
  return answer(static_cast<int64_t>(free_ * geometry_.cluster));
}

Prediction Model::shutdown(const Operation& op) {
  if (shut_down_) return answer(0);
  if (op.mode > kShutdownNoSync) return answer(Errno::kInval);
  shut_down_ = true;
  if (op.mode == kShutdownNoSync) {
    lost_ = true;
  } else {
    mark_all_clean();
  }
  return answer(0);
}

// After a forced shutdown everything is EIO but what needs nothing of the volume.
Prediction Model::apply_shut_down(const Operation& op) {
  switch (op.kind) {
    case OpKind::kClose:
    case OpKind::kMunmap:
    case OpKind::kSync:
    case OpKind::kDropCaches:
    case OpKind::kWriteback:
    case OpKind::kSleep:
    case OpKind::kShutdown:
    case OpKind::kRemount:
      return dispatch(op);
    case OpKind::kMwrite:
    case OpKind::kMread:
    case OpKind::kMsync: {
      const auto known = handles_.find(op.path);
      const bool mapped = known != handles_.end() && known->second.count(Use::kMapping) != 0;
      if (op.kind == OpKind::kMsync && !mapped) return answer(0);
      if (!mapped || op.kind == OpKind::kMsync) return answer(Errno::kIo);
      Prediction prediction = answer(0);
      prediction.result.set("sigbus", int64_t{1});
      if (op.kind == OpKind::kMread) {
        describe_bytes(prediction.result, {}, static_cast<uint64_t>(op.len));
      }
      return prediction;
    }
    case OpKind::kUnlink:
    case OpKind::kOpenSync:
      close_path(op.path);
      return answer(Errno::kIo);
    case OpKind::kDirent:
    case OpKind::kRawRead:
    case OpKind::kEdit:
    case OpKind::kCrash:
    case OpKind::kWait:
      return unknown();
    default:
      return answer(Errno::kIo);
  }
}

}  // namespace zerotail::harness
