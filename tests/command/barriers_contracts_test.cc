// zerotail barriers and zerotail contracts as a caller sees them.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "command/process.h"

namespace zerotail::command {
namespace {

using Json = nlohmann::json;

constexpr const char* kTrace =
    R"({"trace":"t","sector":512,"cluster":4096,"size_mib":8}
{"op":"create","path":"a","mode":1}
{"op":"write","path":"a","off":0,"len":900,"seed":1}
{"op":"fsync","path":"a"}
)";

TEST(BarriersCommand, NamesEachBarrierAndAStateThatRepeats) {
  const ScratchFolder folder;
  const std::string trace = folder.put("t.trace", kTrace);
  const std::string json = folder.path("b.json");
  const Outcome outcome = run({"barriers", trace, "--json", json});
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_NE(outcome.out.find("required   flush"), std::string::npos) << outcome.out;
  const Json report = Json::parse(ScratchFolder::get(json), nullptr, false);
  ASSERT_FALSE(report.is_discarded());
  size_t repeated = 0;
  for (const Json& barrier : report[0]["barriers"]) {
    for (const Json& finding : barrier["findings"]) {
      const std::string repro = finding["repro"];
      const std::string id = repro.substr(repro.rfind(' ') + 1);
      const Outcome again = run({"repro", id, "--trace", trace});
      EXPECT_EQ(again.exit_code, 1) << repro << again.err;
      EXPECT_NE(again.out.find(finding["contract"].get<std::string>()), std::string::npos);
      ++repeated;
    }
  }
  EXPECT_GT(repeated, 2U);
}

TEST(BarriersCommand, RefusesAnExistingOutputAndAnUnknownWorkload) {
  const ScratchFolder folder;
  const std::string trace = folder.put("t.trace", kTrace);
  const std::string json = folder.put("b.json", "mine");
  EXPECT_EQ(run({"barriers", trace, "--json", json}).exit_code, 2);
  EXPECT_EQ(ScratchFolder::get(json), "mine");
  const Outcome unknown = run({"barriers", "--workload", "nothing-like-it"});
  EXPECT_EQ(unknown.exit_code, 2);
  EXPECT_NE(unknown.err.find("nothing-like-it"), std::string::npos) << unknown.err;
}

TEST(ContractsCommand, WritesATableWhoseStatesRepeat) {
  const ScratchFolder folder;
  const std::string json = folder.path("c.json");
  const std::string page = folder.path("C.md");
  const Outcome outcome =
      run({"contracts", "--operation", "create", "--operation", "op-sync", "--device", "sector",
           "--device", "tear", "--torn-budget", "64", "--json", json, "--page", page});
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_NE(ScratchFolder::get(page).find("## tear"), std::string::npos);
  const Json rows = Json::parse(ScratchFolder::get(json), nullptr, false);
  ASSERT_EQ(rows.size(), 4U);
  size_t repeated = 0;
  for (const Json& row : rows) {
    for (const auto& [name, cell] : row["contracts"].items()) {
      if (cell["holds"] != "no") continue;
      const std::string repro = cell["repro"];
      const Outcome again = run({"repro", repro.substr(repro.rfind(' ') + 1)});
      EXPECT_EQ(again.exit_code, 1) << repro;
      EXPECT_NE(again.out.find(name), std::string::npos) << again.out;
      ++repeated;
    }
  }
  EXPECT_GT(repeated, 5U);
}

TEST(ContractsCommand, NamesWhatItDoesNotKnow) {
  for (const std::vector<std::string>& arguments :
       std::vector<std::vector<std::string>>{{"contracts", "--operation", "fly"},
                                             {"contracts", "--device", "paper"},
                                             {"contracts", "--ordering", "sideways"},
                                             {"contracts", "--io-path", "pigeon"}}) {
    const Outcome outcome = run(arguments);
    EXPECT_EQ(outcome.exit_code, 2) << arguments[2];
    EXPECT_NE(outcome.err.find(arguments[2]), std::string::npos) << outcome.err;
  }
}

}  // namespace
}  // namespace zerotail::command
