// Judging by what changed gives what parsing the whole disk gives, also on hostile disks.
#include "zerotail/harness/check_incremental.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>

#include "harness/check_volume_builder.h"
#include "zerotail/sim/prng.h"

namespace zerotail::harness {
namespace {

using sim::Sector;
using testing::Populated;
using testing::VolumeBuilder;

// A base with other contents for some sectors.
class Overlay : public sim::SectorReader {
 public:
  explicit Overlay(const sim::SectorReader& base) : base_(base) {}
  [[nodiscard]] sim::SectorCount capacity() const override { return base_.capacity(); }
  [[nodiscard]] const std::byte* sector(Sector sector) const override {
    const auto it = sectors_.find(sector);
    return it == sectors_.end() ? base_.sector(sector) : it->second.data();
  }
  std::byte* edit(Sector sector) {
    const auto [it, fresh] = sectors_.try_emplace(sector);
    if (fresh) {
      const std::byte* from = base_.sector(sector);
      it->second.assign(from, from + sim::kSectorSize.value());
    }
    return it->second.data();
  }
  [[nodiscard]] std::vector<Sector> changed() const {
    std::vector<Sector> list;
    for (const auto& entry : sectors_) list.push_back(entry.first);
    return list;
  }

 private:
  const sim::SectorReader& base_;
  std::map<Sector, std::vector<std::byte>> sectors_;
};

std::string describe(const std::vector<CheckProblem>& problems) {
  std::string text;
  for (const CheckProblem& p : problems) text += p.describe() + "\n";
  return text;
}

// Everything of a directory and what is below it, by value; a directory reached twice is told once.
void print_directory(const DirectoryView& directory, const std::string& path,
                     std::set<const DirectoryView*>& seen, std::string& out) {
  out += path + " length " + std::to_string(directory.length) + " end " +
         std::to_string(directory.end) + "\n";
  if (!seen.insert(&directory).second) return;
  for (size_t i = 0; i < directory.nodes.size(); ++i) {
    const TreeNode& node = *directory.nodes[i];
    const EntrySet& set = *node.set;
    out += path + set.utf8 + " " + set.digest.hex() + " @" + std::to_string(set.entry) + " key " +
           std::to_string(directory.name_keys[i]);
    if (node.chain != nullptr) {
      out += " stop " + std::to_string(static_cast<int>(node.chain->stop)) + " needs " +
             std::to_string(node.chain->needed.value());
      for (const ClusterRun& run : node.chain->runs) {
        out += " " + std::to_string(run.first.value()) + "+" + std::to_string(run.count.value());
      }
    }
    out += "\n";
    if (node.child != nullptr) print_directory(*node.child, path + set.utf8 + "/", seen, out);
  }
}

std::string describe(const VolumeView& view) {
  std::string out = "dirty " + std::to_string(view.volume_dirty) + "\n";
  std::set<const DirectoryView*> seen;
  if (view.root != nullptr) print_directory(*view.root, "/", seen, out);
  return out;
}

// True when both ways say the same.
::testing::AssertionResult agree(const CheckJudgement& judged, const CheckResult& whole) {
  if (judged.problems != whole.problems) {
    return ::testing::AssertionFailure() << "by what changed:\n"
                                         << describe(judged.problems) << "as a whole:\n"
                                         << describe(whole.problems);
  }
  const std::string a = describe(*judged.view);
  const std::string b = describe(*whole.view);
  if (a != b) return ::testing::AssertionFailure() << "views differ:\n" << a << "---\n" << b;
  return ::testing::AssertionSuccess();
}

// The node's set and chain by value, and which changed sectors are its data.
std::string fingerprint(const TreeNode& node) {
  std::string text = node.set->digest.hex();
  if (node.chain != nullptr) {
    for (const ClusterRun& run : node.chain->runs) {
      text += " " + std::to_string(run.first.value()) + "+" + std::to_string(run.count.value());
    }
    text += " " + std::to_string(static_cast<int>(node.chain->stop));
  }
  return text;
}

// Views have no cycles; in these disks few directories are reached by several paths.
void list_files(const DirectoryView& directory, const std::string& path,
                std::multimap<std::string, std::string>& out) {
  for (const auto& node : directory.nodes) {
    if (!node->set->usable()) continue;
    out.emplace(path + node->set->utf8, fingerprint(*node));
    if (node->child != nullptr) list_files(*node->child, path + node->set->utf8 + "/", out);
  }
}

// Every path whose set or chain differs between base and now is listed as a difference.
::testing::AssertionResult covers(const CheckJudgement& judged, const VolumeView& base,
                                  const VolumeView& now) {
  std::multimap<std::string, std::string> before, after;
  list_files(*base.root, "/", before);
  list_files(*now.root, "/", after);
  std::set<std::string> listed;
  for (const CheckDifference& d : judged.differences) listed.insert(d.path);
  const auto values = [](const auto& map, const std::string& path) {
    const auto range = map.equal_range(path);
    std::multiset<std::string> found;
    for (auto it = range.first; it != range.second; ++it) found.insert(it->second);
    return found;
  };
  for (const auto* map : {&before, &after}) {
    for (const auto& entry : *map) {
      if (values(before, entry.first) == values(after, entry.first)) continue;
      if (listed.count(entry.first) == 0) {
        return ::testing::AssertionFailure() << entry.first << " changed and is not listed";
      }
    }
  }
  return ::testing::AssertionSuccess();
}

void list_changed_data(const DirectoryView& directory, const std::string& path,
                       const CheckGeometry& geometry, const std::set<Sector>& changed,
                       std::set<std::string>& out) {
  for (const auto& node : directory.nodes) {
    if (!node->set->usable()) continue;
    const std::string name = path + node->set->utf8;
    if (node->child != nullptr) list_changed_data(*node->child, name + "/", geometry, changed, out);
    if (node->set->directory) continue;
    for (const ClusterRun& run : node->chain->runs) {
      const Sector begin = geometry.sector_of(run.first);
      const auto it = changed.lower_bound(begin);
      const Sector end = begin + geometry.cluster_sectors() * run.count.value();
      if (it != changed.end() && *it < end) out.insert(name);
    }
  }
}

// Exactly the files with a changed sector in their clusters are said to have changed data.
::testing::AssertionResult names_data(const CheckJudgement& judged, const VolumeView& now,
                                      const std::vector<Sector>& changed) {
  std::set<std::string> wanted, listed;
  list_changed_data(*now.root, "/", *now.geometry, {changed.begin(), changed.end()}, wanted);
  for (const CheckDifference& d : judged.differences) {
    if (d.data_changed) listed.insert(d.path);
  }
  if (wanted == listed) return ::testing::AssertionSuccess();
  ::testing::AssertionResult failure = ::testing::AssertionFailure();
  for (const auto& path : wanted) failure << "wanted " << path << "\n";
  for (const auto& path : listed) failure << "listed " << path << "\n";
  return failure;
}

// Makes disks that differ from a base in ways of all kinds.
class Mutator {
 public:
  Mutator(Populated& p, const sim::Snapshot& base, uint64_t seed)
      : p_(p), base_(base), prng_(seed) {
    const VolumeBuilder& v = p_.volume;
    fat_ = sim::sector_at(sim::DevPos{v.fat_pos(0)}).value();
    heap_ = sim::sector_at(sim::DevPos{v.cluster_pos(2)}).value();
    per_cluster_ = sim::sectors(sim::ByteCount{v.cluster_size()}).value();
  }

