// `zerotail explore --enumerate` as a caller sees it.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "command/process.h"

namespace zerotail::command {
namespace {

using Json = nlohmann::json;

Json report_of(const std::string& path) {
  Json json = Json::parse(ScratchFolder::get(path), nullptr, false);
  EXPECT_FALSE(json.is_discarded()) << path;
  return json;
}

uint64_t workloads_of(const Json& report) {
  uint64_t count = 0;
  for (const Json& workload : report["workloads"]) count += workload["workloads"].get<uint64_t>();
  return count;
}

TEST(EnumerateCommand, AllSequencesOfLengthOneShowNothingNew) {
  const ScratchFolder folder;
  const std::string json = folder.path("r.json");
  const Outcome outcome = run({"explore", "--enumerate", "1", "--budget", "200", "--json", json});
  EXPECT_EQ(outcome.exit_code, 0) << outcome.out << outcome.err;
  EXPECT_NE(outcome.out.find("nothing new"), std::string::npos);
  EXPECT_NE(outcome.err.find("states checked in"), std::string::npos) << outcome.err;
  const Json report = report_of(json);
  EXPECT_GT(workloads_of(report), 1000u);
  EXPECT_LT(report["workloads"].size(), 30u);
  for (const Json& finding : report["findings"]) {
    EXPECT_NE(finding["contract"], "answers") << finding.dump();
  }
}

TEST(EnumerateCommand, ASampleOfLengthTwoShowsNothingNew) {
  const ScratchFolder folder;
  const std::string json = folder.path("r.json");
  const Outcome outcome = run({"explore", "--enumerate", "2", "--sample", "400", "--seed", "3",
                               "--budget", "200", "--json", json});
  EXPECT_EQ(outcome.exit_code, 0) << outcome.out << outcome.err;
  EXPECT_NE(outcome.out.find("a sample of 400 ("), std::string::npos) << outcome.out;
  EXPECT_EQ(workloads_of(report_of(json)), 400u);
}

TEST(EnumerateCommand, TheListHasEverySequenceAndTheCounts) {
  const Outcome all = run({"explore", "--enumerate", "1", "--list"});
  EXPECT_EQ(all.exit_code, 0) << all.err;
  EXPECT_NE(all.out.find(" enum1-truncate.f.v-1.fsync\n"), std::string::npos);
  EXPECT_NE(all.out.find(" sequences of length 1\n"), std::string::npos);
  EXPECT_NE(all.out.find(": the same with two names exchanged\n"), std::string::npos);
  const Outcome some = run({"explore", "--enumerate", "2", "--list", "--sample", "3"});
  EXPECT_EQ(some.out, run({"explore", "--enumerate", "2", "--list", "--sample", "3"}).out);
  EXPECT_NE(some.out,
            run({"explore", "--enumerate", "2", "--list", "--sample", "3", "--seed", "2"}).out);
}

TEST(EnumerateCommand, AFindingIsReproducedFromItsIdAlone) {
  const ScratchFolder folder;
  const std::string empty = folder.put("b", "# zerotail baseline 1\n");
  const std::string json = folder.path("r.json");
  const Outcome explored = run({"explore", "--enumerate", "2", "--sample", "40", "--budget", "200",
                                "--cluster", "4K", "--baseline", empty, "--json", json});
  EXPECT_EQ(explored.exit_code, 1) << explored.err;
  const Json findings = report_of(json)["findings"];
  ASSERT_FALSE(findings.empty());
  for (const Json& finding : findings) {
    const std::string repro = finding["repro"];
    const std::string id = repro.substr(repro.rfind(' ') + 1);
    const Outcome again = run({"repro", id});
    EXPECT_EQ(again.exit_code, 1) << id << again.err;
    const std::string kind =
        finding["contract"].get<std::string>() + " " + finding["kind"].get<std::string>() + ": ";
    EXPECT_NE(again.out.find(kind), std::string::npos) << kind << " is not in " << again.out;
  }
}

TEST(EnumerateCommand, MergedShardsEqualTheWholeRun) {
  const ScratchFolder folder;
  const auto explore = [](const std::vector<std::string>& more) {
    std::vector<std::string> words{"explore", "--enumerate", "2",  "--sample",
                                   "60",      "--budget",    "100"};
    words.insert(words.end(), more.begin(), more.end());
    return run(words);
  };
  ASSERT_EQ(explore({"--json", folder.path("whole.json")}).exit_code, 0);
  std::vector<std::string> merge{"merge", "--json", folder.path("merged.json")};
  for (const std::string shard : {"1", "2", "3"}) {
    const std::string store = folder.path("store" + shard);
    const Outcome outcome =
        explore({"--json", store + ".json", "--store", store, "--shard", shard + "/3"});
    EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
    merge.push_back(store);
  }
  const Outcome merged = run(merge);
  EXPECT_EQ(merged.exit_code, 0) << merged.err;
  EXPECT_EQ(ScratchFolder::get(folder.path("merged.json")),
            ScratchFolder::get(folder.path("whole.json")));
  const Outcome other =
      run({"explore", "--enumerate", "2", "--sample", "61", "--budget", "100", "--json",
           folder.path("o.json"), "--store", folder.path("store1"), "--shard", "1/3", "--resume"});
  EXPECT_EQ(other.exit_code, 2);
  EXPECT_NE(other.err.find("enumeration"), std::string::npos) << other.err;
}

struct BadCall {
  std::vector<std::string> arguments;
  std::string complaint;
};

TEST(EnumerateCommand, BadInputIsNamed) {
  const std::vector<BadCall> calls = {
      {{"explore", "--enumerate", "4"}, "--enumerate"},
      {{"explore", "--enumerate", "two"}, "--enumerate"},
      {{"explore", "--enumerate", "1", "--cluster", "3000"}, "cluster 3000"},
      {{"explore", "--enumerate", "1", "--sector", "1M"}, "sector 1048576"},
      {{"explore", "--enumerate", "1", "--sample", "0"}, "--sample"},
      {{"explore", "--enumerate", "1", "--workload", "save-cycle"}, "--enumerate"},
      {{"explore", "--sample", "5"}, "--sample"},
      {{"repro", "zt1:enum1-write.f.nowhere.none:vc512:iomap-linux:s1:p0+"}, "write.f.nowhere"},
  };
  for (const BadCall& call : calls) {
    const Outcome outcome = run(call.arguments);
    EXPECT_EQ(outcome.exit_code, 2) << call.complaint << ": " << outcome.err;
    EXPECT_NE(outcome.err.find(call.complaint), std::string::npos)
        << "'" << call.complaint << "' is not in: " << outcome.err;
  }
}

}  // namespace
}  // namespace zerotail::command
