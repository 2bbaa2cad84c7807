#include "real/operations.h"

#include <array>
#include <utility>

namespace zerotail::real {
namespace {

using harness::Operation;
using harness::OpKind;

Operation on(OpKind kind, std::string path) {
  Operation op;
  op.kind = kind;
  op.path = std::move(path);
  return op;
}

Operation plain(OpKind kind) { return on(kind, ""); }

Operation range(OpKind kind, std::string path, uint64_t off, uint64_t len, uint64_t seed = 0) {
  Operation op = on(kind, std::move(path));
  op.off = static_cast<int64_t>(off);
  op.len = static_cast<int64_t>(len);
  op.seed = seed;
  return op;
}

Operation resize(std::string path, uint64_t size) {
  Operation op = on(OpKind::kTruncate, std::move(path));
  op.size = static_cast<int64_t>(size);
  return op;
}

Operation rename(std::string from, std::string to) {
  Operation op = on(OpKind::kRename, std::move(from));
  op.to = std::move(to);
  return op;
}

std::string numbered(const std::string& stem, uint64_t number) {
  return stem + std::to_string(number);
}

// What every scenario ends with: all of it again, from the medium.
void reread(Operations& ops, const std::vector<std::string>& files) {
  ops.push_back(plain(OpKind::kRemount));
  for (const std::string& file : files) {
    ops.push_back(on(OpKind::kStat, file));
    ops.push_back(range(OpKind::kRead, file, 0, 1 << 20));
    ops.push_back(on(OpKind::kDirent, file));
  }
  ops.push_back(on(OpKind::kList, ""));
  ops.push_back(plain(OpKind::kStatfs));
}

Operations one_file_of_every_size(uint64_t c) {
  Operations ops;
  std::vector<std::string> files;
  for (const uint64_t size : {uint64_t{0}, uint64_t{1}, c - 1, c, c + 1, 3 * c, 3 * c + c / 2}) {
    files.push_back(numbered("size-", size));
    ops.push_back(on(OpKind::kCreate, files.back()));
    ops.push_back(range(OpKind::kWrite, files.back(), 0, size, size));
  }
  reread(ops, files);
  return ops;
}

// Two files that grow in turns: both lose their NoFatChain.
Operations fragmented_files(uint64_t c) {
  Operations ops = {on(OpKind::kCreate, "a"), on(OpKind::kCreate, "b")};
  for (uint64_t i = 0; i < 6; ++i) {
    ops.push_back(range(OpKind::kAppend, "a", 0, c, i));
    ops.push_back(range(OpKind::kAppend, "b", 0, c + c / 2, i + 100));
    if (i == 3) ops.push_back(plain(OpKind::kRemount));
  }
  reread(ops, {"a", "b"});
  return ops;
}

// Every second cluster freed, then one file that needs all the holes.
Operations file_over_holes(uint64_t c) {
  Operations ops;
  for (uint64_t i = 0; i < 16; ++i) {
    ops.push_back(on(OpKind::kCreate, numbered("f", i)));
    ops.push_back(range(OpKind::kWrite, numbered("f", i), 0, c, i));
  }
  ops.push_back(plain(OpKind::kSync));
  for (uint64_t i = 0; i < 16; i += 2) ops.push_back(on(OpKind::kUnlink, numbered("f", i)));
  ops.push_back(plain(OpKind::kRemount));
  ops.push_back(on(OpKind::kCreate, "big"));
  ops.push_back(range(OpKind::kWrite, "big", 0, 12 * c, 77));
  ops.push_back(resize("big", 5 * c + 1));
  reread(ops, {"big", "f1", "f15"});
  return ops;
}

Operations truncates(uint64_t c) {
  Operations ops = {on(OpKind::kCreate, "t"), range(OpKind::kWrite, "t", 0, 4 * c, 5)};
  for (const uint64_t size :
       {3 * c + 7, 3 * c, c + 1, 6 * c, c / 2, uint64_t{0}, 2 * c, uint64_t{1}, 5 * c - 1}) {
    ops.push_back(resize("t", size));
    ops.push_back(range(OpKind::kRead, "t", 0, 8 * c));
    if (size == 6 * c) ops.push_back(on(OpKind::kFsync, "t"));
    if (size == 2 * c) ops.push_back(range(OpKind::kWrite, "t", c + 3, 9, 8));
  }
  reread(ops, {"t"});
  return ops;
}

// ValidDataLength below DataLength: grown, reserved, written in the middle.
Operations holes_and_tails(uint64_t c) {
  Operations ops = {on(OpKind::kCreate, "h"), resize("h", 5 * c + 3),
                    range(OpKind::kWrite, "h", 2 * c + 1, 10, 1),
                    range(OpKind::kSeekHole, "h", 0, 0), on(OpKind::kFsync, "h")};
  ops.push_back(on(OpKind::kCreate, "r"));
  ops.push_back(range(OpKind::kFallocate, "r", 0, 3 * c));
  ops.push_back(range(OpKind::kWrite, "r", c, 1, 2));
  ops.push_back(plain(OpKind::kDropCaches));
  ops.push_back(range(OpKind::kRead, "r", 0, 3 * c));
  ops.push_back(range(OpKind::kWrite, "h", 7 * c, 5, 3));
  reread(ops, {"h", "r"});
  return ops;
}

// More entries than one cluster of directory holds, in the root and below.
Operations growing_directories(uint64_t c) {
  const uint64_t names = 3 * c / (3 * 32) > 150 ? 150 : 3 * c / (3 * 32);
  Operations ops = {on(OpKind::kMkdir, "dir")};
  for (uint64_t i = 0; i < names; ++i) {
    ops.push_back(on(OpKind::kCreate, numbered("root-", i)));
    ops.push_back(on(OpKind::kCreate, numbered("dir/file-", i)));
    if (i % 3 == 0) ops.push_back(on(OpKind::kUnlink, numbered("dir/file-", i)));
  }
  ops.push_back(on(OpKind::kStat, "dir"));
  ops.push_back(plain(OpKind::kRemount));
  ops.push_back(on(OpKind::kList, "dir"));
  for (uint64_t i = 1; i < names; i += 3) {
    ops.push_back(on(OpKind::kUnlink, numbered("dir/file-", i)));
  }
  ops.push_back(on(OpKind::kCreate, "dir/" + std::string(200, 'n')));
  reread(ops, {"dir/" + std::string(200, 'n'), "root-1"});
  return ops;
}

Operations deep_directories(uint64_t c) {
  Operations ops;
  std::string path = "d0";
  for (uint64_t depth = 0; depth < 12; ++depth) {
    ops.push_back(on(OpKind::kMkdir, path));
    ops.push_back(on(OpKind::kCreate, path + "/leaf"));
    ops.push_back(range(OpKind::kWrite, path + "/leaf", 0, c / 2 + depth, depth));
    path += numbered("/d", depth + 1);
  }
  ops.push_back(rename("d0/d1/d2", "moved"));
  ops.push_back(on(OpKind::kRmdir, "d0/d1"));  // not empty: leaf
  ops.push_back(on(OpKind::kUnlink, "d0/d1/leaf"));
  ops.push_back(on(OpKind::kRmdir, "d0/d1"));
  reread(ops, {"d0/leaf", "moved/leaf", "moved/d3/d4/leaf"});
  return ops;
}

Operations renames(uint64_t c) {
  Operations ops = {on(OpKind::kMkdir, "x"), on(OpKind::kMkdir, "y")};
  for (const char* name : {"a", "b", "x/c", "y/c"}) {
    ops.push_back(on(OpKind::kCreate, name));
    ops.push_back(range(OpKind::kWrite, name, 0, 2 * c + 1, static_cast<uint64_t>(name[0])));
  }
  const std::string long_name(120, 'L');
  ops.push_back(rename("a", "c"));        // same length, in place
  ops.push_back(rename("c", long_name));  // needs more entries
  ops.push_back(rename(long_name, "d"));  // and fewer
  ops.push_back(rename("d", "x/d"));      // another directory
  ops.push_back(rename("x/c", "y/c"));    // over a file
  ops.push_back(rename("b", "B"));        // case only
  ops.push_back(rename("x", "y/x"));      // a directory, with what is in it
  ops.push_back(rename("y", "y/x/z"));    // into itself
  ops.push_back(rename("y/x/d", "back"));
  reread(ops, {"b", "back", "y/c"});
  return ops;
}

Operations names(uint64_t c) {
  Operations ops;
  std::vector<std::string> files = {std::string(255, 'w'),
                                    "\xC3\xA9t\xC3\xA9",                                 // e acute
                                    "\xD0\x9F\xD1\x80\xD0\xB8\xD0\xB2\xD0\xB5\xD1\x82",  // Cyrillic
                                    "\xF0\x9F\x92\xBE disk",  // a surrogate pair
                                    " leading and trailing ",
                                    "fifteen-units-1",
                                    "sixteen-units-16",
                                    "UPPER and lower"};
  for (const std::string& file : files) {
    ops.push_back(on(OpKind::kCreate, file));
    ops.push_back(range(OpKind::kWrite, file, 0, c + 1, file.size()));
  }
  ops.push_back(on(OpKind::kStat, "upper AND LOWER"));
  ops.push_back(on(OpKind::kCreate, "bad*name"));
  ops.push_back(on(OpKind::kCreate, std::string(256, 'w')));
  ops.push_back(on(OpKind::kCreate, "dots..."));
  reread(ops, files);
  return ops;
}

// Removed while it is open, written afterwards; its clusters come back at the last close.
Operations unlinked_while_open(uint64_t c) {
  Operations ops = {on(OpKind::kCreate, "u"),
                    range(OpKind::kWrite, "u", 0, 3 * c, 1),
                    on(OpKind::kUnlinkKeep, "u"),
                    range(OpKind::kWrite, "u", 3 * c, c, 2),
                    range(OpKind::kRead, "u", 0, 4 * c),
                    plain(OpKind::kSync),
                    plain(OpKind::kStatfs),
                    on(OpKind::kClose, "u")};
  reread(ops, {});
  return ops;
}

Operations write_and_sync_of_all_kinds(uint64_t c) {
  Operations ops = {on(OpKind::kMkdir, "s")};
  constexpr std::array kKinds = {OpKind::kFsync, OpKind::kFdatasync, OpKind::kSync, OpKind::kSyncfs,
                                 OpKind::kWriteback};
  for (size_t i = 0; i < kKinds.size(); ++i) {
    const std::string file = numbered("s/f", i);
    ops.push_back(on(OpKind::kCreate, file));
    ops.push_back(range(OpKind::kWrite, file, 0, c + i, i));
    ops.push_back(on(kKinds[i], file));
    ops.push_back(range(OpKind::kWrite, file, c / 2, c, i + 50));
    ops.push_back(on(kKinds[i], file));
  }
  ops.push_back(on(OpKind::kFsyncDir, "s"));
  ops.push_back(plain(OpKind::kSleep));
  reread(ops, {"s/f0", "s/f1", "s/f2", "s/f3", "s/f4"});
  return ops;
}

struct Share {
  OpKind kind;
  uint64_t weight;
};
constexpr std::array kShares = {
    Share{OpKind::kCreate, 12},  Share{OpKind::kMkdir, 3},      Share{OpKind::kWrite, 18},
    Share{OpKind::kAppend, 8},   Share{OpKind::kTruncate, 8},   Share{OpKind::kFallocate, 4},
    Share{OpKind::kUnlink, 4},   Share{OpKind::kUnlinkKeep, 1}, Share{OpKind::kRmdir, 2},
    Share{OpKind::kRename, 8},   Share{OpKind::kFsync, 4},      Share{OpKind::kFdatasync, 2},
    Share{OpKind::kSync, 2},     Share{OpKind::kSyncfs, 1},     Share{OpKind::kDropCaches, 3},
    Share{OpKind::kRemount, 2},  Share{OpKind::kRead, 8},       Share{OpKind::kSeekHole, 2},
    Share{OpKind::kSeekData, 1}, Share{OpKind::kStat, 3},       Share{OpKind::kList, 2},
    Share{OpKind::kStatfs, 2},   Share{OpKind::kFsyncDir, 1},   Share{OpKind::kWriteback, 2},
    Share{OpKind::kClose, 2},    Share{OpKind::kDwrite, 7},     Share{OpKind::kDread, 3},
    Share{OpKind::kMwrite, 5},   Share{OpKind::kMread, 2},      Share{OpKind::kMsync, 1},
    Share{OpKind::kMunmap, 1}};
constexpr uint64_t total_weight() {
  uint64_t sum = 0;
  for (const Share& share : kShares) sum += share.weight;
  return sum;
}

class Mixer {
 public:
  Mixer(sim::Prng& prng, const MixtureOptions& options) : prng_(prng), options_(options) {}