  void mutate(Overlay& disk) {
    const uint64_t steps = prng_.between(1, 6);
    for (uint64_t i = 0; i < steps; ++i) step(disk);
  }

 private:
  // A sector that matters: of the FAT's start, the bitmap, a directory, or a file.
  Sector pick() {
    const VolumeBuilder& v = p_.volume;
    switch (prng_.below(4)) {
      case 0:
        return Sector{fat_ + prng_.below(4)};
      case 1:
        return Sector{heap_ + prng_.below(2)};
      case 2: {
        const uint32_t d = p_.directories[prng_.below(p_.directories.size())];
        const uint64_t pos = v.entry_pos(d, static_cast<uint32_t>(prng_.below(v.entry_limit(d))));
        return sim::sector_at(sim::DevPos{pos});
      }
      default:
        return Sector{heap_ + prng_.below(per_cluster_ * p_.volume.cluster_count())};
    }
  }

  void step(Overlay& disk) {
    const VolumeBuilder& v = p_.volume;
    const VolumeBuilder::Set& set = p_.files[prng_.below(p_.files.size())];
    const auto cluster = static_cast<uint32_t>(prng_.between(2, v.free_cluster() + 3));
    switch (prng_.below(10)) {
      case 0: {  // any bytes
        std::byte* s = disk.edit(pick());
        for (int i = 0; i < 4; ++i) {
          s[prng_.below(512)] = static_cast<std::byte>(prng_.below(256));
        }
        break;
      }
      case 1: {  // a whole sector of another place
        const std::byte* from = base_.sector(pick());
        std::copy(from, from + 512, disk.edit(pick()));
        break;
      }
      case 2: {  // garbage or poison
        std::byte* s = disk.edit(pick());
        const bool poison = prng_.chance(1, 2);
        for (int i = 0; i < 512; ++i) {
          s[i] = poison ? std::byte{0xDB} : static_cast<std::byte>(prng_.next());
        }
        break;
      }
      case 3:
      case 4: {  // a FAT entry
        const uint64_t values[] = {0, 0xFFFFFFFF, 0xFFFFFFF7, prng_.between(2, 300), cluster + 1};
        write(disk, v.fat_pos(cluster), values[prng_.below(5)], 4);
        break;
      }
      case 5:  // a bitmap bit
        flip(disk, v.cluster_pos(2) + (cluster - 2) / 8, prng_.below(8));
        break;
      case 6:  // first cluster, flags or sizes of a file
        write(disk, v.stream(set) + 20, cluster, 4);
        if (prng_.chance(1, 2)) write(disk, v.stream(set) + 1, prng_.below(4), 1);
        if (prng_.chance(1, 2)) write(disk, v.stream(set) + 24, prng_.below(40000), 8);
        break;
      case 7:  // a file becomes a directory, or an entry is deleted or ends the directory
        if (prng_.chance(1, 2)) {
          write(disk, v.primary(set) + 4, 0x10, 2);
        } else {
          write(disk, v.entry_pos(set.directory, set.entry + static_cast<uint32_t>(prng_.below(3))),
                prng_.chance(1, 3) ? 0 : 0x05, 1);
        }
        break;
      case 8: {  // a directory's set points elsewhere: to another directory, or is longer
        const auto d = p_.directories[prng_.between(1, p_.directories.size() - 1)];
        const auto e = p_.directories[prng_.below(p_.directories.size())];
        const uint64_t stream = v.stream(v.directory_set(d));
        if (prng_.chance(1, 2)) {
          write(disk, stream + 20, v.directory_cluster(e), 4);
        } else {
          write(disk, stream + 24, v.cluster_size() * prng_.between(1, 3), 8);
        }
        break;
      }
      default:  // the flags in the boot sector
        write(disk, 106, prng_.below(8), 2);
        break;
    }
  }

