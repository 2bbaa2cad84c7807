#include "zerotail/harness/circumstances.h"

#include <algorithm>
#include <string_view>

namespace zerotail::harness {
namespace {

constexpr const char* kStart = "start";

// Names that differ in case alone are one name; traces use ASCII for those.
std::string fold(std::string_view path) {
  std::string folded(path);
  for (char& c : folded) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return folded;
}

// About what was promised, rather than about what a structure must look like.
bool about_promises(Contract contract) {
  switch (contract) {
    case Contract::kDurable:
    case Contract::kContained:
    case Contract::kSyncMount:
    case Contract::kReachable:
      return true;
    case Contract::kMountable:
    case Contract::kFlagged:
    case Contract::kNoStale:
    case Contract::kAtomic:
    case Contract::kConsistent:
    case Contract::kAnswers:
      return false;
  }
  return false;
}

// The file that had the name last, at or before model(n); null: there is none.
const FileHistory* file_named(const History& history, const std::string& path, size_t n) {
  const std::string name = fold(path);
  const FileHistory* best = nullptr;
  size_t since = 0;
  for (const auto& [id, file] : history.files()) {
    for (const FileVersion& version : file.versions) {
      if (version.since > n || version.node == nullptr || fold(version.path) != name) continue;
      if (best != nullptr && version.since < since) continue;
      best = &file;
      since = version.since;
    }
  }
  return best;
}

// The operation after which the newest promise about the file stands, or nothing for the start.
std::optional<size_t> last_promise(const History& history, const FileHistory& file,
                                   size_t returned) {
  std::optional<size_t> last;
  for (const auto* promises : {&file.promises, &file.name_promises, &history.everything()}) {
    for (const Promise& promise : *promises) {
      if (promise.kind == PromiseKind::kStart || promise.op >= returned) continue;
      if (!last || promise.op > *last) last = promise.op;
    }
  }
  return last;
}

// The operation's name, and what it did beyond it: a truncate takes or gives up, a rename may
// replace, a create may empty.
std::string name_of(const Recording& recording, size_t op) {
  std::string name = recording.history->op_name(op);
  if (op >= recording.trace.ops.size()) return name;
  const Operation& operation = recording.trace.ops[op];
  const Model& before = recording.history->model(op);
  if (operation.kind == OpKind::kTruncate) {
    const auto file = before.find(operation.path);
    const bool down = file && operation.size < static_cast<int64_t>(file->size);
    return name + (down ? "-down" : "-up");
  }
  const bool makes_name = operation.kind == OpKind::kRename || operation.kind == OpKind::kCreate;
  const std::string& target = operation.kind == OpKind::kRename ? operation.to : operation.path;
  return makes_name && before.find(target) ? name + "-over" : name;
}

std::string last_change(const Recording& recording, size_t issued) {
  for (size_t op = std::min(issued, recording.trace.ops.size()); op-- > 0;) {
    if (op_changes(recording.trace.ops[op].kind)) return name_of(recording, op);
  }
  return {};
}

std::string last_touch(const Recording& recording, const FileHistory& file, const std::string& path,
                       size_t begin, size_t issued) {
  std::optional<size_t> last;
  for (const Touch& touch : file.touches) {
    if (touch.op >= begin && touch.op < issued) last = touch.op;
  }
  if (file.directory) {
    for (size_t op = issued; op-- > begin;) {
      if (last && *last >= op) break;
      if (recording.history->directory_touched(path, op, op + 1)) last = op;
    }
  }
  return last ? name_of(recording, *last) : std::string{};
}

}  // namespace

Circumstances circumstances(const Recording& recording, OpCounts counts,
                            const Violation& violation) {
  const History& history = *recording.history;
  if (violation.contract == Contract::kAnswers) {
    return {{}, counts.issued == 0 ? std::string{} : history.op_name(counts.issued - 1)};
  }
  const FileHistory* const file = file_named(history, violation.path, counts.issued);
  if (file == nullptr) return {{}, last_change(recording, counts.issued)};
  Circumstances found;
  size_t begin = 0;
  if (about_promises(violation.contract)) {
    const std::optional<size_t> promise = last_promise(history, *file, counts.returned);
    found.promise = promise ? history.op_name(*promise) : kStart;
    if (promise) begin = *promise + 1;
  }
  found.touch = last_touch(recording, *file, violation.path, begin, counts.issued);
  return found;
}

}  // namespace zerotail::harness
