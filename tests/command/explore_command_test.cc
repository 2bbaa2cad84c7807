// The main job as a caller sees it: exit codes, reports, repro lines, real images, bad input.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "command/process.h"
#include "zerotail/support/real_tools.h"

namespace zerotail::command {
namespace {

using Json = nlohmann::json;

constexpr const char* kTrace =
    R"({"trace":"t","sector":512,"cluster":4096,"size_mib":8}
{"op":"create","path":"a","mode":1}
{"op":"write","path":"a","off":0,"len":9000,"seed":1}
{"op":"fsync","path":"a"}
{"op":"append","path":"a","len":500,"seed":2}
{"op":"fsync","path":"a"}
)";

Json report_of(const std::string& path) {
  Json json = Json::parse(ScratchFolder::get(path), nullptr, false);
  EXPECT_FALSE(json.is_discarded()) << path;
  return json;
}

TEST(ExploreCommand, TheBuiltInSetShowsNothingThatTheShippedBaselineDoesNotExplain) {
  const ScratchFolder folder;
  const std::string json = folder.path("r.json");
  const Outcome outcome = run({"explore", "--budget", "600", "--json", json});
  EXPECT_EQ(outcome.exit_code, 0) << outcome.out << outcome.err;
  const Json report = report_of(json);
  EXPECT_GE(report["workloads"].size(), 20u);
  for (const Json& finding : report["findings"]) {
    for (const char* contract : {"sync-mount", "answers"}) {
      EXPECT_NE(finding["contract"], contract) << finding.dump();
    }
    if (finding["contract"] == "mountable") {
      EXPECT_EQ(finding["workload"], "root-grows-c512") << finding.dump();
    }
  }
  EXPECT_EQ(report["states_considered"].get<uint64_t>(),
            report["states_checked"].get<uint64_t>() + report["states_merged"].get<uint64_t>() +
                report["states_pruned"].get<uint64_t>() +
                report["states_left_out"].get<uint64_t>());
  for (const Json& finding : report["findings"]) {
    for (const char* key :
         {"contract", "path", "range", "state", "fingerprint", "known", "repro"}) {
      EXPECT_TRUE(finding.contains(key)) << key;
    }
  }
  EXPECT_NE(ScratchFolder::get(folder.path("r.txt")).find("Known findings"), std::string::npos);
}

TEST(ExploreCommand, SoDoCrashesAfterACrash) {
  const ScratchFolder folder;
  const std::string json = folder.path("r.json");
  const Outcome outcome = run({"explore", "--tiers", "all", "--json", json});
  EXPECT_EQ(outcome.exit_code, 0) << outcome.out << outcome.err;
  const Json report = report_of(json);
  size_t again = 0;
  for (const Json& finding : report["findings"]) {
    again += finding["state"].get<std::string>().find('/') != std::string::npos ? 1 : 0;
  }
  EXPECT_GT(again, 10U);
}

// 22 entries of the baseline are of other devices than this one.
TEST(ExploreCommand, EntriesOfAnotherDeviceAreNotMissed) {
  const ScratchFolder folder;
  const std::string json = folder.path("r.json");
  const Outcome outcome = run({"explore", "--workload", "dirsync-names", "--workload",
                               "append-fsync", "--device", "wt512", "--json", json});
  EXPECT_EQ(report_of(json)["gone"].size(), 0U) << outcome.out;
}

TEST(ExploreCommand, OrderingsAreComparedOnBufferHeads) {
  const ScratchFolder folder;
  const std::string json = folder.path("o.json");
  const Outcome outcome = run({"explore", "--compare-orderings", "--io-path", "buffer-head",
                               "--workload", "append-fdatasync", "--json", json});
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_NE(outcome.out.find("vc512:buffer-head-linux:"), std::string::npos) << outcome.out;
  EXPECT_EQ(outcome.out.find(":iomap-"), std::string::npos) << outcome.out;
}

TEST(ExploreCommand, ATraceWithoutABaselineHasNewFindingsThatReproduce) {
  const ScratchFolder folder;
  const std::string trace = folder.put("t.trace", kTrace);
  const std::string json = folder.path("r.json");
  const Outcome explored = run({"explore", trace, "--json", json});
  EXPECT_EQ(explored.exit_code, 1) << explored.err;
  const Json findings = report_of(json)["findings"];
  ASSERT_FALSE(findings.empty());
  const std::string repro = findings[0]["repro"];
  const std::string id = repro.substr(repro.rfind(' ') + 1);
  EXPECT_EQ(run({"repro", id, "--trace", trace}).exit_code, 1);
  EXPECT_EQ(run({"repro", id.substr(0, id.rfind(':')) + ":p0+", "--trace", trace}).exit_code, 0);
  const Outcome without = run({"repro", id});
  EXPECT_EQ(without.exit_code, 2);
  EXPECT_NE(without.err.find("give it with --trace"), std::string::npos) << without.err;
}

TEST(ExploreCommand, ItsOwnBaselineSilencesARun) {
  const ScratchFolder folder;
  const std::string trace = folder.put("t.trace", kTrace);
  const std::string baseline = folder.path("b");
  ASSERT_EQ(run({"explore", trace, "--json", folder.path("1.json"), "--write-baseline", baseline})
                .exit_code,
            1);
  const Outcome again =
      run({"explore", trace, "--json", folder.path("2.json"), "--baseline", baseline});
  EXPECT_EQ(again.exit_code, 0) << again.out;
  EXPECT_EQ(report_of(folder.path("1.json"))["digest"], report_of(folder.path("2.json"))["digest"]);
}

TEST(ExploreCommand, ExportedStatesAreWhatCheckSees) {
  const ScratchFolder folder;
  const std::string image = folder.path("s.img");
  const std::string id = "zt1:create-write-fsync:vc512:iomap-linux:s1:p3+1";
  EXPECT_EQ(run({"export", "--state", id, "--image", image}).exit_code, 0);
  const Outcome check = run({"check", image});
  EXPECT_EQ(check.exit_code, 4);
  EXPECT_NE(check.out.find("unmarked"), std::string::npos) << check.out;
  const Outcome again = run({"export", "--state", id, "--image", image});
  EXPECT_EQ(again.exit_code, 2);
  EXPECT_NE(again.err.find(image), std::string::npos);
}

TEST(ExploreCommand, AnImageOfTheRealMkfsIsExploredAndNotWritten) {
  const support::ScratchDir folder;
  const std::string image = folder.file("real.img");
  ASSERT_TRUE(support::create_image(image, sim::mib(16), sim::mib(16)).ok());
  const support::ToolRun made = support::real_mkfs(image, sim::kSectorSize, {"-c", "4096"});
  ASSERT_EQ(made.exit_code, 0) << made.output;
  const std::string before = ScratchFolder::get(image);
  const ScratchFolder other;
  const std::string trace = other.put("t.trace", kTrace);
  const std::string json = other.path("r.json");
  const Outcome outcome = run({"explore", trace, "--image", image, "--json", json});
  EXPECT_EQ(outcome.exit_code, 1) << outcome.err;
  EXPECT_EQ(ScratchFolder::get(image), before);
  const Json report = report_of(json);
  EXPECT_GT(report["states_checked"].get<uint64_t>(), 20u);
  const std::string repro = report["findings"][0]["repro"];
  const std::string id = repro.substr(repro.rfind(' ') + 1);
  EXPECT_EQ(run({"repro", id, "--trace", trace, "--base", image}).exit_code, 1);
}

struct BadCall {
  std::vector<std::string> arguments;
  std::string complaint;
};

TEST(ExploreCommand, BadInputIsNamed) {
  const ScratchFolder folder;
  const std::string trace = folder.put("t.trace", kTrace);
  const std::string broken = folder.put("broken.trace", std::string(kTrace) + "{\"op\":\"x\"}\n");
  const std::string text = folder.put("text.img", std::string(1 << 20, 'x'));
  const std::string baseline = folder.put("b", "# zerotail baseline 1\nnonsense\n");
  const std::string exists = folder.put("exists.json", "mine");
  const std::vector<BadCall> calls = {
      {{"explore", folder.path("missing.trace")}, "missing.trace"},
      {{"explore", broken}, "broken.trace:7"},
      {{"explore", trace, "--image", folder.path("missing.img")}, "missing.img"},
      {{"explore", trace, "--image", text}, "boot"},
      {{"explore", trace, "--baseline", baseline}, "b:2: "},
      {{"explore", trace, "--json", exists}, "exists.json"},
      {{"explore", trace, "--json", folder.path("no/such/folder.json")}, "no/such/folder.json"},
      {{"explore", "--workload", "no-such"}, "no-such"},
      {{"explore", "--contract", "durability"}, "durability"},
      {{"explore", "--device", "floppy"}, "floppy"},
      {{"explore", "--budget", "many"}, "--budget"},
      {{"repro", "nonsense"}, "nonsense"},
      {{"repro", "zt1:append-fsync:vc512:iomap-linux:s1:p99999+"}, "p99999"},
  };
  for (const BadCall& call : calls) {
    const Outcome outcome = run(call.arguments);
    EXPECT_EQ(outcome.exit_code, 2) << call.complaint << ": " << outcome.err;
    EXPECT_NE(outcome.err.find(call.complaint), std::string::npos)
        << "'" << call.complaint << "' is not in: " << outcome.err;
  }
  EXPECT_EQ(ScratchFolder::get(exists), "mine");
}

}  // namespace
}  // namespace zerotail::command
