// Long random sequences of operations against a model of names and sizes: what lookups, listings
// and remounts give, that the bitmap counts what files have, and that the real fsck.exfat finds
// every cleanly unmounted volume clean.
#include <gtest/gtest.h>

#include <map>

#include "core/exfat/volume_fixture.h"
#include "zerotail/sim/image_file.h"
#include "zerotail/sim/prng.h"
#include "zerotail/support/real_tools.h"

namespace zerotail::exfat {
namespace {

using sim::ClusterCount;
using sim::Errno;

struct Node {
  bool directory = false;
  uint64_t size = 0;
  std::map<std::string, Node> children;
};

class RandomWalk : public VolumeFixture {
 public:
  RandomWalk(const Shape& shape, const Options& options, uint64_t seed)
      : VolumeFixture(shape), options_(options), prng_(seed) {
    mount(options_);
    base_used_ = fs->bitmap().used().value();
  }

  void step() {
    const InodeRef directory = pick_directory();
    Node& model = model_of(*directory);
    const std::string name = pick_name();
    switch (prng_.below(10)) {
      case 0:
      case 1:
      case 2:
        make(*directory, model, name, false);
        break;
      case 3:
        make(*directory, model, name, true);
        break;
      case 4:
        remove(*directory, model, name);
        break;
      case 5:
      case 6:
        resize(*directory, model, name);
        break;
      case 7:
      case 8:
        rename(*directory, model, name);
        break;
      default:
        sync_something(*directory);
        break;
    }
  }

  void compare() {
    uint64_t clusters = 0;
    compare(*fs->root(), model_, clusters);
    // The root has one cluster of mkfs's, which base_used_ counts already.
    EXPECT_EQ(fs->bitmap().used().value(), base_used_ + clusters - 1);
  }
  void remount_and_compare() {
    unmount();
    check_with_the_real_tool();
    mount(options_);
    compare();
  }

 private:
  std::string pick_name() {
    static const char* const kTails[] = {"", " with more than fifteen", " and a much longer tail"};
    return "n" + std::to_string(prng_.below(12)) + kTails[prng_.below(3)];
  }
  InodeRef pick_directory() {
    InodeRef at = fs->root();
    Node* model = &model_;
    path_.clear();
    while (prng_.chance(1, 2)) {
      std::vector<std::string> names;
      for (const auto& [name, child] : model->children) {
        if (child.directory) names.push_back(name);
      }
      if (names.empty()) break;
      path_.push_back(names[prng_.below(names.size())]);
      model = &model->children.at(path_.back());
      const auto found = fs->lookup(*at, path_.back());
      EXPECT_TRUE(found.ok()) << path_.back();
      at = *found;
    }
    picked_ = model;
    return at;
  }
  Node& model_of(const Inode&) { return *picked_; }

  void make(Inode& directory, Node& model, const std::string& name, bool is_directory) {
    const auto made = is_directory ? fs->mkdir(directory, name) : fs->create(directory, name);
    if (made.code() == Errno::kNoSpc) return;
    EXPECT_EQ(made.code(), model.children.count(name) > 0 ? Errno::kExist : Errno::kOk) << name;
    if (made.ok()) model.children[name].directory = is_directory;
  }
  void remove(Inode& directory, Node& model, const std::string& name) {
    const auto known = model.children.find(name);
    const bool is_directory = known != model.children.end() && known->second.directory;
    const Errno wanted = known == model.children.end()     ? Errno::kNoEnt
                         : !known->second.children.empty() ? Errno::kNotEmpty
                                                           : Errno::kOk;
    const sim::Status removed =
        is_directory ? fs->rmdir(directory, name) : fs->unlink(directory, name);
    EXPECT_EQ(removed.code(), wanted) << name;
    if (removed.ok()) model.children.erase(known);
  }
  void resize(Inode& directory, Node& model, const std::string& name) {
    const auto known = model.children.find(name);
    if (known == model.children.end() || known->second.directory) return;
    const InodeRef file = fs->lookup(directory, name).value();
    const uint64_t size = prng_.below(fs->geometry().cluster_size().value() * 20);
    if (size < file->size().value()) {
      EXPECT_TRUE(shrink(*file, size).ok());
    } else {
      const sim::Status grown = fs->extend(*file, fs->geometry().clusters(sim::ByteCount{size}));
      if (!grown.ok()) {
        EXPECT_EQ(grown.code(), Errno::kNoSpc);
        return;
      }
      file->set_size(sim::FilePos{size});
      file->set_valid_size(sim::FilePos{prng_.between(file->valid_size().value(), size)});
      fs->mark_dirty(*file, DirtyBits::kMetadata);
    }
    known->second.size = size;
  }
  void rename(Inode& directory, Node& model, const std::string& name) {
    const std::vector<std::string> from_path = path_;
    const InodeRef to = pick_directory();
    Node& to_model = *picked_;
    const std::string to_name = pick_name();
    const auto known = model.children.find(name);
    const auto target = to_model.children.find(to_name);
    Errno wanted = Errno::kOk;
    if (known == model.children.end()) {
      wanted = Errno::kNoEnt;
    } else if (is_prefix(from_path, name, path_)) {
      wanted = Errno::kInval;
    } else if (target != to_model.children.end()) {
      wanted = replace_error(known->second, target->second, to_name, from_path);
    }
    const sim::Status renamed = fs->rename(directory, name, *to, to_name, RenameMode::kReplace);
    if (renamed.code() == Errno::kNoSpc) return;
    EXPECT_EQ(renamed.code(), wanted) << name << " -> " << to_name;
    if (!renamed.ok() || (&model == &to_model && name == to_name)) return;
    Node moved = std::move(known->second);
    model.children.erase(known);
    to_model.children[to_name] = std::move(moved);
  }
  // Whether the thing called `name` in `above` is at or above the directory `path`.
  static bool is_prefix(std::vector<std::string> above, const std::string& name,
                        const std::vector<std::string>& path) {
    above.push_back(name);
    return above.size() <= path.size() && std::equal(above.begin(), above.end(), path.begin());
  }
  Errno replace_error(const Node& from, const Node& target, const std::string& to_name,
                      const std::vector<std::string>& from_path) const {
    if (&from == &target) return Errno::kOk;
    if (is_prefix(path_, to_name, from_path)) return Errno::kNotEmpty;
    if (from.directory && !target.directory) return Errno::kNotDir;
    if (!from.directory && target.directory) return Errno::kIsDir;
    return target.children.empty() ? Errno::kOk : Errno::kNotEmpty;
  }
  void sync_something(Inode& directory) {
    if (prng_.chance(1, 3)) {
      EXPECT_TRUE(fs->write_buffers().ok());
    } else if (prng_.chance(1, 2)) {
      EXPECT_TRUE(fs->write_inode(directory, true).ok());
    } else {
      fs->drop_inodes();
      fs->buffers().drop_clean();
    }
  }

