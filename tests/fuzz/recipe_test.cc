#include "fuzz/recipe.h"

#include <gtest/gtest.h>

namespace zerotail::fuzz {
namespace {

std::string error_of(std::string_view text) {
  const auto recipe = parse_recipe(text);
  return recipe.ok() ? "" : recipe.error().where();
}

TEST(Recipe, PrintsWhatItRead) {
  const std::string text =
      "base small\n"
      "mount sync discard\n"
      "edit field=fat value=-1 pos=7\n"
      "edit field=stream.data_length value=12 path=A%20name\n"
      "write path=a off=-1 len=10 seed=3 fault_at=4 -> EINVAL\n"
      "remount mount=ro,sync\n"
      "rename path=a to=b%25 mode=1 -> 0\n"
      "expect mount ok\n"
      "expect check chain-loop\n";
  const auto recipe = parse_recipe(text);
  ASSERT_TRUE(recipe.ok()) << recipe.error().message();
  EXPECT_EQ(print_recipe(*recipe), text);
  EXPECT_EQ(recipe->steps[2].op.to, "b%");
  EXPECT_EQ(recipe->steps[0].want, -22);
}

TEST(Recipe, SkipsCommentsAndBlankLines) {
  const auto recipe = parse_recipe("# why\n\nbase usual\n\nsync\n");
  ASSERT_TRUE(recipe.ok());
  EXPECT_EQ(print_recipe(*recipe), "base usual\nsync\n");
}

TEST(Recipe, NamesTheLineThatIsWrong) {
  EXPECT_EQ(error_of("sync\n"), "line 1: no base");
  EXPECT_EQ(error_of("base a\nfly path=x\n"), "line 2: unknown operation \"fly\"");
  EXPECT_EQ(error_of("base a\nread path=x off=0\n"), "line 2: \"len\" is missing");
  EXPECT_EQ(error_of("base a\nread path=x off=0 len=-1\n"), "line 2: bad value \"len=-1\"");
  EXPECT_EQ(error_of("base a\nread path=x size=0\n"), "line 2: unknown key \"size\"");
  EXPECT_EQ(error_of("base a\nunlink path=%2\n"), "line 2: bad value \"path=%2\"");
  EXPECT_EQ(error_of("base a\nunlink path=%00\n"), "line 2: bad value \"path=%00\"");
  EXPECT_EQ(error_of("base a\nsync -> EWHAT\n"), "line 2: no answer: \"EWHAT\"");
  EXPECT_EQ(error_of("base a\nexpect check nothing\n"),
            "line 2: unknown problem class \"nothing\"");
  EXPECT_EQ(error_of("base a\nmount fast\n"), "line 2: unknown option \"fast\"");
  EXPECT_EQ(error_of("base a\nsync\nedit field=fat value=0 pos=2\n"),
            "line 3: edits come before the operations");
}

TEST(Recipe, KnowsErrnosByName) {
  EXPECT_EQ(errno_of("ENOSPC"), sim::Errno::kNoSpc);
  EXPECT_EQ(errno_of("ENAMETOOLONG"), sim::Errno::kNameTooLong);
  EXPECT_EQ(errno_of("enospc"), std::nullopt);
}

}  // namespace
}  // namespace zerotail::fuzz
