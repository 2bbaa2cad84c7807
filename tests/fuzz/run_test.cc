// The judge of fuzzed runs must be able to say no.
#include "fuzz/run.h"

#include <gtest/gtest.h>

#include "fuzz/bases.h"

namespace zerotail::fuzz {
namespace {

Report run_text(std::string_view text) {
  const auto recipe = parse_recipe(text);
  EXPECT_TRUE(recipe.ok()) << recipe.error().message();
  const auto report = run_recipe(*recipe);
  EXPECT_TRUE(report.ok()) << report.error().message();
  return *report;
}

TEST(Run, EveryBaseIsSoundAndStaysSo) {
  for (const Base& base : bases()) {
    const Report report = run_text("base " + base.name + "\n");
    EXPECT_TRUE(report.before.empty()) << base.name;
    EXPECT_EQ(report.mount, sim::Errno::kOk);
    EXPECT_GT(report.answers.size(), 10U);
    EXPECT_TRUE(report.after.empty()) << base.name;
    EXPECT_EQ(report.findings, std::vector<std::string>{}) << base.name;
  }
}

TEST(Run, RepairsChecksumsButThoseThatAreEdited) {
  EXPECT_EQ(run_text("base usual\nedit field=boot.volume_serial_number value=1\n").mount,
            sim::Errno::kOk);
  EXPECT_EQ(run_text("base usual\nedit field=boot.checksum value=1 pos=3\n").mount,
            sim::Errno::kInval);
}

TEST(Run, TellsWhatIsNotAsExpected) {
  const std::string_view text =
      "base usual\n"
      "expect mount EINVAL\n"
      "expect check chain-loop\n"
      "read path=run off=0 len=10 -> 11\n";
  const auto recipe = parse_recipe(text);
  const std::vector<std::string> broken = broken_expectations(*recipe, run_text(text));
  ASSERT_EQ(broken.size(), 3U);
  EXPECT_EQ(broken[0], "mount: want EINVAL, got OK ");
  EXPECT_EQ(broken[1], "check: chain-loop is not found");
  EXPECT_EQ(broken[2], "read path=run off=0 len=10 -> 11: got 10 ");
}

// All was written; the clusters of the file that was open when it was unlinked are lost.
TEST(Run, AShutdownThatWritesEverythingLeavesNothingButLostClusters) {
  const Report report = run_text(
      "base usual\n"
      "write path=chain off=0 len=3000 seed=1\n"
      "mwrite path=run off=100 len=600 seed=3\n"
      "unlink_keep path=run\n"
      "shutdown mode=1\n");
  EXPECT_EQ(report.findings, std::vector<std::string>{});
  ASSERT_FALSE(report.after.empty());
  for (const harness::CheckProblem& problem : report.after) {
    EXPECT_EQ(problem.kind, harness::CheckClass::kLeak) << problem.describe();
  }
}

TEST(Run, AfterAShutdownThatWritesNothingCoreAndCheckerStillSeeTheSame) {
  const Report report = run_text(
      "base usual\n"
      "create path=new\n"
      "write path=new off=0 len=9000 seed=1\n"
      "syncfs\n"
      "rename path=new to=other\n"
      "shutdown mode=2\n");
  EXPECT_EQ(report.findings, std::vector<std::string>{});
}

TEST(Run, RefusesInputThatNeedsTooMuchMemory) {
  const auto recipe = parse_recipe("base usual\nread path=run off=0 len=1000000000\n");
  EXPECT_EQ(run_recipe(*recipe).code(), sim::Errno::kInval);
}

TEST(Run, RefusesAnUnknownBaseAndAnImpossibleEdit) {
  EXPECT_EQ(run_recipe(*parse_recipe("base nowhere\n")).code(), sim::Errno::kInval);
  const auto edit = parse_recipe("base usual\nedit field=fat value=0 pos=100000\n");
  EXPECT_EQ(run_recipe(*edit).code(), sim::Errno::kInval);
}

TEST(Run, TakesAWholeImage) {
  const Base& base = *find_base("small");
  std::vector<std::byte> image(base.editor.device_size());
  base.disk.read(sim::DevPos{0}, image);
  EXPECT_TRUE(is_image(image));
  const auto report = run_input(image);
  ASSERT_TRUE(report.ok());
  EXPECT_EQ(report->mount, sim::Errno::kOk);
  EXPECT_EQ(report->findings, std::vector<std::string>{});
  // Half of it is a truncated volume, not an error of the harness.
  const auto half = run_input(std::span(image).first(image.size() / 2));
  ASSERT_TRUE(half.ok());
  EXPECT_EQ(half->mount, sim::Errno::kInval);
}

}  // namespace
}  // namespace zerotail::fuzz
