// explore --log with checkers of a few shell lines, on logs made by hand: verdicts, findings, what
// a checker may do wrong, what is left behind.
#include <gtest/gtest.h>

#include <csignal>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "command/log_file.h"

namespace zerotail::command {
namespace {

using Json = nlohmann::json;

std::string sector_of(char c) { return std::string(512, c); }

class ExploreLog : public testing::Test {
 protected:
  ExploreLog() {
    image_ = folder_.put("base.img", std::string(64 * 512, '\0'));
    // Data, flush, the name that points to it: and another name without a flush before it.
    log_ = put_log("good.log", {{4, 1, 0, sector_of('A')},
                                {0, 0, kFlush, {}},
                                {8, 1, 0, sector_of('B')},
                                {0, 0, kFlush, {}},
                                {0, 0, kMark, "first is there"},
                                {5, 1, 0, sector_of('A')},
                                {9, 1, 0, sector_of('B')}});
  }

  [[nodiscard]] std::string put_log(const std::string& name,
                                    const std::vector<RawEntry>& entries) const {
    return folder_.put(name, raw_log(entries));
  }

  // A script that can ask for a sector: `at 4` prints its first byte, `-` for a zero.
  [[nodiscard]] std::string checker(const std::string& body) const {
    const std::string path = folder_.put(
        "check.sh",
        "image=$1\nat() { dd if=\"$image\" bs=512 skip=$1 count=1 2>/dev/null | head -c 1 | "
        "tr '\\0' '-'; }\n" +
            body + "\n");
    return "sh " + path + " {image}";
  }
  // A name without its data is damage.
  [[nodiscard]] std::string name_checker() const {
    return checker(
        "test \"$(at 8)$(at 4)\" = B- && echo \"name 8 has no data in $image\" && exit 1\n"
        "test \"$(at 9)$(at 5)\" = B- && echo \"name 9 has no data in $image\" && exit 1\n"
        "echo fine\nexit 0");
  }

  [[nodiscard]] std::vector<std::string> arguments(const std::string& command) {
    json_ = folder_.path("r" + std::to_string(++runs_) + ".json");
    return {"explore", "--log", log_, "--image", image_, "--check-cmd", command, "--json", json_};
  }
  Outcome explore(const std::string& command, const std::vector<std::string>& more) {
    std::vector<std::string> words = arguments(command);
    words.insert(words.end(), more.begin(), more.end());
    return run(words);
  }
  Outcome explore(const std::string& command) { return explore(command, {}); }
  [[nodiscard]] Json report() const {
    Json json = Json::parse(ScratchFolder::get(json_), nullptr, false);
    EXPECT_FALSE(json.is_discarded());
    return json;
  }
  // One line on standard error that says so, exit code 2.
  static void refused(const Outcome& outcome, const std::string& what) {
    EXPECT_EQ(outcome.exit_code, 2) << outcome.out;
    EXPECT_NE(outcome.err.find(what), std::string::npos) << outcome.err;
  }

