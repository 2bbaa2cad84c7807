// The property driver: what it draws, that it can say no, and that it is silent.
#include "zerotail/harness/property.h"

#include <gtest/gtest.h>

#include <set>

#include "zerotail/harness/differential.h"

namespace zerotail::harness {
namespace {

Trace trace_of(const std::string& header, const std::string& operations) {
  auto trace = parse_trace(header + "\n" + operations, "test");
  EXPECT_TRUE(trace.ok()) << trace.error().message();
  return *trace;
}

TEST(Property, ASeedAlwaysDrawsTheSameTrace) {
  const auto a = draw_trace(7, {});
  ASSERT_TRUE(a.ok());
  EXPECT_EQ(*a, draw_trace(7, {}).value());
  EXPECT_NE(*a, draw_trace(8, {}).value());
  EXPECT_EQ(parse_trace(print_trace(*a), "a").value(), *a);
}

TEST(Property, SeedsDrawEveryGeometryPageSizeAndPath) {
  std::set<std::string> geometries;
  std::set<uint64_t> pages;
  std::set<std::string> paths;
  std::set<FreeSpace> spaces;
  for (uint64_t seed = 1; seed <= 200; ++seed) {
    const RandomTraceOptions drawn = swarm(seed, 10);
    geometries.insert(geometry_name(drawn.header));
    pages.insert(drawn.header.page);
    paths.insert(drawn.header.io_path);
    spaces.insert(drawn.space);
    EXPECT_GE(drawn.files, 1U);
  }
  EXPECT_EQ(geometries, (std::set<std::string>{"512/512/512", "512/4096/512", "512/32768/512",
                                               "4096/4096/4096", "4096/32768/512"}));
  EXPECT_EQ(pages, (std::set<uint64_t>{4096, 16384, 65536}));
  EXPECT_EQ(paths, (std::set<std::string>{"iomap", "buffer-head"}));
  EXPECT_EQ(spaces.size(), 3U);
}

TEST(Property, TakenSpaceLeavesAFewClusters) {
  for (const FreeSpace space : {FreeSpace::kLittle, FreeSpace::kScattered}) {
    RandomTraceOptions options = swarm(1, 10);
    options.space = space;
    const auto fresh = fresh_geometry(options.header);
    ASSERT_TRUE(fresh.ok());
    const Trace trace = random_trace(options, *fresh, sim::Prng(1));
    Model model(*fresh);
    model.set_keep(options.header.keep);
    for (const Operation& op : trace.ops) {
      static_cast<void>(model.apply(op));
      if (op.kind == OpKind::kSync) break;  // the volume is as the operations find it
    }
    EXPECT_GE(model.clusters_free(), 1U);
    EXPECT_LE(model.clusters_free(), 10U);
  }
}

TEST(Property, HoldsOnTheFirstSeeds) {
  PropertyOptions options;
  options.crash_budget = 64;
  for (uint64_t seed = 1; seed <= 200; ++seed) {
    const PropertyRun run = run_property(seed, options);
    EXPECT_GT(run.operations, 0U);
    if (run.failure) ADD_FAILURE() << "seed " << seed << ": " << run.failure->text;
  }
}

TEST(Property, AWrongAnswerFailsAndIsMadeSmall) {
  // The model is not told that the mount is read-only.
  const Trace trace = trace_of(R"({"trace":"t","size_mib":4,"mount":["ro"]})",
                               "{\"op\":\"statfs\"}\n{\"op\":\"list\",\"path\":\"\"}\n"
                               "{\"op\":\"mkdir\",\"path\":\"d\"}\n{\"op\":\"sync\"}\n");
  const auto failure = judge_trace(trace, {}, false);
  ASSERT_TRUE(failure.has_value());
  EXPECT_EQ(failure->property, "answer");
  const PropertyFailure small = minimise_failure(*failure, {});
  EXPECT_EQ(small.fingerprint, failure->fingerprint);
  ASSERT_EQ(small.trace.ops.size(), 1U);
  EXPECT_EQ(small.trace.ops[0].kind, OpKind::kMkdir);
}

TEST(Property, FingerprintsDoNotDependOnNamesAndNumbers) {
  const auto of = [](const std::string& name, const std::string& before) {
    const auto failure =
        judge_trace(trace_of(R"({"trace":"t","size_mib":4,"mount":["ro"]})",
                             before + "{\"op\":\"mkdir\",\"path\":\"" + name + "\"}\n"),
                    {}, false);
    EXPECT_TRUE(failure.has_value());
    return failure->fingerprint;
  };
  EXPECT_EQ(of("d", ""), of("other", "{\"op\":\"statfs\"}\n"));
}

}  // namespace
}  // namespace zerotail::harness