  Operation next() {
    uint64_t ticket = prng_.below(total_weight());
    for (const Share& share : kShares) {
      if (ticket < share.weight) return fill(share.kind);
      ticket -= share.weight;
    }
    return plain(OpKind::kSync);
  }

 private:
  std::string name() {
    const uint64_t number = prng_.below(options_.names);
    // One name in four needs several name entries.
    if (number % 4 == 3) return numbered("a-rather-long-file-name-of-number-", number);
    return numbered("n", number);
  }
  // A path that was made, or at least asked for, in four cases out of five.
  std::string known_path() {
    if (made_.empty() || prng_.chance(1, 5)) return path();
    return made_[prng_.below(made_.size())];
  }
  std::string path() {
    std::string text = name();
    if (prng_.chance(2, 5)) text = numbered("d", prng_.below(3)) + "/" + text;
    if (prng_.chance(1, 8)) text = numbered("d", prng_.below(3)) + "/" + text;
    return text;
  }
  std::string directory() {
    std::string text = numbered("d", prng_.below(3));
    if (prng_.chance(1, 3)) text += numbered("/d", prng_.below(3));
    return text;
  }
  uint64_t place() {
    // Near cluster boundaries as often as anywhere.
    const uint64_t limit = options_.max_file;
    if (prng_.chance(1, 2)) return prng_.below(limit);
    const uint64_t cluster = prng_.below(limit / options_.cluster + 1) * options_.cluster;
    const uint64_t near = cluster + prng_.below(5);
    return near < 2 ? near : near - 2;
  }
  uint64_t length() {
    if (prng_.chance(1, 3)) return 1 + prng_.below(16);
    return 1 + prng_.below(prng_.chance(1, 2) ? options_.cluster : 4 * options_.cluster);
  }

