// The enumeration against a count that knows the rules of docs/ENUMERATION.md and nothing of the
// code: every candidate with every name, judged by the reference model, and the smallest of those
// that differ in names only kept.
#include "zerotail/harness/enumerate.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>

#include "zerotail/harness/differential.h"
#include "zerotail/harness/model.h"

namespace zerotail::harness {
namespace {

constexpr uint64_t kSector = 512;
constexpr uint64_t kPage = 4096;
constexpr uint64_t kCluster = 8192;
constexpr uint64_t kValid = 2500;
constexpr uint64_t kSize = 10000;
constexpr const char* kLong = "a-name-that-needs-another-entry";

std::unique_ptr<Enumeration> enumeration(unsigned length) {
  EnumerateOptions options;
  options.length = length;
  auto made = Enumeration::create(options);
  EXPECT_TRUE(made.ok()) << made.error().message();
  return std::move(*made);
}

uint64_t up(uint64_t value, uint64_t unit) { return (value + unit - 1) / unit * unit; }

// What a path is at the start.
enum class At : uint8_t { kAbsent, kDirectory, kPartial, kEmpty, kFull, kChained };
using Start = std::map<std::string, At>;

std::vector<Operation> setup_of(const Start& start) {
  std::vector<Operation> ops;
  const auto file = [&](const std::string& path, uint64_t valid, uint64_t size) {
    ops.push_back({.kind = OpKind::kCreate, .path = path});
    if (valid > 0) {
      ops.push_back(
          {.kind = OpKind::kWrite, .path = path, .len = static_cast<int64_t>(valid), .seed = 1});
    }
    ops.push_back({.kind = OpKind::kTruncate, .path = path, .size = static_cast<int64_t>(size)});
  };
  for (const auto& [path, at] : start) {
    if (at == At::kDirectory) ops.push_back({.kind = OpKind::kMkdir, .path = path});
    if (at == At::kPartial || at == At::kChained) file(path, kValid, kSize);
    if (at == At::kEmpty) file(path, 0, 0);
    if (at == At::kFull) file(path, kSize, kSize);
  }
  if (start.contains("d")) file("d/k", 100, 100);
  return ops;
}

Model model_of(const Start& start, const std::vector<Operation>& ops) {
  static const ModelGeometry geometry = [] {
    TraceHeader header;
    header.cluster = kCluster;
    return *fresh_geometry(header);
  }();
  Model model(geometry);
  for (const Operation& op : setup_of(start)) EXPECT_GE(model.apply(op).result.ret, 0);
  for (const Operation& op : ops) EXPECT_GE(model.apply(op).result.ret, 0);
  return model;
}

std::string swapped(std::string path, bool root, bool below) {
  if (root && (path == "f" || path == "g")) path = path == "f" ? "g" : "f";
  if (below && (path == "d/f" || path == "d/g")) path = path == "d/f" ? "d/g" : "d/f";
  return path;
}

// The same text for sequences that differ in names only.
std::string key(const Start& start, const std::vector<Operation>& ops) {
  std::string least;
  for (int which = 0; which < 4; ++which) {
    const bool root = (which & 1) != 0;
    const bool below = (which & 2) != 0;
    std::set<std::string> states;
    for (const auto& [path, at] : start) {
      if (at == At::kAbsent) continue;  // as the operations tell
      states.insert(fmt::format("{}={}", swapped(path, root, below), static_cast<int>(at)));
    }
    std::string text = fmt::format("{}", fmt::join(states, " "));
    for (Operation op : ops) {
      op.path = swapped(op.path, root, below);
      op.to = swapped(op.to, root, below);
      op.seed = 0;
      text += "\n" + print_operation(op);
    }
    if (least.empty() || text < least) least = text;
  }
  return least;
}

struct Sequence {
  Start start;
  std::vector<Operation> ops;  // what is explored
};

// A workload of the enumeration, with the start read from its setup.
Sequence sequence_of(const Workload& workload) {
  Sequence sequence;
  std::string last;
  for (size_t i = 0; i < workload.setup; ++i) {
    const Operation& op = workload.trace.ops[i];
    if (op.path == "d/k" || (op.path == "keep" && op.kind != OpKind::kAppend)) continue;
    if (op.kind == OpKind::kMkdir) sequence.start[op.path] = At::kDirectory;
    if (op.kind == OpKind::kCreate) sequence.start[op.path] = At::kEmpty;
    if (op.kind == OpKind::kWrite) {
      const bool full = op.len == static_cast<int64_t>(kSize);
      EXPECT_TRUE(full || op.len == static_cast<int64_t>(kValid));
      sequence.start[op.path] = full ? At::kFull : At::kPartial;
    }
    if (op.kind == OpKind::kAppend) sequence.start[last] = At::kChained;
    last = op.path;
  }
  for (size_t i = workload.setup; i < workload.trace.ops.size(); ++i) {
    const Operation& op = workload.trace.ops[i];
    if (op.kind == OpKind::kSleep) continue;
    for (const std::string* path : {&op.path, &op.to}) {
      if (!path->empty()) sequence.start.try_emplace(*path, At::kAbsent);
    }
    sequence.ops.push_back(op);
  }
  return sequence;
}

std::string parent_of(const std::string& path) {
  const size_t slash = path.rfind('/');
  return slash == std::string::npos ? "" : path.substr(0, slash);
}

// Everything that could be tried after a beginning.
class Candidates {
 public:
  Candidates(Start start, std::vector<Operation> ops, bool first, bool last)
      : start_(std::move(start)),
        ops_(std::move(ops)),
        model_(model_of(start_, ops_)),
        first_(first),
        last_(last) {}

