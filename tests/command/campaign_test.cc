// A long run that is stopped, killed, starved of disk or split: it ends as if nothing had happened.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>

#include "command/process.h"

namespace zerotail::command {
namespace {

std::vector<std::string> explore(const std::vector<std::string>& more) {
  std::vector<std::string> words{"explore", "--budget", "40000"};
  for (const char* name : {"save-cycle", "shrink-and-reuse", "rename-over", "sync-many"}) {
    words.insert(words.end(), {"--workload", name});
  }
  words.insert(words.end(), more.begin(), more.end());
  return words;
}

// The report of an undisturbed run.
std::string expected(const ScratchFolder& folder) {
  const Outcome outcome = run(explore({"--json", folder.path("whole.json")}));
  EXPECT_EQ(outcome.exit_code, 0) << outcome.out << outcome.err;
  return ScratchFolder::get(folder.path("whole.json"));
}

constexpr uint64_t kSomeParts = 60000;  // bytes of the store's log

TEST(Campaign, AKilledRunIsTakenUpAgain) {
  const ScratchFolder folder;
  const std::string store = folder.path("store");
  const std::string json = folder.path("r.json");
  EXPECT_EQ(run_and_signal(explore({"--json", json, "--store", store}), store + "-wal", kSomeParts,
                           SIGKILL),
            -SIGKILL);
  EXPECT_EQ(ScratchFolder::get(json), "");
  const Outcome resumed = run(explore({"--json", json, "--store", store, "--resume"}));
  EXPECT_EQ(resumed.exit_code, 0) << resumed.err;
  EXPECT_EQ(ScratchFolder::get(json), expected(folder));
}

TEST(Campaign, AnInterruptedRunSaysSoAndIsTakenUpAgain) {
  const ScratchFolder folder;
  const std::string store = folder.path("store");
  const std::string json = folder.path("r.json");
  EXPECT_EQ(run_and_signal(explore({"--json", json, "--store", store}), store + "-wal", kSomeParts,
                           SIGINT),
            130);
  const Outcome resumed = run(explore({"--json", json, "--store", store, "--resume"}));
  EXPECT_EQ(resumed.exit_code, 0) << resumed.err;
  EXPECT_EQ(ScratchFolder::get(json), expected(folder));
}

TEST(Campaign, AFullDiskLosesNoPartThatWasDone) {
  const ScratchFolder folder;
  const std::string store = folder.path("store");
  const std::string json = folder.path("r.json");
  // What a full disk answers, without one: a file that may not grow. The child inherits both.
  rlimit before{};
  getrlimit(RLIMIT_FSIZE, &before);
  const auto old = signal(SIGXFSZ, SIG_IGN);
  const rlimit small{100 * 1024, before.rlim_max};
  setrlimit(RLIMIT_FSIZE, &small);
  const Outcome starved = run(explore({"--json", json, "--store", store}));
  setrlimit(RLIMIT_FSIZE, &before);
  signal(SIGXFSZ, old);
  EXPECT_EQ(starved.exit_code, 2);
  EXPECT_NE(starved.err.find(store), std::string::npos) << starved.err;
  const Outcome resumed = run(explore({"--json", json, "--store", store, "--resume"}));
  EXPECT_EQ(resumed.exit_code, 0) << resumed.err;
  EXPECT_EQ(ScratchFolder::get(json), expected(folder));
}

TEST(Campaign, MergedShardsEqualTheWholeRun) {
  const ScratchFolder folder;
  std::vector<std::string> merge{"merge"};
  for (const std::string shard : {"2", "1", "3"}) {
    const std::string store = folder.path("store" + shard);
    const Outcome outcome =
        run(explore({"--json", store + ".json", "--store", store, "--shard", shard + "/3"}));
    EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
    merge.push_back(store);
  }
  const std::string json = folder.path("merged.json");
  merge.insert(merge.end(), {"--json", json});
  EXPECT_EQ(run(merge).exit_code, 0);
  EXPECT_EQ(ScratchFolder::get(json), expected(folder));
  const Outcome less = run(
      {"merge", folder.path("store1"), folder.path("store2"), "--json", folder.path("less.json")});
  EXPECT_EQ(less.exit_code, 2);
  EXPECT_NE(less.err.find("3 stores are needed"), std::string::npos) << less.err;
}

TEST(Campaign, AStoreOfAnotherRunIsRefused) {
  const ScratchFolder folder;
  const std::string store = folder.path("store");
  const std::vector<std::string> words{
      "explore", "--workload", "append-fsync", "--json", folder.path("r.json"),
      "--force", "--store",    store};
  EXPECT_EQ(run(words).exit_code, 0);
  const Outcome twice = run(words);
  EXPECT_EQ(twice.exit_code, 2);
  EXPECT_NE(twice.err.find("--resume"), std::string::npos) << twice.err;
  std::vector<std::string> other = words;
  other.insert(other.end(), {"--resume", "--budget", "77"});
  const Outcome refused = run(other);
  EXPECT_EQ(refused.exit_code, 2);
  EXPECT_NE(refused.err.find("budget is '4096', here '77'"), std::string::npos) << refused.err;
}

TEST(Campaign, AFileThatIsNoStoreIsRefusedAndKept) {
  const ScratchFolder folder;
  const std::string text = folder.put("text", std::string(5000, 'x'));
  const Outcome outcome = run({"explore", "--workload", "append-fsync", "--json",
                               folder.path("r.json"), "--store", text, "--resume"});
  EXPECT_EQ(outcome.exit_code, 2);
  EXPECT_NE(outcome.err.find(text), std::string::npos) << outcome.err;
  EXPECT_EQ(ScratchFolder::get(text), std::string(5000, 'x'));
  EXPECT_EQ(run({"merge", folder.path("none"), "--json", folder.path("m.json")}).exit_code, 2);
}

TEST(Campaign, TheAuditWithoutPruningFindsTheSame) {
  const ScratchFolder folder;
  const std::string with = folder.path("with");
  const std::string without = folder.path("without");
  for (const std::string& name : {with, without}) {
    std::vector<std::string> words{"explore",      "--budget",         "300", "--json",
                                   name + ".json", "--write-baseline", name};
    if (name == without) words.push_back("--no-prune");
    EXPECT_EQ(run(words).exit_code, 0);
  }
  EXPECT_EQ(ScratchFolder::get(with), ScratchFolder::get(without));
}

}  // namespace
}  // namespace zerotail::command
