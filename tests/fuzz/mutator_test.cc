#include "fuzz/mutator.h"

#include <gtest/gtest.h>

#include <set>

#include "fuzz/bases.h"
#include "fuzz/corpus.h"

namespace zerotail::fuzz {
namespace {

constexpr size_t kLimit = 2048;

TEST(Mutator, GivesRecipesThatRun) {
  std::string text = seeds().front().text;
  for (uint64_t seed = 0; seed < 3000; ++seed) {
    text = mutate(text, kLimit, seed);
    ASSERT_LE(text.size(), kLimit);
    const auto recipe = parse_recipe(text);
    ASSERT_TRUE(recipe.ok()) << text << recipe.error().message();
    const Base* base = find_base(recipe->base);
    ASSERT_NE(base, nullptr) << text;
    for (const auto& edit : recipe->edits) {
      ASSERT_TRUE(base->editor.check(edit).ok())
          << text << base->editor.check(edit).error().where();
    }
  }
}

TEST(Mutator, GivesTheSameForTheSameSeed) {
  const std::string start = seeds().back().text;
  for (uint64_t seed = 0; seed < 50; ++seed) {
    EXPECT_EQ(mutate(start, kLimit, seed), mutate(start, kLimit, seed));
  }
}

TEST(Mutator, TurnsWhatIsNoRecipeIntoOne) {
  for (uint64_t seed = 0; seed < 50; ++seed) {
    EXPECT_TRUE(parse_recipe(mutate("\x01 rubbish", kLimit, seed)).ok());
    EXPECT_TRUE(parse_recipe(mutate("base nowhere\nsync\n", kLimit, seed)).ok());
    EXPECT_TRUE(parse_recipe(mutate("", kLimit, seed)).ok());
  }
}

TEST(Mutator, ReachesEveryFieldAndEveryBase) {
  std::set<std::string> fields;
  std::set<std::string> names;
  std::string text;
  for (uint64_t seed = 0; seed < 5000; ++seed) {
    text = mutate(seed % 10 == 0 ? "" : text, kLimit, seed);
    const auto recipe = parse_recipe(text);
    ASSERT_TRUE(recipe.ok());
    names.insert(recipe->base);
    for (const auto& edit : recipe->edits) fields.insert(edit.text);
  }
  EXPECT_EQ(fields.size(), harness::edit_fields().size());
  EXPECT_EQ(names.size(), bases().size());
}

TEST(Mutator, CrossesTwoRecipes) {
  const std::string one = "base usual\nedit field=fat value=1 pos=9\nsync\n";
  const std::string other = "base usual\nedit field=fat value=2 pos=10\nsyncfs\n";
  bool both = false;
  for (uint64_t seed = 0; seed < 50; ++seed) {
    const auto recipe = parse_recipe(cross(one, other, kLimit, seed));
    ASSERT_TRUE(recipe.ok());
    both = both || (recipe->edits.size() == 2 && recipe->steps.size() == 2);
  }
  EXPECT_TRUE(both);
}

}  // namespace
}  // namespace zerotail::fuzz