  std::set<std::string> keys() {
    for (const Model::Entry& entry : model_.entries()) {
      if (!entry.directory && entry.path != "d/k" && entry.path != "e/k")
        file(entry.path, {}, true);
    }
    for (const char* path : {"f", "g", "d/f", "d/g"}) {
      if (start_.contains(path)) continue;
      const bool root = parent_of(path).empty();
      file(path, At::kPartial, first_ && root);
      if (!first_ || !root) continue;
      for (const At at : {At::kEmpty, At::kFull, At::kChained}) file(path, at, false);
    }
    for (const char* path : {"f", "g", "d/f", "d/g"}) {
      try_from(path, At::kAbsent, {.kind = OpKind::kCreate, .path = path, .mode = kCreateExclusive},
               path, "create");
    }
    directories();
    attempt(start_, {.kind = OpKind::kLabel, .text = "label"}, "", "volume");
    return std::move(keys_);
  }

 private:
  // The start with a path that is decided now, and the directory above it.
  [[nodiscard]] std::optional<Start> decided(const Start& start, const std::string& path,
                                             At at) const {
    Start more = start;
    if (const auto place = more.find(path); place != more.end()) return std::nullopt;
    if (model_.find(path)) return std::nullopt;
    if (!parent_of(path).empty()) more.try_emplace(parent_of(path), At::kDirectory);
    more[path] = at;
    return more;
  }

  // With the path as it is, or, when it was never used, as `at`.
  void try_from(const std::string& path, At at, const Operation& op, const std::string& after,
                const std::string& subject) {
    if (start_.contains(path) || model_.find(path)) return attempt(start_, op, after, subject);
    if (const auto start = decided(start_, path, at)) attempt(*start, op, after, subject);
  }

