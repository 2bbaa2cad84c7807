// The steps that may follow a beginning. The rules stand in docs/ENUMERATION.md; a count that knows
// nothing of this file stands in the tests.
#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "enumerate_state.h"
#include "zerotail/sim/assert.h"

namespace zerotail::harness {
namespace {

constexpr std::array kFiles = {"f", "g", "d/f", "d/g"};
constexpr std::array kDirectories = {"e", "d/n"};  // beside `d`, which is never absent at first
constexpr const char* kTop = "d";
constexpr const char* kLongName = "a-name-that-needs-another-entry";
constexpr uint32_t kHidden = 2;

std::string parent_of(const std::string& path) {
  const size_t slash = path.rfind('/');
  return slash == std::string::npos ? std::string{} : path.substr(0, slash);
}

// The name that `path` may be exchanged with, if that comes first.
std::string twin_before(const std::string& path) {
  if (path == "g") return "f";
  if (path == "d/g") return "d/f";
  return {};
}

uint64_t up(uint64_t value, uint64_t unit) { return (value + unit - 1) / unit * unit; }
uint64_t down(uint64_t value, uint64_t unit) { return value / unit * unit; }

// A position or a length with its word.
struct Place {
  std::string word;
  uint64_t at = 0;
};
struct Range {
  Place begin;
  Place length;
};

// What makes a step persist, with which of them fit.
enum class Subject : uint8_t { kData, kMapping, kNewFile, kFileName, kDirectory, kGone, kVolume };

struct Persistence {
  const char* word;
  OpKind kind;
};
constexpr std::array<Persistence, 8> kPersistence = {{{"none", OpKind::kClose},
                                                      {"fsync", OpKind::kFsync},
                                                      {"fdatasync", OpKind::kFdatasync},
                                                      {"msync", OpKind::kMsync},
                                                      {"fsyncdir", OpKind::kFsyncDir},
                                                      {"sync", OpKind::kSync},
                                                      {"syncfs", OpKind::kSyncfs},
                                                      {"remount", OpKind::kRemount}}};

bool fits(OpKind persistence, Subject subject, bool last) {
  switch (persistence) {
    case OpKind::kClose:  // none
    case OpKind::kSync:
      return true;
    case OpKind::kSyncfs:  // the same as sync
      return false;
    case OpKind::kRemount:  // at the end the unmount follows anyway
      return !last;
    case OpKind::kFsync:
      return subject != Subject::kGone && subject != Subject::kVolume;
    case OpKind::kFdatasync:  // of a mapping it is msync, of a directory fsync
      return subject == Subject::kData || subject == Subject::kNewFile ||
             subject == Subject::kFileName;
    case OpKind::kMsync:
      return subject == Subject::kMapping;
    case OpKind::kFsyncDir:  // promises names
      return subject != Subject::kData && subject != Subject::kMapping &&
             subject != Subject::kVolume;
    default:
      ZT_ASSERT_MSG(false, "no persistence operation");
      return false;
  }
}

struct File {
  std::string path;
  std::vector<Need> needs;  // empty: used already
  std::string word;         // with the initial state, where it is not kPartial
  bool symmetric = false;
  bool fine = false;
  uint64_t valid = 0;
  uint64_t size = 0;
};

class StepMaker {
 public:
  StepMaker(const Beginning& beginning, bool last, bool only_count,
            std::array<uint64_t, kDropRuleCount>* dropped)
      : b_(beginning),
        scale_(beginning.scale()),
        last_(last),
        only_count_(only_count),
        dropped_(*dropped) {}

  std::vector<Step> make() {
    for (const File& file : files()) {
      writes(file);
      direct_writes(file);
      stores(file);
      appends(file);
      resizes(file);
      names_of(file);
    }
    creates();
    directories();
    on_volume();
    return std::move(steps_);
  }
  [[nodiscard]] uint64_t count() const { return count_; }

 private:
  // ---- names

