// `zerotail minimize` and `explore --minimize` as a caller sees them.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>

#include "command/process.h"
#include "zerotail/support/real_tools.h"

namespace zerotail::command {
namespace {

namespace fs = std::filesystem;

constexpr const char* kId = "zt1:rename-other-directory:vc512:iomap-linux:s1:p3+0";
constexpr const char* kName = "rename-other-directory-atomic-neither-e-a";
constexpr const char* kTrace =
    R"({"trace":"t","sector":512,"cluster":4096,"size_mib":8}
{"op":"create","path":"a","mode":1}
{"op":"write","path":"a","off":0,"len":9000,"seed":1}
{"op":"fsync","path":"a"}
)";

std::vector<std::string> files_in(const std::string& folder) {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(folder)) names.push_back(entry.path().filename());
  std::sort(names.begin(), names.end());
  return names;
}

// The repro line of a NAME.txt, without the command's name, its trace as a path.
std::vector<std::string> repro_of(const std::string& folder, const std::string& name) {
  const std::string text = ScratchFolder::get(folder + "/" + name + ".txt");
  const size_t begin = text.find("zt1:");
  EXPECT_NE(begin, std::string::npos) << text;
  return {"repro", text.substr(begin, text.find(' ', begin) - begin), "--trace",
          folder + "/" + name + ".trace"};
}

TEST(MinimizeCommand, AnIdBecomesATraceALineAnImageAndATest) {
  const ScratchFolder folder;
  const std::string out = folder.path("out");
  const Outcome outcome = run({"minimize", kId, "--finding", "atomic", "--out", out});
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_NE(outcome.out.find("10 -> 4 operations"), std::string::npos) << outcome.out;
  const std::string name = kName;
  EXPECT_EQ(files_in(out),
            (std::vector<std::string>{name + ".img", name + ".trace", name + ".txt",
                                      "rename_other_directory_atomic_neither_e_a_test.cc"}));
  // The line works with the trace and nothing else, and shows the finding.
  const Outcome again = run(repro_of(out, name));
  EXPECT_EQ(again.exit_code, 1) << again.err;
  EXPECT_NE(again.out.find("atomic neither: 'e/a'"), std::string::npos) << again.out;
}

TEST(MinimizeCommand, TheImageIsTheCrashState) {
  const ScratchFolder folder;
  const std::string out = folder.path("out");
  ASSERT_EQ(run({"minimize", "zt1:create-write-fsync:vc512:iomap-linux:s1:p3+1", "--finding",
                 "consistent", "--out", out})
                .exit_code,
            0);
  std::string image;
  for (const std::string& file : files_in(out)) {
    if (fs::path(file).extension() == ".img") image = out + "/" + file;
  }
  const Outcome check = run({"check", image});
  EXPECT_EQ(check.exit_code, 4) << check.err;
  EXPECT_NE(check.out.find("unmarked"), std::string::npos) << check.out;
  const support::ToolRun fsck = support::real_fsck(image, sim::kSectorSize);
  EXPECT_NE(fsck.exit_code, 0) << fsck.output;
  EXPECT_NE(fsck.output.find("marked as free"), std::string::npos) << fsck.output;
}

TEST(MinimizeCommand, TheTestInTheTreeIsWhatTheCommandWrites) {
  const ScratchFolder folder;
  const std::string out = folder.path("out");
  ASSERT_EQ(run({"minimize", kId, "--finding", "atomic", "--out", out}).exit_code, 0);
  const std::string file = "rename_other_directory_atomic_neither_e_a_test.cc";
  EXPECT_EQ(ScratchFolder::get(out + "/" + file),
            ScratchFolder::get(std::string(ZEROTAIL_SOURCE_DIR) + "/tests/regressions/" + file));
}

TEST(MinimizeCommand, SameInputSameBytes) {
  const ScratchFolder folder;
  for (const char* out : {"1", "2"}) {
    ASSERT_EQ(run({"minimize", kId, "--finding", "atomic", "--out", folder.path(out)}).exit_code,
              0);
  }
  for (const std::string& file : files_in(folder.path("1"))) {
    EXPECT_EQ(ScratchFolder::get(folder.path("1/" + file)),
              ScratchFolder::get(folder.path("2/" + file)))
        << file;
  }
}

TEST(MinimizeCommand, ATraceGivesOneOfEachGroupAndItsTestsExpectThemGone) {
  const ScratchFolder folder;
  const std::string trace = folder.put("t.trace", kTrace);
  const std::string out = folder.path("out");
  const Outcome outcome = run({"minimize", trace, "--out", out});
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_NE(outcome.out.find("3 of 3 findings"), std::string::npos) << outcome.out;
  const std::string test = ScratchFolder::get(out + "/t_no_stale_poison_a_test.cc");
  EXPECT_NE(test.find("EXPECT_FALSE(shows(kRegression))"), std::string::npos) << test;
  const Outcome shown = run({"minimize", trace, "--finding", "no-stale", "--expect", "shown",
                             "--out", folder.path("shown")});
  ASSERT_EQ(shown.exit_code, 0) << shown.err;
  const std::string other = ScratchFolder::get(folder.path("shown/t_no_stale_poison_a_test.cc"));
  EXPECT_NE(other.find("EXPECT_TRUE(shows(kRegression))"), std::string::npos) << other;
}