  void file(const std::string& path, std::optional<At> at, bool fine) {
    Start start = start_;
    if (at) {
      const auto more = decided(start_, path, *at);
      if (!more) return;
      start = *more;
    }
    if (at && !reachable(start)) return;
    const Model model = model_of(start, ops_);
    const auto entry = model.find(path);
    ASSERT_TRUE(entry.has_value()) << path;
    data(start, path, entry->valid_size, entry->size, fine);
    attempt(start, {.kind = OpKind::kCreate, .path = path, .mode = kCreateTruncate}, path, "data");
    attempt(start, {.kind = OpKind::kAttributes, .path = path, .value = 2}, path, "data");
    attempt(start, {.kind = OpKind::kUnlink, .path = path}, path, "gone");
    attempt(start, {.kind = OpKind::kUnlinkKeep, .path = path}, path, "gone");
    if (at && *at != At::kPartial) return;
    for (const std::string to : {"f", "g", "d/f", "d/g", kLong}) {
      const Operation op{.kind = OpKind::kRename, .path = path, .to = to};
      if (to == path) continue;
      if (start.contains(to) || model.find(to)) {
        attempt(start, op, to, "name");
        continue;
      }
      for (const At there : {At::kAbsent, At::kPartial}) {
        if (to == kLong && there == At::kPartial) continue;
        if (const auto more = decided(start, to, there)) attempt(*more, op, to, "name");
      }
    }
  }

  // A start that has a path below `d` needs `d` to be there now.
  [[nodiscard]] bool reachable(const Start& start) const {
    if (start_.contains("d") && !model_.find("d")) {
      for (const auto& [path, at] : start) {
        if (parent_of(path) == "d" && !start_.contains(path)) return false;
      }
    }
    return true;
  }

  void data(const Start& start, const std::string& path, uint64_t valid, uint64_t size, bool fine) {
    const uint64_t block = kSector;
    std::set<std::pair<uint64_t, uint64_t>> ranges;
    std::set<uint64_t> places{0};
    for (const uint64_t x : {kSector, kPage, kCluster, valid, size}) {
      if (x > 0) places.insert(x - 1);
      places.insert(x);
      places.insert(x + 1);
    }
    if (fine) {
      for (const uint64_t begin : places) {
        for (const uint64_t end : {begin + 1, begin + kSector, begin + kCluster, valid, size}) {
          if (end > begin) ranges.insert({begin, end});
        }
      }
    } else {
      ranges = {{valid, valid + 1},
                {size, size + 1},
                {size + 1, size + 1 + block},
                {kCluster - 1, kCluster - 1 + block}};
      if (size > 0) ranges.insert({0, size});
      if (valid > 0) ranges.insert({valid - 1, valid - 1 + block});
    }
    for (const auto& [begin, end] : ranges) {
      for (const OpKind kind : {OpKind::kWrite, OpKind::kMwrite}) {
        attempt(start, on_range(kind, path, begin, end - begin), path,
                kind == OpKind::kWrite ? "data" : "mapping");
      }
    }
    std::set<uint64_t> direct{valid / block * block, up(size, block)};
    if (fine) {
      direct.insert({0, block, kPage, kCluster, up(valid, block), size / block * block,
                     up(size, block) + block});
    }
    for (const uint64_t begin : direct) {
      for (const uint64_t length : {block, kCluster}) {
        attempt(start, on_range(OpKind::kDwrite, path, begin, length), path, "data");
      }
    }
    sizes(start, path, valid, size, fine, places);
  }

  void sizes(const Start& start, const std::string& path, uint64_t valid, uint64_t size, bool fine,
             const std::set<uint64_t>& places) {
    const uint64_t to_cluster = up(size + 1, kCluster) - size;
    std::set<uint64_t> lengths{1, to_cluster + 1};
    if (fine) {
      const uint64_t to_block = up(size + 1, kSector) - size;
      lengths.insert({kSector, to_block, to_block + 1, to_cluster});
    }
    for (const uint64_t length : lengths) {
      Operation op = on_range(OpKind::kAppend, path, 0, length);
      attempt(start, op, path, "data");
    }
    const uint64_t end = up(size, kCluster);
    std::set<uint64_t> cuts{0, size + 1, end + 1};
    std::set<uint64_t> ends{end + 1};
    if (fine) {
      cuts.insert(places.begin(), places.end());
      cuts.insert(end);
      ends.insert({end, size + 1});
      if (end > 0) cuts.insert(end - 1);
      if (end > 0) ends.insert(end - 1);
    } else {
      cuts.insert({valid + 1, kCluster});
      if (valid > 0) cuts.insert(valid - 1);
    }
    for (const uint64_t cut : cuts) {
      attempt(start, {.kind = OpKind::kTruncate, .path = path, .size = static_cast<int64_t>(cut)},
              path, "data");
    }
    for (const uint64_t to : ends) {
      if (to == 0) continue;
      attempt(start, on_range(OpKind::kFallocate, path, 0, to), path, "data");
    }
  }