  [[nodiscard]] bool parent_there(const std::string& path) const {
    const std::string parent = parent_of(path);
    if (parent.empty()) return true;
    const auto place = b_.tree().find(parent);
    if (place != b_.tree().end()) return place->second.directory;
    return parent == kTop && !b_.used(kTop);
  }
  [[nodiscard]] bool exists(const std::string& path) const { return b_.tree().contains(path); }
  // It can be there, or not, as a step wants.
  [[nodiscard]] bool fresh(const std::string& path) const {
    return !b_.used(path) && !exists(path) && parent_there(path);
  }
  [[nodiscard]] bool absent(const std::string& path) const {
    return !exists(path) && parent_there(path);
  }
  // Another name should have come first. `also`: a path that the same step uses before.
  [[nodiscard]] bool symmetric(const std::string& path, const std::string& also = {}) const {
    const std::string before = twin_before(path);
    return !before.empty() && before != also && !b_.used(path) && !b_.used(before);
  }
  // What the first use of a path needs, parents first.
  [[nodiscard]] std::vector<Need> needs(const std::string& path, Initial initial) const {
    std::vector<Need> list;
    const std::string parent = parent_of(path);
    if (parent == kTop && !b_.used(kTop)) list.push_back({kTop, Initial::kDirectory});
    if (!b_.used(path)) list.push_back({path, initial});
    return list;
  }
  static void add_needs(const std::vector<Need>& more, std::vector<Need>* list) {
    for (const Need& need : more) {
      if (std::find(list->begin(), list->end(), need) == list->end()) list->push_back(need);
    }
  }

  [[nodiscard]] std::vector<File> files() const {
    std::vector<File> list;
    for (const auto& [path, node] : b_.tree()) {
      if (node.directory || path.back() == 'k') continue;
      list.push_back({path, {}, path_word(path), false, true, node.valid, node.size});
    }
    for (const char* path : kFiles) {
      if (fresh(path)) add_fresh(path, &list);
    }
    return list;
  }

  void add_fresh(const std::string& path, std::vector<File>* list) const {
    const bool alone = b_.steps() == 0 && parent_of(path).empty();
    const std::string word = path_word(path);
    const auto add = [&](Initial initial, const char* suffix, bool fine, uint64_t valid,
                         uint64_t size) {
      list->push_back(
          {path, needs(path, initial), word + suffix, symmetric(path), fine, valid, size});
    };
    add(Initial::kPartial, "", alone, scale_.valid, scale_.size);
    if (!alone) return;
    add(Initial::kEmpty, "-empty", false, 0, 0);
    add(Initial::kFull, "-full", false, scale_.size, scale_.size);
    add(Initial::kChained, "-chain", false, scale_.valid, scale_.size);
  }

  // ---- putting a step down

  struct Candidate {
    std::string text;
    Operation op;
    std::vector<Need> needs;
    Subject subject = Subject::kData;
    std::string after{};  // what fsync gets; the directory that fsyncdir gets is its parent
    bool symmetric = false;
    bool no_effect = false;
  };

  // What tells candidates apart; the paths tell which paths the needs are about.
  struct Key {
    OpKind kind;
    uint32_t mode;
    int64_t off;
    int64_t len;
    int64_t size;
    std::string path;
    std::string to;
    std::vector<Initial> needs;
    auto operator<=>(const Key&) const = default;
  };

  void drop(DropRule rule, uint64_t count) { dropped_[static_cast<size_t>(rule)] += count; }

  void put(Candidate c) {
    if (c.symmetric) return drop(DropRule::kSymmetricNames, kPersistence.size());
    if (c.no_effect) return drop(DropRule::kNoEffect, kPersistence.size());
    Key key{c.op.kind, c.op.mode, c.op.off, c.op.len, c.op.size, c.op.path, c.op.to, {}};
    for (const Need& need : c.needs) key.needs.push_back(need.initial);
    if (!keys_.insert(std::move(key)).second) {
      return drop(DropRule::kSameArguments, kPersistence.size());
    }
    for (const Persistence& p : kPersistence) {
      if (!fits(p.kind, c.subject, last_)) {
        drop(DropRule::kSamePersistence, 1);
        continue;
      }
      ++count_;
      if (only_count_) continue;
      Step step{c.text + "." + p.word, {c.op}, c.needs};
      if (p.kind != OpKind::kClose) {
        Operation persist{.kind = p.kind};
        if (p.kind == OpKind::kFsyncDir) {
          persist.path = parent_of(c.after);
        } else if (p.kind != OpKind::kSync && p.kind != OpKind::kRemount) {
          persist.path = c.after;
        }
        step.ops.push_back(std::move(persist));
      }
      steps_.push_back(std::move(step));
    }
  }

