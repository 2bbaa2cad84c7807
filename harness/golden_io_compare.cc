// The comparison. Both runs of an operation are cut into pieces: a flush, a barrier, or a step of
// writes between which nothing waited. Pieces must come in the same order; inside one, order and
// grouping mean nothing.
#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "golden_io_text.h"
#include "zerotail/harness/golden_io.h"

namespace zerotail::harness {
namespace {

using Kind = GoldenEntry::Kind;
using Entries = std::vector<GoldenEntry>;

enum class Order : uint8_t {
  kNone,    // one pass over everything: only flushes and barriers order
  kFsync,   // data, the file's own set, the rest
  kStrict,  // request by request: sync and dirsync mounts
};

struct Rule {
  Order order = Order::kNone;
  std::string directory;  // kFsync: where the own set stands
  std::string name;
};

struct Piece {
  Kind kind = Kind::kWrite;
  bool data = false;
  GoldenChanges changes;
  std::map<uint64_t, size_t> writes;  // sector -> how often
  uint64_t first_submitted = 0;
  uint64_t last_completed = 0;
};

bool on_option(const GoldenIoTrace& trace, const char* option) {
  const std::vector<std::string>& words = trace.header.mount;
  return std::find(words.begin(), words.end(), option) != words.end();
}

Rule rule_for(const GoldenIoTrace& trace, const Operation& op) {
  Rule rule;
  const bool sync = on_option(trace, "sync");
  const bool dirsync = on_option(trace, "dirsync");
  switch (op.kind) {
    case OpKind::kCreate:
    case OpKind::kMkdir:
    case OpKind::kUnlink:
    case OpKind::kUnlinkKeep:
    case OpKind::kRmdir:
    case OpKind::kRename:
    case OpKind::kTruncate:
    case OpKind::kFallocate:
      if (sync || dirsync) rule.order = Order::kStrict;
      return rule;
    case OpKind::kWrite:
    case OpKind::kAppend:
    case OpKind::kDwrite:
      rule.order = sync ? Order::kStrict : Order::kFsync;
      break;
    case OpKind::kFsync:
    case OpKind::kFdatasync:
    case OpKind::kFsyncDir:
    case OpKind::kMsync:
      rule.order = Order::kFsync;
      break;
    default:
      return rule;
  }
  const size_t slash = op.path.rfind('/');
  rule.directory = slash == std::string::npos ? "" : op.path.substr(0, slash);
  rule.name = slash == std::string::npos ? op.path : op.path.substr(slash + 1);
  return rule;
}

bool touches_own_set(const GoldenEntry& entry, const Rule& rule) {
  return std::any_of(entry.changes.begin(), entry.changes.end(), [&rule](const auto& change) {
    return change.first.kind == GoldenPlace::Kind::kSet && change.first.where == rule.directory &&
           change.second.find(" '" + rule.name + "' ") != std::string::npos;
  });
}

void add_entry(Piece& piece, const GoldenEntry& entry) {
  if (piece.first_submitted == 0) piece.first_submitted = entry.submitted;
  piece.last_completed = std::max(piece.last_completed, entry.completed);
  for (const auto& [place, value] : entry.changes) {
    if (place.kind == GoldenPlace::Kind::kSector) ++piece.writes[place.number];
  }
  merge_changes(piece.changes, entry.changes);
}

// Which step of its segment a write belongs to; steps never go back.
class Stepper {
 public:
  explicit Stepper(const Rule& rule) : rule_(rule) {}
  void reset() {
    step_ = 0;
    last_was_data_ = false;
  }
  size_t next(const GoldenEntry& entry) {
    switch (rule_.order) {
      case Order::kNone:
        break;
      case Order::kStrict:
        if (!(entry.data && last_was_data_)) ++step_;
        last_was_data_ = entry.data;
        break;
      case Order::kFsync:
        step_ = std::max(step_, entry.data ? kData : touches_own_set(entry, rule_) ? kOwn : kRest);
        break;
    }
    return step_;
  }