  static Operation on_range(OpKind kind, const std::string& path, uint64_t begin, uint64_t length) {
    return {.kind = kind,
            .path = path,
            .off = static_cast<int64_t>(begin),
            .len = static_cast<int64_t>(length)};
  }

  void directories() {
    for (const char* path : {"e", "d/n"}) {
      try_from(path, At::kAbsent, {.kind = OpKind::kMkdir, .path = path}, path, "directory");
      try_from(path, At::kDirectory, {.kind = OpKind::kRmdir, .path = path}, path, "gone");
    }
    for (const char* path : {"d", "e", "d/n"}) {
      Start start = start_;
      if (!start_.contains(path)) {
        const auto more = decided(start_, path, At::kDirectory);
        if (!more) continue;
        start = *more;
      }
      if (path == std::string("d")) {
        attempt(start, {.kind = OpKind::kAttributes, .path = path, .value = 2}, path, "directory");
      }
      for (const char* to : {"e", "d/n"}) {
        const Operation op{.kind = OpKind::kRename, .path = path, .to = to};
        if (to == std::string(path)) continue;
        if (start.contains(to)) {
          attempt(start, op, to, "directory");
          continue;
        }
        for (const At there : {At::kAbsent, At::kDirectory}) {
          if (const auto more = decided(start, to, there)) attempt(*more, op, to, "directory");
        }
      }
    }
  }

  // Keeps the candidate, with every way to persist that makes a difference, unless it is refused or
  // changes nothing.
  void attempt(const Start& start, const Operation& op, const std::string& after,
               const std::string& subject) {
    if (!reachable(start)) return;
    Model model = model_of(start, ops_);
    const auto before = model.find(op.path);
    const bool was_open = opened(op.path);
    const Prediction answer = model.apply(op);
    if (answer.result.ret < 0 || answer.result.find("sigbus") != nullptr) return;
    if (before && !before->directory) {
      const auto now = model.find(op.path);
      const bool same = now && now->size == before->size && now->valid_size == before->valid_size;
      const bool resizes = op.kind == OpKind::kTruncate || op.kind == OpKind::kFallocate ||
                           op.kind == OpKind::kCreate;
      if (resizes && same) return;
    }
    if (op.kind == OpKind::kUnlinkKeep && !was_open) return;
    for (const Operation& persist : persistence(after, subject)) {
      std::vector<Operation> all = ops_;
      all.push_back(op);
      if (persist.kind != OpKind::kClose) all.push_back(persist);
      keys_.insert(key(start, all));
    }
  }

  // By a step before; one step at most has been, so that no rename moves a descriptor.
  [[nodiscard]] bool opened(const std::string& path) const {
    bool open = false;
    for (const Operation& op : ops_) {
      if (op.kind == OpKind::kRemount) open = false;
      if (op.path != path) continue;
      switch (op.kind) {
        case OpKind::kWrite:
        case OpKind::kDwrite:
        case OpKind::kMwrite:
        case OpKind::kAppend:
        case OpKind::kTruncate:
        case OpKind::kFallocate:
        case OpKind::kCreate:
          open = true;
          break;
        default:
          break;
      }
    }
    return open;
  }
  [[nodiscard]] std::vector<Operation> persistence(const std::string& after,
                                                   const std::string& subject) const {
    std::vector<Operation> list{{.kind = OpKind::kClose}, {.kind = OpKind::kSync}};
    if (!last_) list.push_back({.kind = OpKind::kRemount});
    if (subject != "gone" && subject != "volume") {
      list.push_back({.kind = OpKind::kFsync, .path = after});
    }
    if (subject == "data" || subject == "create" || subject == "name") {
      list.push_back({.kind = OpKind::kFdatasync, .path = after});
    }
    if (subject == "mapping") list.push_back({.kind = OpKind::kMsync, .path = after});
    if (subject == "create" || subject == "name" || subject == "directory" || subject == "gone") {
      list.push_back({.kind = OpKind::kFsyncDir, .path = parent_of(after)});
    }
    return list;
  }