  // ---- data

  void put_data(const File& file, Operation op, const std::string& arguments, Subject subject,
                bool no_effect) {
    op.path = file.path;
    std::string text;
    if (!only_count_) text = fmt::format("{}.{}.{}", op_name(op.kind), file.word, arguments);
    put({std::move(text), std::move(op), file.needs, subject, file.path, file.symmetric,
         no_effect});
  }

  // 0, and each boundary with the bytes beside it.
  [[nodiscard]] std::vector<Place> boundaries(const File& file) const {
    std::vector<Place> list{{"0", 0}};
    const std::array<Place, 5> exact{{{"b", scale_.sector},
                                      {"p", scale_.page},
                                      {"c", scale_.cluster},
                                      {"v", file.valid},
                                      {"s", file.size}}};
    for (const Place& place : exact) {
      if (place.at > 0) list.push_back({place.word + "-1", place.at - 1});
      list.push_back(place);
      list.push_back({place.word + "+1", place.at + 1});
    }
    return list;
  }

  [[nodiscard]] std::vector<Range> fine_ranges(const File& file) const {
    std::vector<Range> list;
    for (const Place& begin : boundaries(file)) {
      list.push_back({begin, {"1", 1}});
      list.push_back({begin, {"b", scale_.sector}});
      list.push_back({begin, {"c", scale_.cluster}});
      if (begin.at < file.valid) list.push_back({begin, {"to-v", file.valid - begin.at}});
      if (begin.at < file.size) list.push_back({begin, {"to-s", file.size - begin.at}});
    }
    return list;
  }

  [[nodiscard]] std::vector<Range> coarse_ranges(const File& file) const {
    const Place block{"b", scale_.sector};
    const Place one{"1", 1};
    std::vector<Range> list;
    if (file.size > 0) list.push_back({{"0", 0}, {"to-s", file.size}});
    list.push_back({{"v", file.valid}, one});
    if (file.valid > 0) list.push_back({{"v-1", file.valid - 1}, block});
    list.push_back({{"s", file.size}, one});
    list.push_back({{"s+1", file.size + 1}, block});
    list.push_back({{"c-1", scale_.cluster - 1}, block});
    return list;
  }

  [[nodiscard]] std::vector<Range> ranges(const File& file) const {
    return file.fine ? fine_ranges(file) : coarse_ranges(file);
  }

  static std::string range_text(const Range& range) {
    return range.begin.word + "." + range.length.word;
  }
  static Operation range_op(OpKind kind, const Range& range) {
    return {.kind = kind,
            .off = static_cast<int64_t>(range.begin.at),
            .len = static_cast<int64_t>(range.length.at)};
  }

  void writes(const File& file) {
    for (const Range& range : ranges(file)) {
      put_data(file, range_op(OpKind::kWrite, range), range_text(range), Subject::kData, false);
    }
  }

  // O_DIRECT: what is not aligned is refused, so positions are rounded down (vd) or up (vu).
  void direct_writes(const File& file) {
    const uint64_t block = scale_.sector;
    std::vector<Place> begins{{"vd", down(file.valid, block)}, {"su", up(file.size, block)}};
    if (file.fine) {
      begins.insert(begins.begin(),
                    {{"0", 0}, {"b", block}, {"p", up(scale_.page, block)}, {"c", scale_.cluster}});
      begins.push_back({"vu", up(file.valid, block)});
      begins.push_back({"sd", down(file.size, block)});
      begins.push_back({"su+b", up(file.size, block) + block});
    }
    for (const Place& begin : begins) {
      for (const Place& length : {Place{"b", block}, Place{"c", scale_.cluster}}) {
        const Range range{begin, length};
        put_data(file, range_op(OpKind::kDwrite, range), range_text(range), Subject::kData, false);
      }
    }
  }

