#include <gtest/gtest.h>

#include "core/exfat/volume_fixture.h"

namespace zerotail::exfat {
namespace {

using sim::Errno;

class Rename : public ::testing::Test, public VolumeFixture {
 protected:
  void SetUp() override { mount(); }
  Inode& root() { return *fs->root(); }
  Errno rename(const std::string& from, const std::string& to,
               RenameMode mode = RenameMode::kReplace) {
    return fs->rename(root(), from, root(), to, mode).code();
  }
  Errno move(Inode& from_directory, const std::string& from, Inode& to_directory,
             const std::string& to) {
    return fs->rename(from_directory, from, to_directory, to, RenameMode::kReplace).code();
  }
};

TEST_F(Rename, KeepsTheInodeAndItsEntriesWhenTheNameFits) {
  const InodeRef file = create("a name of more than fifteen");
  create("z");
  EXPECT_EQ(rename("a name of more than fifteen", "b"), Errno::kOk);
  EXPECT_EQ(file->entry_index(), 3U);
  EXPECT_EQ(*fs->lookup(root(), "b"), file);
  EXPECT_EQ(names(root()), (std::vector<std::string>{"b", "z"}));
  EXPECT_EQ(create("abc")->entry_index(), 10U);  // one entry was freed: too few for a set
}

TEST_F(Rename, MovesToNewEntriesWhenTheNameIsLonger) {
  const InodeRef file = create("a");
  create("z");
  EXPECT_EQ(rename("a", "a name of more than fifteen"), Errno::kOk);
  EXPECT_EQ(file->entry_index(), 9U);
  EXPECT_EQ(*fs->lookup(root(), "a name of more than fifteen"), file);
  EXPECT_EQ(lookup_error("a"), Errno::kNoEnt);
  EXPECT_EQ(create("y")->entry_index(), 3U);
}

TEST_F(Rename, ReplacesAFileAndFreesItsClusters) {
  const InodeRef file = create("a");
  {
    const InodeRef victim = create("b");
    grow(*victim, 2);
  }
  const sim::ClusterCount used = fs->bitmap().used();
  EXPECT_EQ(rename("a", "B"), Errno::kOk);
  EXPECT_EQ(names(root()), (std::vector<std::string>{"b"}));  // its spelling stays
  EXPECT_EQ(*fs->lookup(root(), "b"), file);
  EXPECT_EQ(fs->bitmap().used(), used - sim::ClusterCount{2});
}

TEST_F(Rename, AnOpenReplacedFileLivesOn) {
  create("a");
  InodeRef victim = create("b");
  grow(*victim, 2);
  const sim::ClusterCount used = fs->bitmap().used();
  EXPECT_EQ(rename("a", "b"), Errno::kOk);
  EXPECT_TRUE(victim->unlinked());
  EXPECT_EQ(fs->bitmap().used(), used);
}

TEST_F(Rename, ToItsOwnNameInAnotherCaseChangesNothing) {
  create("a");
  unmount();
  mount();
  log.clear();
  EXPECT_EQ(rename("a", "A"), Errno::kOk);
  EXPECT_EQ(names(root()), (std::vector<std::string>{"a"}));
  EXPECT_TRUE(log.records().empty());
}

TEST_F(Rename, AnswersAsTheDriverDoes) {
  create("f");
  create("g");
  const InodeRef d = mkdir("d");
  const InodeRef e = mkdir("e");
  create(*d, "inside");
  EXPECT_EQ(rename("nope", std::string(300, 'x')), Errno::kNoEnt);
  EXPECT_EQ(rename("f", std::string(300, 'x')), Errno::kNameTooLong);
  EXPECT_EQ(rename("f", "x:y"), Errno::kInval);
  EXPECT_EQ(rename("f", "..."), Errno::kNoEnt);
  EXPECT_EQ(rename("f", "g", RenameMode::kNoReplace), Errno::kExist);
  EXPECT_EQ(rename("f", "g", RenameMode::kExchange), Errno::kInval);
  EXPECT_EQ(rename("f", "h", RenameMode::kExchange), Errno::kNoEnt);
  EXPECT_EQ(rename("f", "d"), Errno::kIsDir);
  EXPECT_EQ(rename("d", "f"), Errno::kNotDir);
  EXPECT_EQ(rename("e", "d"), Errno::kNotEmpty);
  EXPECT_EQ(move(root(), "d", *d, "x"), Errno::kInval);
  EXPECT_EQ(move(root(), "d", *d, "inside"), Errno::kInval);
  EXPECT_EQ(move(*d, "inside", root(), "d"), Errno::kNotEmpty);
  EXPECT_EQ(rename("f", "h", RenameMode::kNoReplace), Errno::kOk);
  EXPECT_EQ(rename("d", "e"), Errno::kOk);
  EXPECT_EQ(names(*d), (std::vector<std::string>{"inside"}));
}

TEST_F(Rename, MovesADirectoryWithWhatIsInIt) {
  const InodeRef d = mkdir("d");
  const InodeRef e = mkdir("e");
  const InodeRef file = create(*d, "x");
  EXPECT_EQ(move(root(), "d", *e, "d2"), Errno::kOk);
  EXPECT_EQ(d->parent(), e);
  EXPECT_EQ(*fs->lookup(*d, "x"), file);
  EXPECT_EQ(*fs->subdirectory_count(root()), 1U);
  EXPECT_EQ(*fs->subdirectory_count(*e), 1U);
  // The moved directory's own set follows it.
  for (int i = 0; i < 60; ++i) create(*d, "f" + std::to_string(i));
  ASSERT_TRUE(fs->write_inode(*d, true).ok());
  EXPECT_EQ(d->size(), sim::FilePos{8192});
}

TEST_F(Rename, IntoADirectoryThatMustGrow) {
  const InodeRef d = mkdir("d");
  for (int i = 0; i < 42; ++i) create(*d, "f" + std::to_string(i));
  const InodeRef file = create("a");
  EXPECT_EQ(move(root(), "a", *d, "a"), Errno::kOk);
  EXPECT_EQ(d->size(), sim::FilePos{8192});
  EXPECT_EQ(file->entry_index(), 126U);
  grow(*file, 1);
  ASSERT_TRUE(fs->write_inode(*file, true).ok());
  ASSERT_TRUE(fs->unlink(*d, "a").ok());
}

TEST_F(Rename, TouchesBothDirectories) {
  const InodeRef d = mkdir("d");
  create(*d, "x");
  world.loop.run_until(sim::seconds(9));
  EXPECT_EQ(move(*d, "x", root(), "y"), Errno::kOk);
  EXPECT_EQ(d->modified().seconds, 1767225609);
  EXPECT_TRUE(any(d->dirty()));
}

TEST_F(Rename, AFailedSecondStepLeavesTheOldName) {
  unmount();
  mount({.sync = true});
  const InodeRef d = mkdir("d");
  const InodeRef file = create("a");
  // The new set is written to d's cluster; deleting the old one in the root's fails.
  device.fail(sim::BioOp::kWrite, cluster_pos(5), layout.cluster_size);
  EXPECT_EQ(move(root(), "a", *d, "a"), Errno::kIo);
  device.heal();
  EXPECT_EQ(*fs->lookup(root(), "a"), file);
  EXPECT_EQ(fs->lookup(*d, "a").code(), Errno::kNoEnt);
}

TEST_F(Rename, AFailedThirdStepIsToldAndTheNameIsTheNewFiles) {
  unmount();
  mount({.sync = true});
  const InodeRef file = create("a");
  grow(*create("b"), 2);
  const sim::ClusterCount used = fs->bitmap().used();
  // Rewriting the set of a succeeds; deleting that of b fails.
  device.fail(sim::BioOp::kWrite, cluster_pos(5), layout.cluster_size, 1);
  EXPECT_EQ(rename("a", "b"), Errno::kIo);
  device.heal();
  EXPECT_EQ(names(root()), (std::vector<std::string>{"b"}));
  EXPECT_EQ(*fs->lookup(root(), "b"), file);
  EXPECT_EQ(fs->bitmap().used(), used - sim::ClusterCount{2});
}

}  // namespace
}  // namespace zerotail::exfat