  void compare(Inode& directory, const Node& model, uint64_t& clusters) {
    clusters += directory.allocated().value();
    std::vector<std::string> found = names(directory);
    std::sort(found.begin(), found.end());
    std::vector<std::string> wanted;
    for (const auto& [name, child] : model.children) wanted.push_back(name);
    ASSERT_EQ(found, wanted);
    for (const auto& [name, child] : model.children) {
      const auto inode = fs->lookup(directory, name);
      ASSERT_TRUE(inode.ok()) << inode.error().message();
      ASSERT_EQ((*inode)->is_directory(), child.directory);
      if (child.directory) {
        compare(**inode, child, clusters);
        continue;
      }
      EXPECT_EQ((*inode)->size().value(), child.size) << name;
      EXPECT_EQ((*inode)->allocated(), fs->geometry().clusters(sim::ByteCount{child.size}));
      EXPECT_TRUE(fs->runs(**inode).ok());
      clusters += (*inode)->allocated().value();
    }
  }
  void check_with_the_real_tool() {
    const support::ScratchDir scratch;
    const std::string image = scratch.file("volume.img");
    ASSERT_TRUE(sim::save_image(image, disk.snapshot(), false).ok());
    const support::ToolRun run = support::real_fsck(image, layout.sector_size);
    ASSERT_EQ(run.exit_code, 0) << run.output;
  }

  Options options_;
  sim::Prng prng_;
  Node model_{.directory = true, .size = 0, .children = {}};
  Node* picked_ = nullptr;
  std::vector<std::string> path_;
  uint64_t base_used_ = 0;
};

struct Setting {
  VolumeFixture::Shape shape;
  Options options;
};

class RandomOperations : public ::testing::TestWithParam<Setting> {};

TEST_P(RandomOperations, AgreeWithAModelAndWithTheRealFsck) {
  for (const uint64_t seed : {1U, 2U, 3U}) {
    RandomWalk walk(GetParam().shape, GetParam().options, seed);
    for (int round = 0; round < 6; ++round) {
      for (int i = 0; i < 200; ++i) walk.step();
      ASSERT_NO_FATAL_FAILURE(walk.compare()) << "seed " << seed << ", round " << round;
      ASSERT_NO_FATAL_FAILURE(walk.remount_and_compare()) << "seed " << seed << ", round " << round;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(
    Volumes, RandomOperations,
    ::testing::Values(
        Setting{.shape = {.mebibytes = 4, .sector = 512, .cluster = 512}, .options = {}},
        Setting{.shape = {.mebibytes = 4, .sector = 512, .cluster = 4096},
                .options = {.sync = true}},
        Setting{.shape = {.mebibytes = 8, .sector = 512, .cluster = 32768},
                .options = {.dirsync = true, .discard = true}},
        Setting{.shape = {.mebibytes = 8, .sector = 4096, .cluster = 4096}, .options = {}},
        Setting{.shape = {.mebibytes = 6, .sector = 1024, .cluster = 1024}, .options = {}},
        Setting{.shape = {.mebibytes = 8, .sector = 2048, .cluster = 32768}, .options = {}}));

}  // namespace
}  // namespace zerotail::exfat