  // Stores through a mapping, also past the size, up to the end of the page. Beyond is SIGBUS.
  void stores(const File& file) {
    const uint64_t end = up(file.size, scale_.page);
    for (const Range& range : ranges(file)) {
      put_data(file, range_op(OpKind::kMwrite, range), range_text(range), Subject::kMapping,
               range.begin.at + range.length.at > end);
    }
  }

  void appends(const File& file) {
    const uint64_t to_block = up(file.size + 1, scale_.sector) - file.size;
    const uint64_t to_cluster = up(file.size + 1, scale_.cluster) - file.size;
    std::vector<Place> lengths{{"1", 1}, {"to-c+1", to_cluster + 1}};
    if (file.fine) {
      lengths.push_back({"b", scale_.sector});
      lengths.push_back({"to-b", to_block});
      lengths.push_back({"to-b+1", to_block + 1});
      lengths.push_back({"to-c", to_cluster});
    }
    for (const Place& length : lengths) {
      Operation op{.kind = OpKind::kAppend, .len = static_cast<int64_t>(length.at)};
      put_data(file, std::move(op), length.word, Subject::kData, false);
    }
  }

  // truncate and fallocate. `u` is the end of the last cluster.
  void resizes(const File& file) {
    const uint64_t end = up(file.size, scale_.cluster);
    std::vector<Place> sizes{{"0", 0}, {"s+1", file.size + 1}, {"u+1", end + 1}};
    std::vector<Place> ends{{"u+1", end + 1}};
    if (file.fine) {
      for (Place& place : boundaries(file)) sizes.push_back(std::move(place));
      if (end > 0) sizes.push_back({"u-1", end - 1});
      sizes.push_back({"u", end});
      if (end > 0) ends.push_back({"u-1", end - 1});
      ends.push_back({"u", end});
      ends.push_back({"s+1", file.size + 1});
    } else {
      if (file.valid > 0) sizes.push_back({"v-1", file.valid - 1});
      sizes.push_back({"v+1", file.valid + 1});
      sizes.push_back({"c", scale_.cluster});
    }
    for (const Place& size : sizes) {
      Operation op{.kind = OpKind::kTruncate, .size = static_cast<int64_t>(size.at)};
      put_data(file, std::move(op), size.word, Subject::kData, size.at == file.size);
    }
    for (const Place& place : ends) {
      Operation op{.kind = OpKind::kFallocate, .len = static_cast<int64_t>(place.at)};
      put_data(file, std::move(op), place.word, Subject::kData, place.at <= file.size);
    }
  }

  // ---- names of files

  void names_of(const File& file) {
    Candidate c{"", {}, file.needs, Subject::kData, file.path, file.symmetric, false};
    const auto text = [&](const char* verb) { return fmt::format("{}.{}", verb, file.word); };
    Candidate cut = c;
    cut.text = text("otrunc");
    cut.op = {.kind = OpKind::kCreate, .path = file.path, .mode = kCreateTruncate};
    cut.no_effect = file.size == 0;
    put(std::move(cut));
    Candidate hide = c;
    hide.text = text("attr");
    hide.op = {.kind = OpKind::kAttributes, .path = file.path, .value = kHidden};
    put(std::move(hide));
    Candidate remove = c;
    remove.subject = Subject::kGone;
    remove.text = text("unlink");
    remove.op = {.kind = OpKind::kUnlink, .path = file.path};
    put(remove);
    // Without a descriptor it is the same.
    remove.text = text("orphan");
    if (!b_.open(file.path)) {
      drop(DropRule::kNoEffect, kPersistence.size());
    } else {
      remove.op.kind = OpKind::kUnlinkKeep;
      put(std::move(remove));
    }
    renames(file);
  }

  void put_rename(const File& file, const std::string& to, bool over, const std::string& word) {
    Candidate c{fmt::format("rename.{}.{}{}", file.word, over ? "over-" : "", word),
                {.kind = OpKind::kRename, .path = file.path, .to = to},
                file.needs,
                Subject::kFileName,
                to,
                file.symmetric || symmetric(to, file.path),
                false};
    add_needs(needs(to, over ? Initial::kPartial : Initial::kAbsent), &c.needs);
    put(std::move(c));
  }

