// The committed recipes, one test a file, with any compiler: the seed corpus of the fuzzer, the
// named hostile volumes with what they must answer, and everything that the fuzzer ever found.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "fuzz/corpus.h"
#include "fuzz/mutator.h"

namespace zerotail::fuzz {
namespace {

const std::string kFolder = std::string(ZEROTAIL_SOURCE_DIR) + "/tests/fuzz/";

std::vector<std::string> files(const char* folder) { return files_of(kFolder + folder); }

std::string test_name(const ::testing::TestParamInfo<std::string>& info) {
  std::string name = std::filesystem::path(info.param).stem().string();
  for (char& c : name) {
    if (std::isalnum(static_cast<unsigned char>(c)) == 0) c = '_';
  }
  return name;
}

std::string complaints(const std::string& file) {
  const auto replay = replay_file(file);
  if (!replay.ok()) return replay.error().message();
  std::string text;
  for (const std::string& complaint : replay->complaints()) text += complaint + "\n";
  return text;
}

class HostileVolume : public ::testing::TestWithParam<std::string> {};
TEST_P(HostileVolume, AnswersAsItShould) {
  const auto replay = replay_file(GetParam());
  ASSERT_TRUE(replay.ok()) << replay.error().message();
  EXPECT_EQ(complaints(GetParam()), "");
  // A case that expects nothing could not fail.
  const Recipe& recipe = replay->recipe;
  const bool expects =
      recipe.want_mount || !recipe.want_check.empty() ||
      std::any_of(recipe.steps.begin(), recipe.steps.end(), [](const Step& s) { return s.want; });
  EXPECT_TRUE(expects);
}
INSTANTIATE_TEST_SUITE_P(Recipes, HostileVolume, ::testing::ValuesIn(files("hostile")), test_name);

class Regression : public ::testing::TestWithParam<std::string> {};
TEST_P(Regression, StaysFixed) { EXPECT_EQ(complaints(GetParam()), ""); }
INSTANTIATE_TEST_SUITE_P(Found, Regression, ::testing::ValuesIn(files("regressions")), test_name);
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(Regression);

TEST(Seeds, FindNothing) {
  for (const std::string& file : files("seeds")) EXPECT_EQ(complaints(file), "") << file;
}

// `fuzz_replay --seeds tests/fuzz/seeds` writes them anew.
TEST(Seeds, AreWhatTheGeneratorWrites) {
  std::vector<std::string> want;
  for (const Seed& seed : seeds()) want.push_back(seed.name + ".recipe\n" + seed.text);
  std::sort(want.begin(), want.end());
  std::vector<std::string> got;
  for (const std::string& path : files("seeds")) {
    std::ifstream file(path, std::ios::binary);
    got.push_back(std::filesystem::path(path).filename().string() + "\n" +
                  std::string(std::istreambuf_iterator<char>(file), {}));
  }
  std::sort(got.begin(), got.end());
  EXPECT_EQ(got, want);
}

// A slice of what the fuzzer does, in every build.
TEST(Mutations, FindNothing) {
  const std::vector<Seed> start = seeds();
  std::string text;
  for (uint64_t round = 0; round < 600; ++round) {
    if (round % 6 == 0) text = start[round / 6 % start.size()].text;
    text = mutate(text, 4096, round);
    const auto report = run_input(std::as_bytes(std::span(text)));
    ASSERT_TRUE(report.ok()) << text;
    EXPECT_EQ(report->findings, std::vector<std::string>{}) << text;
  }
}

}  // namespace
}  // namespace zerotail::fuzz
