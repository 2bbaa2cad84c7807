// Logs that a real kernel wrote (tests/logs: exfat.log.gz, exfat.img.gz, ext4.log.gz, ext4.img.gz,
// ext4-marks.log.gz, ext4-marks.img.gz), explored with the real checkers.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "command/log_file.h"

namespace zerotail::command {
namespace {

using Json = nlohmann::json;

// What a mount does, then what a checker says of it.
constexpr const char* kReplayAndCheck = "e2fsck -E journal_only -y {image} && e2fsck -fn {image}";

struct Explored {
  int exit_code = 0;
  Json report;
};

Explored explore(const RecordedLog& files, const std::string& checker,
                 const std::vector<std::string>& more) {
  const ScratchFolder folder;
  const std::string json = folder.path("r.json");
  std::vector<std::string> arguments{"explore",     "--log", files.log, "--image", files.image,
                                     "--check-cmd", checker, "--json",  json};
  arguments.insert(arguments.end(), more.begin(), more.end());
  const Outcome outcome = run(arguments);
  EXPECT_LE(outcome.exit_code, 1) << outcome.err;
  Explored explored{outcome.exit_code, Json::parse(ScratchFolder::get(json), nullptr, false)};
  EXPECT_FALSE(explored.report.is_discarded());
  EXPECT_EQ(explored.report["checker"]["base_good"], true);
  return explored;
}

uint64_t checked(const Explored& explored) {
  return explored.report["states_checked"].get<uint64_t>();
}

// Blocks of 1 KiB: the super block is two sectors, and has no copy on a volume this small.
TEST(RecordedLog, Ext4SurvivesEveryStateOfADeviceThatWritesItsBlocksWhole) {
  const ScratchFolder folder;
  const Explored explored = explore(recorded_log("ext4", folder), kReplayAndCheck,
                                    {"--device", "vc1024", "--budget", "220"});
  EXPECT_EQ(explored.exit_code, 0) << explored.report["findings"].dump(1);
  EXPECT_GT(checked(explored), 100U);
}

TEST(RecordedLog, Ext4WithATornSuperBlockIsFound) {
  const ScratchFolder folder;
  const Explored explored =
      explore(recorded_log("ext4", folder), kReplayAndCheck, {"--budget", "100"});
  EXPECT_EQ(explored.exit_code, 1);
  ASSERT_EQ(explored.report["findings"].size(), 1U) << explored.report["findings"].dump(1);
  EXPECT_EQ(explored.report["findings"][0]["kind"], "exit-8");
}

TEST(RecordedLog, WithoutItsFlushesExt4IsDamaged) {
  const ScratchFolder folder;
  const RecordedLog files = recorded_log("ext4", folder);
  std::vector<RawEntry> entries = raw_entries(ScratchFolder::get(files.log));
  std::erase_if(entries, [](const RawEntry& entry) { return (entry.flags & kFlush) != 0; });
  const RecordedLog without{folder.put("without.log", raw_log(entries)), files.image};
  const Explored explored =
      explore(without, kReplayAndCheck, {"--device", "vc1024", "--budget", "100"});
  EXPECT_EQ(explored.exit_code, 1);
  EXPECT_GT(explored.report["findings"].size(), 1U);
}

TEST(RecordedLog, WhatMarksPromiseIsThere) {
  const ScratchFolder folder;
  const RecordedLog files = recorded_log("ext4-marks", folder);
  const std::string checker =
      "sh " + std::string(ZEROTAIL_SOURCE_DIR) + "/tests/logs/promised.sh {mark} {image}";
  const Explored explored = explore(files, checker, {"--device", "vc1024", "--tiers", "persist"});
  EXPECT_EQ(explored.exit_code, 0) << explored.report["findings"].dump(1);
  // The same promises on a device that loses what was flushed.
  const Explored lying =
      explore(files, checker, {"--device", "vc1024.noflush.nofua", "--tiers", "persist"});
  EXPECT_EQ(lying.exit_code, 1);
}

// Each finding of a run is a known weakness of the format or of the driver's order: the same damage
// that zerotail's own core leaves (docs/ORDERING.md).
TEST(RecordedLog, ExfatLeavesDamageThatFsckFinds) {
  const ScratchFolder folder;
  const RecordedLog files = recorded_log("exfat", folder);
  const Explored explored = explore(files, "fsck.exfat -n {image}", {"--budget", "336"});
  EXPECT_EQ(explored.exit_code, 1);
  ASSERT_FALSE(explored.report["findings"].empty());
  for (const Json& finding : explored.report["findings"]) {
    EXPECT_EQ(finding["kind"], "exit-4");
    EXPECT_NE(finding["output"].get<std::string>().find("ERROR"), std::string::npos);
  }
}

// The two checkers on every state: fsck.exfat complains of nothing that check does not see, and
// check alone complains only of what fsck.exfat does not look for (docs/CHECK.md).
TEST(RecordedLog, CheckAndFsckAgreeOnEveryStateOfTheRealDriver) {
  const ScratchFolder folder;
  const std::string script = folder.put(
      "both.sh",
      std::string("#!/bin/sh\nfsck.exfat -n \"$1\" >/dev/null 2>&1\nfsck=$?\nsaid=$(") +
          ZEROTAIL_COMMAND +
          " check --quiet \"$1\")\ncheck=$?\n"
          "test $fsck = $check && exit 0\n"
          "test $fsck != 0 && { echo \"$said\"; exit 9; }\n"
          "echo \"$said\" | grep -v '^leak\\|^after-end\\|^orphan\\|VolumeDirty' && exit 8\n"
          "exit 1\n");
  const Explored explored = explore(recorded_log("exfat", folder), "sh " + script + " {image}",
                                    {"--budget", "210", "--check-ok", "0,1"});
  EXPECT_EQ(explored.exit_code, 0) << explored.report["findings"].dump(1);
  EXPECT_GT(checked(explored), 150U);
}

}  // namespace
}  // namespace zerotail::command