  // Empty, full and chained files move as others do: renamed are only partial ones.
  void renames(const File& file) {
    if (file.word != path_word(file.path)) return;
    for (const char* to : kFiles) {
      if (to == file.path || !parent_there(to)) continue;
      const auto place = b_.tree().find(to);
      const bool is_new = fresh(to);
      if (is_new || place == b_.tree().end()) put_rename(file, to, false, path_word(to));
      if (is_new || (place != b_.tree().end() && !place->second.directory)) {
        put_rename(file, to, true, path_word(to));
      }
    }
    if (absent(kLongName)) put_rename(file, kLongName, false, "long");
  }

  void creates() {
    for (const char* path : kFiles) {
      if (!absent(path)) continue;
      put({fmt::format("create.{}", path_word(path)),
           {.kind = OpKind::kCreate, .path = path, .mode = kCreateExclusive},
           needs(path, Initial::kAbsent),
           Subject::kNewFile,
           path,
           symmetric(path),
           false});
    }
  }

  // ---- directories

  [[nodiscard]] bool empty(const std::string& path) const {
    const std::string below = path + "/";
    const auto place = b_.tree().lower_bound(below);
    return place == b_.tree().end() || place->first.compare(0, below.size(), below) != 0;
  }
  [[nodiscard]] bool is_directory(const std::string& path) const {
    const auto place = b_.tree().find(path);
    return place != b_.tree().end() && place->second.directory;
  }

  void directories() {
    for (const char* path : kDirectories) {
      if (absent(path)) {
        put({fmt::format("mkdir.{}", path_word(path)),
             {.kind = OpKind::kMkdir, .path = path},
             needs(path, Initial::kAbsent),
             Subject::kDirectory,
             path});
      }
      if (fresh(path) || (is_directory(path) && empty(path))) {
        put({fmt::format("rmdir.{}", path_word(path)),
             {.kind = OpKind::kRmdir, .path = path},
             needs(path, Initial::kDirectory),
             Subject::kGone,
             path});
      }
    }
    for (const char* path : {kTop, kDirectories[0], kDirectories[1]}) {
      if (fresh(path) || is_directory(path)) move_directory(path);
    }
    if (fresh(kTop) || is_directory(kTop)) {
      put({"attr.d",
           {.kind = OpKind::kAttributes, .path = kTop, .value = kHidden},
           needs(kTop, Initial::kDirectory),
           Subject::kDirectory,
           kTop});
    }
  }

  void move_directory(const std::string& path) {
    for (const char* to : kDirectories) {
      if (to == path || !parent_there(to) || parent_of(to) == path) continue;
      const bool is_new = fresh(to);
      for (const bool over : {false, true}) {
        if (!is_new && (over ? !(is_directory(to) && empty(to)) : exists(to))) continue;
        Candidate c{
            fmt::format("rename.{}.{}{}", path_word(path), over ? "over-" : "", path_word(to)),
            {.kind = OpKind::kRename, .path = path, .to = to},
            needs(path, Initial::kDirectory),
            Subject::kDirectory,
            to};
        add_needs(needs(to, over ? Initial::kDirectory : Initial::kAbsent), &c.needs);
        put(std::move(c));
      }
    }
  }

  void on_volume() {
    put({"label", {.kind = OpKind::kLabel, .text = "label"}, {}, Subject::kVolume, ""});
  }

  const Beginning& b_;
  Scale scale_;
  bool last_;
  bool only_count_;
  std::array<uint64_t, kDropRuleCount>& dropped_;
  uint64_t count_ = 0;
  std::set<Key> keys_;
  std::vector<Step> steps_;
};

}  // namespace

std::vector<Step> steps_after(const Beginning& beginning, bool last,
                              std::array<uint64_t, kDropRuleCount>* dropped) {
  return StepMaker(beginning, last, false, dropped).make();
}

uint64_t count_steps_after(const Beginning& beginning, bool last,
                           std::array<uint64_t, kDropRuleCount>* dropped) {
  StepMaker maker(beginning, last, true, dropped);
  static_cast<void>(maker.make());
  return maker.count();
}

}  // namespace zerotail::harness
