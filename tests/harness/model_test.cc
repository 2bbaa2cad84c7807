#include "zerotail/harness/model.h"

#include <gtest/gtest.h>

#include "zerotail/harness/pattern.h"

namespace zerotail::harness {
namespace {

ModelGeometry geometry() {
  ModelGeometry geometry;
  geometry.cluster_count = 100;
  geometry.clusters_free = 96;
  return geometry;
}

Operation write(const std::string& path, int64_t off, int64_t len, uint64_t seed) {
  return {.kind = OpKind::kWrite, .path = path, .off = off, .len = len, .seed = seed};
}

Operation truncate(const std::string& path, int64_t size) {
  return {.kind = OpKind::kTruncate, .path = path, .size = size};
}

Operation on(OpKind kind, const std::string& path) { return {.kind = kind, .path = path}; }

int64_t ret(Model& model, const Operation& op) { return model.apply(op).result.ret; }

TEST(Model, AWriteBeyondTheEndMakesZerosValid) {
  Model model(geometry());
  ASSERT_EQ(ret(model, on(OpKind::kCreate, "a")), 0);
  EXPECT_EQ(ret(model, write("a", 5000, 10, 1)), 10);
  const auto entry = model.find("a");
  ASSERT_TRUE(entry.has_value());
  EXPECT_EQ(entry->size, 5010U);
  EXPECT_EQ(entry->valid_size, 5010U);
  std::vector<std::byte> bytes(5010);
  model.node(entry->id)->content.read(0, bytes);
  EXPECT_EQ(byte_map(bytes, std::byte{0xDB}), "z5000d10");
}

TEST(Model, TruncateUpLeavesValidSizeAndBytesDoNotComeBack) {
  Model model(geometry());
  ASSERT_EQ(ret(model, on(OpKind::kCreate, "a")), 0);
  ASSERT_EQ(ret(model, write("a", 0, 1000, 1)), 1000);
  ASSERT_EQ(ret(model, truncate("a", 300)), 0);
  ASSERT_EQ(ret(model, truncate("a", 1000)), 0);
  EXPECT_EQ(model.find("a")->valid_size, 300U);
  const Prediction read = model.apply({.kind = OpKind::kRead, .path = "a", .off = 0, .len = 1000});
  EXPECT_EQ(std::get<std::string>(*read.result.find("map")), "d300z700");
}

TEST(Model, ANodeTakenEarlierStaysAsItWas) {
  Model model(geometry());
  ASSERT_EQ(ret(model, on(OpKind::kCreate, "a")), 0);
  ASSERT_EQ(ret(model, write("a", 0, 100, 1)), 100);
  const Model copy = model;
  const auto before = model.node(model.find("a")->id);
  ASSERT_EQ(ret(model, write("a", 0, 100, 2)), 100);
  ASSERT_EQ(ret(model, truncate("a", 50)), 0);
  std::vector<std::byte> bytes(100);
  before->content.read(0, bytes);
  EXPECT_EQ(bytes, pattern(1, 0, 100));
  EXPECT_EQ(copy.find("a")->size, 100U);
  EXPECT_EQ(model.find("a")->size, 50U);
}

TEST(Model, IdentityStaysThroughRenamesAndIsNotGivenTwice) {
  Model model(geometry());
  ASSERT_EQ(ret(model, on(OpKind::kCreate, "a")), 0);
  const FileId first = model.find("a")->id;
  ASSERT_EQ(ret(model, {.kind = OpKind::kRename, .path = "a", .to = "b"}), 0);
  EXPECT_EQ(model.find("b")->id, first);
  ASSERT_EQ(ret(model, on(OpKind::kUnlink, "b")), 0);
  ASSERT_EQ(ret(model, on(OpKind::kCreate, "b")), 0);
  EXPECT_NE(model.find("b")->id, first);
}

TEST(Model, AFullVolumeGivesAShortWriteThenEnospc) {
  Model model(geometry());
  ASSERT_EQ(ret(model, on(OpKind::kCreate, "a")), 0);
  const int64_t all = 96 * 4096;
  EXPECT_EQ(ret(model, write("a", 0, all + 1, 1)), all);
  EXPECT_EQ(model.clusters_free(), 0U);
  EXPECT_EQ(ret(model, write("a", all, 1, 1)), -28);
  EXPECT_EQ(ret(model, truncate("a", all + 1)), -28);
  EXPECT_EQ(ret(model, on(OpKind::kMkdir, "d")), -28);
  EXPECT_EQ(ret(model, truncate("a", 0)), 0);
  EXPECT_EQ(model.clusters_free(), 96U);
}

TEST(Model, AnUnlinkedFileHoldsItsClustersWhileItIsOpen) {
  Model model(geometry());
  ASSERT_EQ(ret(model, on(OpKind::kCreate, "a")), 0);
  ASSERT_EQ(ret(model, write("a", 0, 4096, 1)), 4096);
  ASSERT_EQ(ret(model, on(OpKind::kUnlinkKeep, "a")), 0);
  EXPECT_EQ(model.clusters_free(), 95U);
  EXPECT_EQ(ret(model, write("a", 4096, 1, 1)), 1);
  EXPECT_EQ(model.clusters_free(), 94U);
  EXPECT_EQ(ret(model, on(OpKind::kClose, "a")), 0);
  EXPECT_EQ(model.clusters_free(), 96U);
  EXPECT_EQ(ret(model, on(OpKind::kStat, "a")), -2);
}

TEST(Model, ADirectoryGrowsByClustersAndKeepsThem) {
  Model model(geometry());
  ASSERT_EQ(ret(model, on(OpKind::kMkdir, "d")), 0);
  for (int i = 0; i < 43; ++i) {  // 3 entries each: the 43rd does not fit 128
    ASSERT_EQ(ret(model, on(OpKind::kCreate, "d/" + std::to_string(i))), 0);
  }
  EXPECT_EQ(model.find("d")->size, 8192U);
  for (int i = 0; i < 43; ++i) {
    ASSERT_EQ(ret(model, on(OpKind::kUnlink, "d/" + std::to_string(i))), 0);
  }
  EXPECT_EQ(model.find("d")->size, 8192U);
  EXPECT_EQ(model.clusters_free(), 94U);
}

TEST(Model, EntriesComeByPath) {
  Model model(geometry());
  for (const char* path : {"b", "a", "a/z", "a/y"}) {
    ASSERT_EQ(ret(model, on(OpKind::kMkdir, path)), 0);
  }
  std::vector<std::string> paths;
  for (const Model::Entry& entry : model.entries()) paths.push_back(entry.path);
  EXPECT_EQ(paths, (std::vector<std::string>{"a", "a/y", "a/z", "b"}));
}

TEST(Model, AnImportedFileIsThereAndTakesNoFreeClusters) {
  Model model(geometry());
  const std::vector<std::byte> bytes = pattern(1, 0, 700);
  EXPECT_TRUE(model.import({.path = "d",
                            .directory = true,
                            .size = 4096,
                            .first_entry = 3,
                            .entry_count = 3,
                            .bytes = {}}));
  EXPECT_TRUE(model.import({.path = "d/f",
                            .directory = false,
                            .size = 5000,
                            .valid_size = 700,
                            .first_entry = 0,
                            .entry_count = 3,
                            .bytes = bytes}));
  EXPECT_FALSE(model.import({.path = "D/F", .bytes = {}}));
  EXPECT_FALSE(model.import({.path = "nope/f", .bytes = {}}));
  EXPECT_EQ(model.clusters_free(), 96U);
  const Prediction read =
      model.apply({.kind = OpKind::kRead, .path = "d/f", .off = 0, .len = 5000});
  EXPECT_EQ(std::get<std::string>(*read.result.find("map")), "d700z4300");
  ASSERT_EQ(ret(model, on(OpKind::kUnlink, "d/f")), 0);
  EXPECT_EQ(model.clusters_free(), 98U);
}

TEST(Model, WhatItDoesNotKnowIsNotPredicted) {
  Model model(geometry());
  EXPECT_TRUE(model.apply(on(OpKind::kCrash, "")).any);
  ASSERT_EQ(ret(model, on(OpKind::kCreate, "a")), 0);
  Operation faulty = write("a", 0, 512, 1);
  faulty.kind = OpKind::kDwrite;
  faulty.fault_at = 5;
  EXPECT_TRUE(model.apply(faulty).any);
}

TEST(Model, DescriptorsFollowARenameThatOnlyChangesTheCase) {
  Model model(geometry());
  ASSERT_EQ(ret(model, on(OpKind::kCreate, "f")), 0);
  ASSERT_EQ(ret(model, write("f", 0, 10, 1)), 10);
  ASSERT_EQ(ret(model, {.kind = OpKind::kRename, .path = "f", .to = "F"}), 0);
  ASSERT_EQ(ret(model, on(OpKind::kUnlink, "f")), 0);
  EXPECT_EQ(ret(model, on(OpKind::kFsync, "F")), 0);
}

TEST(Model, AFaultingBufferIsAShortWrite) {
  Model model(geometry());
  ASSERT_EQ(ret(model, on(OpKind::kCreate, "a")), 0);
  Operation faulty = write("a", 0, 10, 1);
  faulty.fault_at = 5;
  EXPECT_EQ(ret(model, faulty), 5);
  faulty.fault_at = 0;
  EXPECT_EQ(ret(model, faulty), -14);
  EXPECT_EQ(model.find("a")->size, 5U);
}

// It counts as done when it is issued; but nothing is said of its file until it was collected.
TEST(Model, AWriteInFlightIsPredictedByWaitAlone) {
  Model model(geometry());
  ASSERT_EQ(ret(model, on(OpKind::kCreate, "a")), 0);
  ASSERT_EQ(ret(model, on(OpKind::kCreate, "b")), 0);
  Operation flight = write("a", 0, 512, 1);
  flight.kind = OpKind::kDwrite;
  flight.async = true;
  EXPECT_EQ(ret(model, flight), 0);
  EXPECT_TRUE(model.apply(on(OpKind::kStat, "a")).any);
  EXPECT_FALSE(model.apply(on(OpKind::kStat, "b")).any);
  const Prediction waited = model.apply(on(OpKind::kWait, ""));
  EXPECT_EQ(*waited.result.find("done"), FieldValue(std::vector<std::string>{"512"}));
  EXPECT_FALSE(model.apply(on(OpKind::kStat, "a")).any);
  EXPECT_EQ(model.find("a")->size, 512U);
}

TEST(Model, MapKnowsTheKindsOfARange) {
  Model model(geometry());
  ASSERT_EQ(ret(model, on(OpKind::kCreate, "a")), 0);
  ASSERT_EQ(ret(model, write("a", 0, 700, 1)), 700);
  ASSERT_EQ(ret(model, {.kind = OpKind::kTruncate, .path = "a", .size = 5000}), 0);
  const Prediction map = model.apply({.kind = OpKind::kMap, .path = "a", .off = 0, .len = 9000});
  EXPECT_EQ(*map.result.find("kinds"), FieldValue(std::string("m1024u4096h3880")));
  EXPECT_EQ(ret(model, on(OpKind::kSwapMap, "a")), -22);
}

}  // namespace
}  // namespace zerotail::harness
