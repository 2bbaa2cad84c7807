// The checker and the real fsck.exfat -n on edited images, and the table of docs/CHECK.md.
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "harness/check_recipes.h"
#include "harness/fsck_compare.h"

namespace zerotail::harness {
namespace {

using testing::FsckComparer;
using testing::FsckComparison;
using testing::Recipe;
using testing::RecipeVolume;

std::set<CheckClass> classes_of(const CheckResult& result) {
  std::set<CheckClass> classes;
  for (const CheckProblem& p : result.problems) classes.insert(p.kind);
  return classes;
}

std::string names(const std::set<CheckClass>& classes) {
  std::string text;
  for (const CheckClass c : classes) text += (text.empty() ? "" : ", ") + std::string{name(c)};
  return text.empty() ? "clean" : text;
}

std::string describe(const CheckResult& result) {
  std::string text;
  for (const CheckProblem& p : result.problems) text += p.describe() + "\n";
  return text;
}

TEST(CheckRecipes, CheckFindsTheEditAndNothingElse) {
  for (const Recipe& recipe : testing::recipes()) {
    RecipeVolume volume;
    recipe.edit(volume);
    const CheckResult result = check_volume(volume.v.disk());
    EXPECT_EQ(names(classes_of(result)), names(recipe.classes)) << recipe.name << "\n"
                                                                << describe(result);
  }
}

TEST(CheckRecipes, EveryClassButGivenUpHasOne) {
  std::set<CheckClass> covered;
  for (const Recipe& recipe : testing::recipes()) {
    covered.insert(recipe.classes.begin(), recipe.classes.end());
  }
  for (size_t i = 0; i < kCheckClasses; ++i) {
    const auto c = static_cast<CheckClass>(i);
    EXPECT_EQ(covered.count(c), c == CheckClass::kGivenUp ? 0U : 1U) << name(c);
  }
}

TEST(CheckRecipes, FsckSaysWhatTheTableSays) {
  FsckComparer comparer;
  for (const Recipe& recipe : testing::recipes()) {
    SCOPED_TRACE(recipe.name);
    RecipeVolume volume;
    recipe.edit(volume);
    const testing::FsckVerdict verdict = comparer.run(volume.v.disk());
    EXPECT_EQ(verdict.exit_code, recipe.fsck_exit) << verdict.output;
    EXPECT_NE(verdict.output.find(recipe.fsck_says), std::string::npos) << verdict.output;
  }
}

TEST(CheckRecipes, EveryDisagreementIsAKnownOne) {
  FsckComparer comparer;
  for (const Recipe& recipe : testing::recipes()) {
    SCOPED_TRACE(recipe.name);
    RecipeVolume volume;
    recipe.edit(volume);
    const CheckResult result = check_volume(volume.v.disk());
    const FsckComparison comparison = comparer.compare(volume.v.disk(), result);
    for (const std::string& what : comparison.unexplained) {
      ADD_FAILURE() << what << "\n" << describe(result) << comparison.fsck.output;
    }
    const bool differ = result.clean() != comparison.fsck.clean();
    EXPECT_EQ(differ, !recipe.difference.empty());
    if (!differ) continue;
    bool named = false;
    for (const auto* difference : comparison.differences) {
      named |= difference->name == recipe.difference;
    }
    EXPECT_TRUE(named) << recipe.difference;
  }
}

// The two tables of docs/CHECK.md as they must stand there.
std::string tables() {
  std::string text = "| edit | check finds | fsck.exfat -n | exit | difference |\n";
  text += "|---|---|---|---|---|\n";
  for (const Recipe& r : testing::recipes()) {
    text += "| " + r.name + " | " + names(r.classes) + " | " + r.fsck_says + " | " +
            std::to_string(r.fsck_exit) + " | " + r.difference + " |\n";
  }
  text += "\n| difference | why |\n|---|---|\n";
  for (const auto& difference : testing::known_differences()) {
    text += "| " + std::string{difference.name} + " | " + std::string{difference.reason} + " |\n";
  }
  return text;
}

TEST(CheckRecipes, TheDocumentShowsTheTables) {
  std::ifstream file{ZEROTAIL_SOURCE_DIR "/docs/CHECK.md"};
  std::stringstream content;
  content << file.rdbuf();
  EXPECT_NE(content.str().find(tables()), std::string::npos) << "docs/CHECK.md must hold:\n"
                                                             << tables();
}

}  // namespace
}  // namespace zerotail::harness