 private:
  static constexpr size_t kData = 0;
  static constexpr size_t kOwn = 1;
  static constexpr size_t kRest = 2;
  const Rule& rule_;
  size_t step_ = 0;
  bool last_was_data_ = false;
};

std::vector<Piece> cut(const Entries& entries, const Rule& rule) {
  std::vector<Piece> pieces;
  Stepper stepper(rule);
  std::optional<size_t> open;  // the step of the piece that is being filled
  for (const GoldenEntry& entry : entries) {
    const bool ends = entry.kind == Kind::kFlush || entry.kind == Kind::kBarrier;
    const size_t step = ends ? 0 : stepper.next(entry);
    if (ends || open != step) {
      Piece& piece = pieces.emplace_back();
      piece.kind = entry.kind == Kind::kDiscard ? Kind::kWrite : entry.kind;
      piece.data = entry.data;
    }
    add_entry(pieces.back(), entry);
    open = ends ? std::nullopt : std::optional<size_t>(step);
    if (ends) stepper.reset();
  }
  return pieces;
}

// Places whose change the other side lacks or has differently.
GoldenChanges only_in(const GoldenChanges& a, const GoldenChanges& b) {
  GoldenChanges out;
  for (const auto& [place, value] : a) {
    const auto other = b.find(place);
    if (other == b.end() || other->second != value) out[place] = value;
  }
  return out;
}

std::string rewrite_difference(const Piece& want, const Piece& got) {
  std::string out;
  for (const auto& [sector, count] : want.writes) {
    const auto other = got.writes.find(sector);
    if (other == got.writes.end() || other->second == count) continue;
    out += fmt::format("sector {} is written {} times, not {}; ", sector, other->second, count);
  }
  return out;
}

std::string piece_difference(const Piece& want, const Piece& got, bool count_writes) {
  if (want.kind != got.kind) return "another kind of request";
  const GoldenChanges missing = only_in(want.changes, got.changes);
  const GoldenChanges added = only_in(got.changes, want.changes);
  std::string out;
  if (!missing.empty()) out += "only the kernel: " + print_changes(missing) + ". ";
  if (!added.empty()) out += "only the core: " + print_changes(added) + ". ";
  if (out.empty() && count_writes) out = rewrite_difference(want, got);
  return out;
}

// Steps of one segment: the later one's first request waits for the earlier one's last.
std::string wait_difference(const std::vector<Piece>& pieces) {
  for (size_t i = 1; i < pieces.size(); ++i) {
    if (pieces[i].first_submitted < pieces[i - 1].last_completed) {
      return fmt::format("piece {} was submitted before piece {} was complete", i, i - 1);
    }
  }
  return "";
}

std::string compare(const Entries& want_entries, const Entries& got_entries, const Rule& rule,
                    bool count_writes) {
  const std::vector<Piece> want = cut(want_entries, rule);
  const std::vector<Piece> got = cut(got_entries, rule);
  for (size_t i = 0; i < std::min(want.size(), got.size()); ++i) {
    const std::string text = piece_difference(want[i], got[i], count_writes);
    if (!text.empty()) return fmt::format("piece {}: {}", i, text);
  }
  if (want.size() != got.size()) {
    return fmt::format("the kernel has {} pieces, the core {}", want.size(), got.size());
  }
  return rule.order == Order::kNone ? "" : wait_difference(got);
}

std::string print_entries(const char* who, const Entries& entries) {
  std::string out = fmt::format("    {} ({})\n", who, entries.size());
  for (const GoldenEntry& entry : entries) out += "      " + print_golden_entry(entry) + "\n";
  return out;
}

std::string report(const std::string& title, const std::string& problem, const Entries& want,
                   const Entries& got) {
  return "  " + title + "\n    " + problem + "\n" + print_entries("the kernel", want) +
         print_entries("the core", got);
}

Entries joined(const std::vector<Entries>& io) {
  Entries all;
  for (const Entries& entries : io) all.insert(all.end(), entries.begin(), entries.end());
  return all;
}

}  // namespace

std::string golden_io_difference(const GoldenIoTrace& trace, const std::string& kernel,
                                 const GoldenIoRun& got) {
  const GoldenIoRun& want = trace.kernels.at(kernel);
  const bool varies = trace.varies.count(kernel) != 0;
  std::string out;
  for (size_t i = 0; i < trace.steps.size(); ++i) {
    if (want.ret[i] == got.ret[i]) continue;
    out += fmt::format("  operation {} {}: the kernel answered {}, the core {}\n", i,
                       trace.steps[i].text, want.ret[i], got.ret[i]);
  }
  // When the flusher runs is nobody's promise: what it writes is compared with what follows.
  if (trace.has_flusher()) {
    const Entries all_want = joined(want.io);
    const Entries all_got = joined(got.io);
    const std::string problem = compare(all_want, all_got, {}, false);
    return problem.empty() ? out : out + report("the whole trace", problem, all_want, all_got);
  }
  for (size_t i = 0; i < want.io.size(); ++i) {
    const bool last = i == trace.steps.size();
    if (!last && trace.steps[i].kind == GoldenIoStep::Kind::kSetDirty) continue;
    Rule rule;
    if (!last && !varies) rule = rule_for(trace, trace.steps[i].op);
    const std::string problem = compare(want.io[i], got.io[i], rule, !varies);
    if (problem.empty()) continue;
    const std::string title =
        last ? "the final umount" : fmt::format("operation {} {}", i, trace.steps[i].text);
    out += report(title, problem, want.io[i], got.io[i]);
  }
  return out;
}

}  // namespace zerotail::harness