TEST(MinimizeCommand, ExploreMinimisesWhatIsNewBesideItsReport) {
  const ScratchFolder folder;
  const std::string trace = folder.put("t.trace", kTrace);
  const Outcome outcome = run({"explore", trace, "--minimize", "--json", folder.path("r.json")});
  EXPECT_EQ(outcome.exit_code, 1) << outcome.err;
  EXPECT_EQ(files_in(folder.path("r-minimal")).size(), 12U) << outcome.out;
  // What is known is not minimised.
  const Outcome known =
      run({"explore", "--workload", "append-fsync", "--minimize", "--json", folder.path("k.json")});
  EXPECT_EQ(known.exit_code, 0) << known.err;
  EXPECT_FALSE(fs::exists(folder.path("k-minimal")));
}

TEST(MinimizeCommand, TheMinimalTraceShowsTheSameFingerprint) {
  const ScratchFolder folder;
  const std::string out = folder.path("out");
  ASSERT_EQ(run({"minimize", kId, "--finding", "atomic", "--out", out}).exit_code, 0);
  // So the shipped baseline knows it.
  const Outcome explored = run({"explore", out + "/" + kName + ".trace", "--contract", "atomic",
                                "--json", folder.path("r.json")});
  EXPECT_EQ(explored.exit_code, 0) << explored.out;
  EXPECT_NE(ScratchFolder::get(folder.path("r.txt")).find("02bd704085c35abc"), std::string::npos);
}

TEST(MinimizeCommand, NothingIsWrittenOverWithoutForce) {
  const ScratchFolder folder;
  const std::string out = folder.path("out");
  ASSERT_EQ(run({"minimize", kId, "--finding", "atomic", "--out", out}).exit_code, 0);
  const std::string trace = out + "/" + kName + ".trace";
  const std::string before = ScratchFolder::get(trace);
  const Outcome refused = run({"minimize", kId, "--out", out});
  EXPECT_EQ(refused.exit_code, 2);
  EXPECT_NE(refused.err.find(out), std::string::npos) << refused.err;
  EXPECT_EQ(ScratchFolder::get(trace), before);
  EXPECT_EQ(run({"minimize", kId, "--finding", "atomic", "--out", out, "--force"}).exit_code, 0);
  const Outcome explore = run(
      {"explore", folder.put("t.trace", kTrace), "--minimize", "--json", folder.path("out.json")});
  ASSERT_EQ(explore.exit_code, 1) << explore.err;
  const Outcome twice =
      run({"explore", folder.path("t.trace"), "--minimize", "--json", folder.path("out.json")});
  EXPECT_EQ(twice.exit_code, 2) << twice.err;
}

struct BadCall {
  std::vector<std::string> arguments;
  std::string complaint;
};

TEST(MinimizeCommand, BadInputIsNamedAndMakesNothing) {
  const ScratchFolder folder;
  const std::string out = folder.path("out");
  const std::string file = folder.put("file", "x");
  const std::vector<BadCall> calls = {
      {{}, "give a repro id"},
      {{"zt1:nonsense"}, "fields instead of 6"},
      {{"zt1:no-such-workload:vc512:iomap-linux:s1:p0+"}, "no-such-workload"},
      {{"zt1:append-fsync:vc512:iomap-linux:s1:p99+"}, "no point 99"},
      {{"zt1:append-fsync:vc512:iomap-linux:s1:p0+"}, "shows no finding"},
      {{kId, "--finding", "durable"}, "shows no finding durable"},
      {{kId, "--device", "tear"}, "--device"},
      {{kId, "--expect", "perhaps"}, "neither shown nor gone"},
      {{folder.path("missing.trace")}, "missing.trace"},
      {{file}, "file"},
      {{"--workload", "nothing"}, "nothing"},
      {{kId, "--states", "-1"}, "whole number"},
      {{"zt1:append-fsync:vc512:iomap-linux:s1:p0+/p1+"}, "p0+/p1+"},
  };
  for (const BadCall& call : calls) {
    std::vector<std::string> arguments{"minimize", "--out", out};
    arguments.insert(arguments.end(), call.arguments.begin(), call.arguments.end());
    const Outcome outcome = run(arguments);
    EXPECT_EQ(outcome.exit_code, 2) << call.complaint << "\n" << outcome.out;
    EXPECT_NE(outcome.err.find(call.complaint), std::string::npos) << outcome.err;
    EXPECT_FALSE(fs::exists(out)) << call.complaint;
  }
  const Outcome no_folder = run({"minimize", kId, "--out", file});
  EXPECT_EQ(no_folder.exit_code, 2);
  EXPECT_NE(no_folder.err.find("is no folder"), std::string::npos) << no_folder.err;
  EXPECT_EQ(ScratchFolder::get(file), "x");
}

}  // namespace
}  // namespace zerotail::command