  ScratchFolder folder_;
  std::string image_;
  std::string log_;
  std::string json_;
  int runs_ = 0;
};

TEST_F(ExploreLog, ExitCodesAreVerdictsAndTheOutputIsKept) {
  const Outcome outcome = explore(name_checker());
  EXPECT_EQ(outcome.exit_code, 1) << outcome.err;
  const Json findings = report()["findings"];
  ASSERT_EQ(findings.size(), 1U) << findings.dump(1);
  EXPECT_EQ(findings[0]["kind"], "exit-1");
  EXPECT_EQ(findings[0]["detail"], "name # has no data in {image}");
  EXPECT_NE(findings[0]["output"].get<std::string>().find("name 9 has no data"), std::string::npos);
  EXPECT_EQ(findings[0]["count"], 1);
  EXPECT_NE(ScratchFolder::get(folder_.path("r1.txt")).find("name 9 has no data"),
            std::string::npos);
}

TEST_F(ExploreLog, EveryContentIsJudgedOnce) {
  const std::string calls = folder_.path("calls");
  explore(checker("echo x >>" + calls), {"--jobs", "1"});
  // nothing; A; A+B; with 5 and 9 of it, each alone and both; and the disk before the log.
  EXPECT_EQ(report()["states_checked"], 6);
  EXPECT_EQ(ScratchFolder::get(calls).size(), 2U * 7);
  explore(checker("echo x >>" + calls), {"--no-prune"});
  EXPECT_GT(report()["states_checked"], 6);
}

TEST_F(ExploreLog, OtherExitCodesCanBeGood) {
  EXPECT_EQ(explore(checker("exit 3"), {"--check-ok", "0,3"}).exit_code, 0);
  EXPECT_EQ(explore(checker("exit 0"), {"--check-ok", "3"}).exit_code, 1);
  refused(explore(checker("exit 3"), {"--check-ok", "0,300"}), "--check-ok");
}

TEST_F(ExploreLog, TheReproLineShowsTheFindingAndExportItsImage) {
  EXPECT_EQ(explore(name_checker()).exit_code, 1);
  const Json finding = report()["findings"][0];
  const std::string line = finding["repro"];
  const std::string id = line.substr(15, line.find(' ', 15) - 15);
  ASSERT_EQ(id.rfind("zt1:log-", 0), 0U) << line;
  const Outcome again =
      run({"repro", id, "--log", log_, "--base", image_, "--check-cmd", name_checker()});
  EXPECT_EQ(again.exit_code, 1) << again.err;
  EXPECT_NE(again.out.find("last mark 'first is there'"), std::string::npos) << again.out;
  EXPECT_NE(again.out.find("kept: 6; lost or replaced: 5"), std::string::npos) << again.out;
  const std::string good = id.substr(0, id.rfind(':')) + ":p0+";
  EXPECT_EQ(run({"repro", good, "--log", log_, "--base", image_, "--check-cmd", name_checker()})
                .exit_code,
            0);
  const std::string out = folder_.path("state.img");
  EXPECT_EQ(
      run({"export", "--state", id, "--log", log_, "--base", image_, "--image", out}).exit_code, 0);
  const std::string state = ScratchFolder::get(out);
  ASSERT_EQ(state.size(), 64U * 512);
  EXPECT_EQ(state[4 * 512], 'A');
  EXPECT_EQ(state[5 * 512], '\0');
  EXPECT_EQ(state[9 * 512], 'B');
}

TEST_F(ExploreLog, AnIdOfAnotherLogIsRefused) {
  const std::string other = put_log("other.log", {{4, 1, 0, sector_of('Z')}});
  EXPECT_EQ(explore(name_checker()).exit_code, 1);
  const std::string line = report()["findings"][0]["repro"];
  const std::string id = line.substr(15, line.find(' ', 15) - 15);
  refused(run({"repro", id, "--log", other, "--base", image_, "--check-cmd", name_checker()}),
          "the id is of log-");
  refused(run({"repro", id, "--base", image_}), "give it with --log");
  refused(run({"repro", "zt1:log-12:vc512", "--log", log_, "--base", image_}), "is no id");
}

TEST_F(ExploreLog, ABaselineSilencesWhatItLists) {
  const std::string baseline = folder_.path("known");
  EXPECT_EQ(explore(name_checker(), {"--write-baseline", baseline}).exit_code, 1);
  EXPECT_EQ(explore(name_checker(), {"--baseline", baseline}).exit_code, 0);
}

TEST_F(ExploreLog, TheNumberOfJobsChangesNothing) {
  // The more of the log is there, the faster: verdicts come in another order than the states.
  const std::string command =
      checker("test \"$(at 8)\" = B || sleep 0.02; echo \"$(at 9)\"; exit 1");
  explore(command, {"--jobs", "1"});
  const Json one = report();
  explore(command, {"--jobs", "5"});
  const Json five = report();
  EXPECT_EQ(one["digest"], five["digest"]);
  EXPECT_EQ(one["findings"], five["findings"]);
}

TEST_F(ExploreLog, TheLastMarkIsPutIn) {
  const std::string seen = folder_.path("seen");
  const std::string script =
      folder_.put("mark.sh", "printf '<%s>\\n' \"$1\" >>" + seen + "; exit 0\n");
  EXPECT_EQ(explore("sh " + script + " {mark} {image}").exit_code, 0);
  const std::string marks = ScratchFolder::get(seen);
  EXPECT_NE(marks.find("<first is there>\n"), std::string::npos);
  EXPECT_EQ(marks.rfind("<>\n", 0), 0U);
  // Through a shell the text is one word as well.
  EXPECT_EQ(explore("test {mark} = 'no such mark' && exit 1; test -e {image}").exit_code, 0);
  EXPECT_EQ(explore("test {mark} = 'first is there' && exit 1; test -e {image}").exit_code, 1);
}

TEST_F(ExploreLog, ACheckerThatWritesSpoilsNothing) {
  const std::string look = "echo \"$(at 4)$(at 5)$(at 8)$(at 9)$(at 20)\"\n";
  const std::string spoil =
      "printf XXXX | dd of=\"$image\" bs=1 seek=10240 conv=notrunc 2>/dev/null\n"
      "printf A | dd of=\"$image\" bs=512 seek=5 conv=notrunc 2>/dev/null\n";
  explore(checker(look + "exit 1"));
  const Json plain = report();
  explore(checker(look + spoil + "exit 1"));
  const Json written = report();
  explore(checker(look + spoil + "truncate -s 100 \"$image\"; exit 1"), {"--check-writes"});
  const Json fresh = report();
  EXPECT_EQ(plain["digest"], written["digest"]);
  EXPECT_EQ(plain["digest"], fresh["digest"]);
}

TEST_F(ExploreLog, AWriteThatIsHiddenEndsTheRun) {
  // The time of modification is put back, as a store through a shared mapping leaves it.
  const std::string command = checker(
      "printf X | dd of=\"$image\" bs=1 seek=10240 conv=notrunc 2>/dev/null\n"
      "touch -d @1 \"$image\"; exit 0");
  refused(explore(command), "--check-writes makes a fresh image");
  EXPECT_EQ(explore(command, {"--check-writes"}).exit_code, 0);
}

TEST_F(ExploreLog, ACheckerThatRemovesItsImageEndsTheRun) {
  refused(explore(checker("rm -f \"$image\"")), "removed or replaced");
}

TEST_F(ExploreLog, SignalsAndTimeoutsAreFindings) {
  explore(checker("test \"$(at 9)\" = B && kill -SEGV $$; exit 0"));
  EXPECT_EQ(report()["findings"][0]["kind"], "signal-11");
  // What the checker has started ends with it.
  const std::string command = checker("test \"$(at 9)$(at 5)\" = B- || exit 0\nsleep 600 &\nwait");
  const Outcome outcome = explore(command, {"--check-timeout", "1"});
  EXPECT_EQ(outcome.exit_code, 1) << outcome.err;
  EXPECT_EQ(report()["findings"][0]["kind"], "timeout");
}

TEST_F(ExploreLog, ACheckerThatCannotBeRunIsNoFinding) {
  refused(explore("no-such-fsck {image}"), "'no-such-fsck' is no program");
  refused(explore("no-such-fsck {image} || exit $?"), "exit code 127");
  refused(explore(checker("exit 126")), "exit code 126");
  refused(explore("fsck.exfat -n image"), "{image}");
  refused(explore(""), "needs a checker");
}

TEST_F(ExploreLog, BrokenLogsNameEntryAndByte) {
  const std::string whole = ScratchFolder::get(log_);
  log_ = folder_.put("cut.log", whole.substr(0, 1024 + 100));
  refused(explore("true {image}"),
          log_ + ": entry 0 at byte 512: its 512 bytes of data are cut off");
  log_ = put_log("beyond.log", {{63, 2, 0, sector_of('A') + sector_of('A')}});
  refused(explore("true {image}"), log_ + ": entry 0 at byte 512: sectors 63 and the next 2");
  log_ = folder_.put("none.log", std::string(2048, 'x'));
  refused(explore("true {image}"), "is no dm-log-writes log");
  log_ = folder_.path("missing.log");
  refused(explore("true {image}"), log_ + ": cannot be opened");
}

TEST_F(ExploreLog, EntriesThatAreNotCountedAreNotedAndTakenOnDemand) {
  std::string content = ScratchFolder::get(log_);
  content[16] = 2;
  log_ = folder_.put("behind.log", content);
  const Outcome outcome = explore("true {image}");
  EXPECT_EQ(outcome.exit_code, 0);
  EXPECT_NE(outcome.err.find("counts 2 entries, 5 more follow"), std::string::npos) << outcome.err;
  EXPECT_EQ(report()["workloads"][0]["requests"], 1);
  EXPECT_EQ(explore("true {image}", {"--log-scan"}).exit_code, 0);
  EXPECT_EQ(report()["workloads"][0]["requests"], 4);
}

TEST_F(ExploreLog, OptionsOfWorkloadsAreRefused) {
  refused(explore("true {image}", {"--workload", "append-fsync"}), "--workload");
  refused(explore("true {image}", {"--store", folder_.path("s")}), "--store");
  refused(run({"explore", "--check-cmd", "true {image}"}), "needs the --log");
  refused(run({"explore", "--log", log_, "--check-cmd", "true {image}"}), "needs the image");
}

TEST_F(ExploreLog, BarriersThatTheCheckerMissesAreNamed) {
  // Data, flush, name; a flush that nothing needs; a name that a FUA write keeps behind its data.
  log_ = put_log("barriers.log", {{4, 1, 0, sector_of('A')},
                                  {0, 0, kFlush, {}},
                                  {8, 1, 0, sector_of('B')},
                                  {0, 0, kFlush, {}},
                                  {5, 1, kFua, sector_of('A')},
                                  {9, 1, 0, sector_of('B')},
                                  {0, 0, kFlush, {}}});
  EXPECT_EQ(explore(name_checker()).exit_code, 0);
  const Outcome outcome = explore(name_checker(), {"--log-barriers"});
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  const Json barriers = report()["barriers"];
  ASSERT_EQ(barriers.size(), 4U);
  const std::vector<std::pair<int, bool>> expected{{1, true}, {3, false}, {4, true}, {6, false}};
  for (size_t i = 0; i < expected.size(); ++i) {
    EXPECT_EQ(barriers[i]["entry"], expected[i].first);
    EXPECT_EQ(barriers[i]["required"], expected[i].second) << barriers[i].dump();
  }
  const std::string line = barriers[2]["repro"];
  EXPECT_NE(line.find(" --log-without 4"), std::string::npos) << line;
  const std::string id = line.substr(15, line.find(' ', 15) - 15);
  EXPECT_EQ(run({"repro", id, "--log", log_, "--base", image_, "--check-cmd", name_checker(),
                 "--log-without", "4"})
                .exit_code,
            1);
  refused(explore(name_checker(), {"--log-without", "0"}), "entry 0 at byte 512: has neither");
  refused(explore(name_checker(), {"--log-without", "7"}), "has no entry 7");
}

TEST_F(ExploreLog, TheBudgetIsKept) {
  explore("true {image}", {"--budget", "3", "--no-prune"});
  EXPECT_LE(report()["states_checked"], 3);
  EXPECT_EQ(report()["states_considered"], report()["states_checked"].get<uint64_t>() +
                                               report()["states_merged"].get<uint64_t>() +
                                               report()["states_left_out"].get<uint64_t>());
}

TEST_F(ExploreLog, NothingIsLeftBehind) {
  const std::string scratch = folder_.path("scratch");
  std::filesystem::create_directory(scratch);
  explore(name_checker(), {"--scratch", scratch});
  EXPECT_TRUE(std::filesystem::is_empty(scratch));
  refused(explore("no-such-fsck {image}", {"--scratch", scratch}), "no program");
  EXPECT_TRUE(std::filesystem::is_empty(scratch));
  // Interrupted in the middle of a checker that would take a minute.
  const std::string calls = folder_.put("calls", "");
  std::vector<std::string> words =
      arguments(checker("echo x >>" + calls + "; test \"$(at 4)\" = A && sleep 60; exit 0"));
  words.insert(words.end(), {"--scratch", scratch});
  EXPECT_EQ(run_and_signal(words, calls, 6, SIGINT), 130);
  EXPECT_TRUE(std::filesystem::is_empty(scratch));
  // Killed: the next run clears away what is left, and nothing else.
  std::filesystem::create_directory(scratch + "/zerotail-explore-mine");
  EXPECT_EQ(folder_.put("calls", ""), calls);
  EXPECT_EQ(run_and_signal(words, calls, 6, SIGKILL), -SIGKILL);
  explore("true {image}", {"--scratch", scratch});
  EXPECT_TRUE(std::filesystem::remove(scratch + "/zerotail-explore-mine"));
  EXPECT_TRUE(std::filesystem::is_empty(scratch));
}

TEST_F(ExploreLog, WhatRecordWritesHasTheStatesOfTheWorkload) {
  log_ = folder_.path("a.log");
  image_ = folder_.path("a.img");
  ASSERT_EQ(
      run({"record", "--workload", "append-fsync", "--log", log_, "--base", image_}).exit_code, 0);
  refused(run({"record", "--workload", "append-fsync", "--log", log_, "--base", image_}), log_);
  EXPECT_EQ(explore("true {image}", {"--budget", "19"}).exit_code, 0);
  const Json from_log = report();
  const std::string json = folder_.path("w.json");
  EXPECT_EQ(run({"explore", "--workload", "append-fsync", "--json", json}).exit_code, 0);
  const Json direct = Json::parse(ScratchFolder::get(json), nullptr, false);
  EXPECT_EQ(from_log["workloads"][0]["requests"], direct["workloads"][0]["requests"]);
  EXPECT_EQ(from_log["workloads"][0]["flushes"], direct["workloads"][0]["flushes"]);
  EXPECT_EQ(from_log["workloads"][0]["epochs"], direct["workloads"][0]["epochs"]);
}

}  // namespace
}  // namespace zerotail::command