  static bool of_directory(OpKind kind) {
    return kind == OpKind::kMkdir || kind == OpKind::kRmdir || kind == OpKind::kFsyncDir;
  }
  static bool of_volume(OpKind kind) {
    return kind == OpKind::kSync || kind == OpKind::kSyncfs || kind == OpKind::kDropCaches ||
           kind == OpKind::kRemount || kind == OpKind::kStatfs || kind == OpKind::kWriteback;
  }
  std::string path_for(OpKind kind) {
    if (of_volume(kind)) return {};
    if (of_directory(kind)) return directory();
    if (kind == OpKind::kList) return prng_.chance(1, 2) ? std::string() : directory();
    if (kind == OpKind::kRename && prng_.chance(1, 6)) return directory();
    if (kind != OpKind::kCreate) return known_path();
    made_.push_back(path());
    return made_.back();
  }

  Operation fill(OpKind kind) {
    Operation op = on(kind, path_for(kind));
    if (kind == OpKind::kRename) {
      op.to = prng_.chance(1, 8) ? directory() : path();
      made_.push_back(op.to);
    }
    op.off = static_cast<int64_t>(place());
    op.len = static_cast<int64_t>(kind == OpKind::kRead ? options_.max_file : length());
    op.size = static_cast<int64_t>(place());
    op.seed = prng_.below(1000);
    if ((kind == OpKind::kDwrite || kind == OpKind::kDread) && !prng_.chance(1, 6)) {
      op.off = static_cast<int64_t>(sim::round_down(place(), options_.sector));
      op.len = static_cast<int64_t>(sim::round_up(length(), options_.sector));
    }
    return op;
  }

  sim::Prng& prng_;
  MixtureOptions options_;
  std::vector<std::string> made_;
};

}  // namespace

const std::vector<Scenario>& scenarios() {
  static const std::vector<Scenario> all = {
      {"one file of every size", one_file_of_every_size},
      {"fragmented files", fragmented_files},
      {"a file over holes", file_over_holes},
      {"truncates", truncates},
      {"holes and tails", holes_and_tails},
      {"growing directories", growing_directories},
      {"deep directories", deep_directories},
      {"renames", renames},
      {"names", names},
      {"unlinked while open", unlinked_while_open},
      {"write and sync of all kinds", write_and_sync_of_all_kinds},
  };
  return all;
}

Operations random_mixture(sim::Prng& prng, const MixtureOptions& options) {
  Mixer mixer(prng, options);
  Operations ops;
  // The directories that the mixture uses most are there from the start.
  for (uint64_t i = 0; i < 3; ++i) ops.push_back(on(OpKind::kMkdir, numbered("d", i)));
  while (ops.size() < options.count) ops.push_back(mixer.next());
  return ops;
}

}  // namespace zerotail::real
