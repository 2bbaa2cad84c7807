// Named edits: each changes what it says, and checksums follow.
#include "zerotail/harness/image_edit.h"

#include <gtest/gtest.h>

#include <set>

#include "harness/check_volume_builder.h"
#include "zerotail/harness/check.h"

namespace zerotail::harness {
namespace {

using testing::VolumeBuilder;

Operation edit(const std::string& field, int64_t value, const std::string& path = "",
               uint64_t pos = 0) {
  Operation op;
  op.kind = OpKind::kEdit;
  op.text = field;
  op.value = value;
  op.path = path;
  op.pos = pos;
  return op;
}

class ImageEdit : public ::testing::Test {
 protected:
  ImageEdit() {
    directory = volume.add_directory(0, "dir");
    file = volume.add_file(0, "file", {.size = 10000, .chain = true});
    inner = volume.add_file(directory, "inner", {.size = 100});
    editor.emplace(ImageEditor::open(volume.disk()).value());
  }
  std::set<CheckClass> after(const std::vector<Operation>& edits) {
    const sim::Status status = editor->apply(volume.disk(), edits);
    EXPECT_TRUE(status.ok()) << status.error().message();
    std::set<CheckClass> classes;
    for (const CheckProblem& problem : check_volume(volume.disk()).problems) {
      classes.insert(problem.kind);
    }
    return classes;
  }
  std::string refused(const Operation& op) {
    const sim::Snapshot before = volume.disk().snapshot();
    const sim::Status status = editor->apply(volume.disk(), std::vector{op});
    EXPECT_TRUE(volume.disk().snapshot().difference(before).empty());
    return status.ok() ? "" : status.error().message();
  }

  VolumeBuilder volume;
  uint32_t directory = 0;
  VolumeBuilder::Set file;
  VolumeBuilder::Set inner;
  std::optional<ImageEditor> editor;
};

using enum CheckClass;
using Classes = std::set<CheckClass>;

TEST_F(ImageEdit, ChangesTheFieldAndNothingElseIsWrong) {
  EXPECT_EQ(after({edit("stream.valid_data_length", 10001, "file")}), Classes{kValidSize});
  EXPECT_EQ(volume.get(volume.stream(file) + 8, 8), 10001U);
}

TEST_F(ImageEdit, RepairsTheBootChecksumUnlessItIsNamed) {
  EXPECT_EQ(after({edit("boot.volume_serial_number", 7), edit("backup.volume_flags", 0)}),
            Classes{kBackupBoot});
  EXPECT_EQ(volume.get(100, 4), 7U);
  EXPECT_EQ(after({edit("boot.checksum", 1, "", 5)}), Classes{kBootChecksum});
}

TEST_F(ImageEdit, RepairsHashAndChecksumOfASetUnlessTheyAreNamed) {
  EXPECT_EQ(after({edit("name.unit", 'x', "dir/inner", 2)}), Classes{});
  EXPECT_NE(check_volume(volume.disk()).view->find("dir/inxer"), nullptr);
  EXPECT_EQ(after({edit("stream.name_hash", 1, "dir/inner")}), Classes{kNameHash});
  EXPECT_EQ(after({edit("file.set_checksum", 1, "file")}), (Classes{kNameHash, kSetChecksum}));
}

TEST_F(ImageEdit, RepairsTheChecksumOfTheUpcaseTableUnlessItIsNamed) {
  EXPECT_EQ(after({edit("upcase", 0x1234, "", 300)}), Classes{});
  EXPECT_EQ(after({edit("upcase_entry.table_checksum", 0)}), Classes{kUpcaseChecksum});
}

TEST_F(ImageEdit, FoldsNamesWithTheEditedUpcaseTable) {
  const auto u_umlaut = u'\u00FC';
  EXPECT_EQ(after({edit("upcase", 'Q', "", u_umlaut), edit("name.unit", u_umlaut, "file", 0)}),
            Classes{});
}

TEST_F(ImageEdit, SetsFatEntriesAndBits) {
  const uint32_t first = volume.first_cluster(file);
  EXPECT_EQ(after({edit("bitmap", 0, "", first)}), Classes{kUnmarked});
  EXPECT_EQ(after({edit("bitmap", 1, "", first)}), Classes{});
  EXPECT_EQ(after({edit("fat", first, "", first)}), (Classes{kChainLoop, kLeak}));
}

TEST_F(ImageEdit, CopiesEntriesAndClusters) {
  // The set of the file a second time, behind the last set.
  std::vector<Operation> copies;
  for (uint32_t i = 0; i < file.entries; ++i) {
    copies.push_back(
        edit("entry.copy", file.entry + i, "", uint64_t{file.entry} + file.entries + i));
  }
  EXPECT_EQ(after(copies), (Classes{kDuplicateName, kCrossLink}));
  // The inner directory shows what the outer one holds.
  const uint32_t root =
      static_cast<uint32_t>(check_volume(volume.disk()).view->geometry->root.value());
  EXPECT_TRUE(after({edit("cluster.copy", root, "", volume.directory_cluster(directory))})
                  .contains(kCrossLink));
}

TEST_F(ImageEdit, FindsEverythingWhereItStoodBeforeTheFirstEdit) {
  EXPECT_TRUE(after({edit("boot.cluster_heap_offset", 1), edit("name.unit", 'x', "file", 0)})
                  .contains(kBootField));
  after({edit("boot.cluster_heap_offset", static_cast<int64_t>(volume.cluster_pos(2) / 512))});
  EXPECT_NE(check_volume(volume.disk()).view->find("xile"), nullptr);
}

TEST_F(ImageEdit, RefusesWhatIsNotThere) {
  EXPECT_EQ(refused(edit("stream.colour", 1, "file")),
            "EINVAL: edit: field \"stream.colour\": unknown");
  EXPECT_EQ(refused(edit("stream.data_length", 1, "nofile")),
            "ENOENT: edit: field \"stream.data_length\": nothing of that kind at \"nofile\"");
  EXPECT_EQ(refused(edit("boot.number_of_fats", 256)),
            "EINVAL: edit: field \"boot.number_of_fats\": 256 does not fit into 1 bytes");
  EXPECT_EQ(refused(edit("boot.number_of_fats", 1, "", 1)),
            "EINVAL: edit: field \"boot.number_of_fats\": position 1 is not below 1");
  EXPECT_EQ(refused(edit("bitmap", 2, "", 5)), "EINVAL: edit: field \"bitmap\": neither 0 nor 1");
  EXPECT_EQ(refused(edit("cluster.copy", 1, "", 5)),
            "EINVAL: edit: field \"cluster.copy\": cluster 1 is outside the heap");
  EXPECT_EQ(refused(edit("fat", 1, "file", 5)), "EINVAL: edit: field \"fat\": takes no path");
}

TEST_F(ImageEdit, NeedsAVolumeThatCouldBeMounted) {
  volume.put(510, 0, 2);
  EXPECT_EQ(ImageEditor::open(volume.disk()).code(), sim::Errno::kInval);
}

}  // namespace
}  // namespace zerotail::harness