  Start start_;
  std::vector<Operation> ops_;
  Model model_;
  bool first_;
  bool last_;
  std::set<std::string> keys_;
};

// Compares what is enumerated with what is counted; `count` finds duplicates.
void expect_same(const std::set<std::string>& enumerated, uint64_t count,
                 const std::set<std::string>& counted) {
  EXPECT_EQ(enumerated.size(), count) << "some are the same but for names";
  for (const std::string& one : counted) {
    EXPECT_TRUE(enumerated.contains(one)) << "not enumerated: " << one;
  }
  for (const std::string& one : enumerated) {
    EXPECT_TRUE(counted.contains(one)) << "enumerated against the rules: " << one;
  }
}

TEST(Enumeration, OfLengthOneIsWhatACountByTheRulesGives) {
  const auto all = enumeration(1);
  std::set<std::string> enumerated;
  for (uint64_t i = 0; i < all->counts().sequences; ++i) {
    const Sequence sequence = sequence_of(all->workload(i));
    enumerated.insert(key(sequence.start, sequence.ops));
  }
  expect_same(enumerated, all->counts().sequences, Candidates({}, {}, true, true).keys());
}

std::string first_step(const std::string& name) { return name.substr(6, name.find('_') - 6); }

// The first sequence from `low` on whose first step is `step`, which is that of `number`; or, with
// `after`, the first one behind them.
uint64_t edge(const Enumeration& all, uint64_t number, bool after) {
  const std::string step = first_step(all.name(number));
  uint64_t low = after ? number + 1 : 0;
  uint64_t high = after ? all.counts().sequences : number;
  while (low < high) {
    const uint64_t middle = low + (high - low) / 2;
    if ((first_step(all.name(middle)) == step) == after) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

TEST(Enumeration, OfLengthTwoIsWhatACountByTheRulesGivesAfterSomeFirstSteps) {
  const auto all = enumeration(2);
  for (const uint64_t number : all->sample(8, 3)) {
    const std::string name = all->name(number);
    SCOPED_TRACE(name);
    // A remount ends no sequence of one step.
    std::string step = first_step(name);
    const size_t dot = step.rfind('.');
    const bool remount = step.substr(dot) == ".remount";
    if (remount) step = step.substr(0, dot) + ".none";
    const auto alone = enumerated_workload("enum1-" + step);
    ASSERT_TRUE(alone.ok()) << alone.error().message();
    Sequence first = sequence_of(*alone);
    if (remount) first.ops.push_back({.kind = OpKind::kRemount});
    std::set<std::string> enumerated;
    const uint64_t begin = edge(*all, number, false);
    const uint64_t end = edge(*all, number, true);
    for (uint64_t i = begin; i < end; ++i) {
      const Sequence sequence = sequence_of(all->workload(i));
      enumerated.insert(key(sequence.start, sequence.ops));
    }
    expect_same(enumerated, end - begin, Candidates(first.start, first.ops, false, true).keys());
  }
}

TEST(Enumeration, EverySequenceIsNamedOnceAndItsNameGivesItsTrace) {
  const auto all = enumeration(1);
  std::set<std::string> names;
  std::set<std::string> traces;
  for (uint64_t i = 0; i < all->counts().sequences; ++i) {
    const Workload workload = all->workload(i);
    names.insert(workload.name);
    Trace unnamed = workload.trace;
    unnamed.header.trace.clear();
    traces.insert(print_trace(unnamed));
    if (i % 8 != 0) continue;
    const auto again = workload_by_name(workload.name);
    ASSERT_TRUE(again.ok()) << again.error().message();
    EXPECT_EQ(print_trace(again->trace), print_trace(workload.trace)) << workload.name;
  }
  EXPECT_EQ(names.size(), all->counts().sequences);
  EXPECT_EQ(traces.size(), all->counts().sequences);
}

TEST(Enumeration, EveryTraceParsesAndRunsWithoutADifferenceToTheModel) {
  for (const unsigned length : {1U, 2U}) {
    const auto all = enumeration(length);
    for (const uint64_t i : all->sample(200, length)) {
      const Workload workload = all->workload(i);
      const auto parsed = parse_trace(print_trace(workload.trace), workload.name);
      ASSERT_TRUE(parsed.ok()) << parsed.error().message();
      EXPECT_EQ(*parsed, workload.trace);
      const auto wrong = find_disagreement(workload.trace);
      EXPECT_FALSE(wrong.has_value()) << workload.name << ": " << wrong->text;
    }
  }
}

TEST(Enumeration, OfLengthThreeEveryOperationOfASampleSucceeds) {
  const auto all = enumeration(3);
  EXPECT_GT(all->counts().sequences, uint64_t{1'000'000'000});
  for (const uint64_t i : all->sample(50, 1)) {
    const Workload workload = all->workload(i);
    Model model = model_of({}, {});
    for (const Operation& op : workload.trace.ops) {
      const Prediction answer = model.apply(op);
      EXPECT_GE(answer.result.ret, 0) << workload.name << " " << print_operation(op);
      EXPECT_EQ(answer.result.find("sigbus"), nullptr) << workload.name;
    }
  }
  const std::string last = all->name(all->counts().sequences - 1);
  EXPECT_TRUE(workload_by_name(last).ok()) << last;
}

TEST(Enumeration, ASampleIsDrawnFromItsSeedWithoutRepetition) {
  const auto all = enumeration(2);
  const std::vector<uint64_t> sample = all->sample(500, 9);
  EXPECT_EQ(sample.size(), 500u);
  EXPECT_EQ(std::set<uint64_t>(sample.begin(), sample.end()).size(), 500u);
  EXPECT_TRUE(std::is_sorted(sample.begin(), sample.end()));
  EXPECT_EQ(sample, all->sample(500, 9));
  EXPECT_NE(sample, all->sample(500, 10));
  EXPECT_EQ(enumeration(1)->sample(1'000'000, 1).size(), enumeration(1)->counts().sequences);
}

TEST(Enumeration, OtherGeometriesAreInTheName) {
  EnumerateOptions options;
  options.sector = 4096;
  options.cluster = 32768;
  const auto all = Enumeration::create(options);
  ASSERT_TRUE(all.ok()) << all.error().message();
  const Workload workload = (*all)->workload(5);
  EXPECT_EQ(workload.name.rfind("enum1.s4096.c32768-", 0), 0u) << workload.name;
  const auto again = workload_by_name(workload.name);
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(again->trace, workload.trace);
  EXPECT_EQ(again->trace.header.cluster, 32768u);
  const auto wrong = find_disagreement(again->trace);
  EXPECT_FALSE(wrong.has_value()) << wrong->text;
}

TEST(Enumeration, AWrongNameIsAnErrorThatNamesTheWord) {
  const std::vector<std::pair<std::string, std::string>> wrong = {
      {"enum1-write.f.v-1.b.fsnyc", "write.f.v-1.b.fsnyc"},
      {"enum1-write.g.0.1.none", "write.g.0.1.none"},  // f comes first
      {"enum1-label.remount", "label.remount"},        // nothing follows
      {"enum1", "step 1"},
      {"enum2-label.none", "step 2"},
      {"enum1-label.none_label.none", "left over"},
      {"enum9-label.none", "length 9"},
      {"enum1.c3000-label.none", "cluster 3000"},
      {"enum1.x1-label.none", "x1"},
  };
  for (const auto& [name, word] : wrong) {
    const auto workload = workload_by_name(name);
    ASSERT_FALSE(workload.ok()) << name;
    EXPECT_NE(workload.error().where().find(word), std::string::npos) << workload.error().where();
  }
}

}  // namespace
}  // namespace zerotail::harness