  static void write(Overlay& disk, uint64_t pos, uint64_t value, unsigned bytes) {
    for (unsigned i = 0; i < bytes; ++i) {
      const sim::DevPos at{pos + i};
      disk.edit(sim::sector_at(at))[sim::offset_in(at, sim::kSectorSize).value()] =
          static_cast<std::byte>(value >> (8 * i));
    }
  }
  static void flip(Overlay& disk, uint64_t pos, uint64_t bit) {
    const sim::DevPos at{pos};
    disk.edit(sim::sector_at(at))[sim::offset_in(at, sim::kSectorSize).value()] ^=
        static_cast<std::byte>(1u << bit);
  }

  Populated& p_;
  const sim::Snapshot& base_;
  sim::Prng prng_;
  uint64_t fat_ = 0, heap_ = 0, per_cluster_ = 0;
};

void compare_many(const VolumeBuilder::Options& options, uint32_t files, uint64_t seed,
                  int states) {
  Populated p = testing::populate(options, files);
  const sim::Snapshot base = p.volume.disk().snapshot();
  IncrementalChecker checker{base, {.memo_limit = 300}};
  ASSERT_TRUE(checker.base().clean()) << describe(checker.base().problems);
  Mutator mutator{p, base, seed};
  for (int i = 0; i < states; ++i) {
    SCOPED_TRACE("seed " + std::to_string(seed) + " state " + std::to_string(i));
    Overlay disk{base};
    mutator.mutate(disk);
    const CheckJudgement judged = checker.judge(disk, disk.changed());
    const CheckResult whole = check_volume(disk);
    ASSERT_TRUE(agree(judged, whole));
    if (judged.everything) continue;
    ASSERT_TRUE(covers(judged, *checker.base().view, *whole.view));
    ASSERT_TRUE(names_data(judged, *whole.view, disk.changed()));
  }
  // Most states were judged by what changed: otherwise the comparison says nothing.
  EXPECT_LT(checker.stats().full_parses * 3, checker.stats().states);
}

TEST(IncrementalChecker, EqualsAFullParseOnRandomDisks) {
  for (uint64_t seed = 1; seed <= 6; ++seed) compare_many({}, 60, seed, 400);
}

TEST(IncrementalChecker, EqualsAFullParseWithSmallClusters) {
  compare_many({.size = sim::mib(4), .cluster = sim::ByteCount{512}}, 60, 11, 800);
}

TEST(IncrementalChecker, EqualsAFullParseWithLargeSectors) {
  compare_many({.size = sim::mib(8), .sector = sim::ByteCount{4096}}, 60, 12, 400);
}

TEST(IncrementalChecker, AnUnchangedDiskIsTheBase) {
  Populated p = testing::populate({}, 40);
  const sim::Snapshot base = p.volume.disk().snapshot();
  IncrementalChecker checker{base};
  const CheckJudgement judged = checker.judge(base, {});
  EXPECT_EQ(judged.view->root, checker.base().view->root);
  EXPECT_TRUE(judged.differences.empty());
  EXPECT_TRUE(judged.problems.empty());
}

TEST(IncrementalChecker, UntouchedNodesAreTheBasesOwn) {
  Populated p = testing::populate({}, 40);
  const sim::Snapshot base = p.volume.disk().snapshot();
  IncrementalChecker checker{base};
  VolumeBuilder& v = p.volume;
  v.put(v.primary(p.files[0]) + 4, 0x21, 2);
  v.fix_set(p.files[0]);
  const sim::Snapshot now = v.disk().snapshot();
  const CheckJudgement judged = checker.judge(now, now.difference(base));
  ASSERT_EQ(judged.differences.size(), 1U);
  EXPECT_EQ(judged.differences[0].path, "/file0");
  EXPECT_TRUE(judged.differences[0].set_changed);
  EXPECT_FALSE(judged.differences[0].chain_changed);
  const auto& before = checker.base().view->root->nodes;
  const auto& after = judged.view->root->nodes;
  ASSERT_EQ(before.size(), after.size());
  size_t other = 0;
  for (size_t i = 0; i < before.size(); ++i) other += before[i] != after[i] ? 1 : 0;
  EXPECT_EQ(other, 1U);
}

TEST(IncrementalChecker, ChangedDataNamesTheFile) {
  Populated p = testing::populate({}, 40);
  const sim::Snapshot base = p.volume.disk().snapshot();
  IncrementalChecker checker{base};
  VolumeBuilder& v = p.volume;
  v.put(v.cluster_pos(v.first_cluster(p.files[4])), 1, 8);
  const sim::Snapshot now = v.disk().snapshot();
  const CheckJudgement judged = checker.judge(now, now.difference(base));
  ASSERT_EQ(judged.differences.size(), 1U);
  EXPECT_EQ(judged.differences[0].path, "/file4");
  EXPECT_TRUE(judged.differences[0].data_changed);
  EXPECT_FALSE(judged.differences[0].set_changed);
}

TEST(IncrementalChecker, RebaseForgetsTheOldBase) {
  Populated p = testing::populate({}, 40);
  const sim::Snapshot first = p.volume.disk().snapshot();
  IncrementalChecker checker{first};
  VolumeBuilder& v = p.volume;
  v.delete_set(p.files[0]);
  const sim::Snapshot second = v.disk().snapshot();
  checker.rebase(second);
  EXPECT_EQ(checker.base().problems, check_volume(second).problems);
  const CheckJudgement judged = checker.judge(first, first.difference(second));
  EXPECT_TRUE(agree(judged, check_volume(first)));
}

}  // namespace
}  // namespace zerotail::harness
