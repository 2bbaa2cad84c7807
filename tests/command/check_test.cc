// What a caller sees of `zerotail check`.
#include <gtest/gtest.h>

#include "command/process.h"

namespace zerotail::command {
namespace {

// An empty volume of 4 MiB.
std::string volume(const ScratchFolder& folder) {
  const std::string image = folder.path("volume.img");
  const Outcome made = run({"mkfs", image, "--size", "4M"});
  EXPECT_EQ(made.exit_code, 0) << made.err;
  return image;
}

TEST(CheckCommand, CleanVolumeExitsZero) {
  const ScratchFolder folder;
  const std::string image = volume(folder);
  const Outcome outcome = run({"check", image});
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_EQ(outcome.out, image + ": clean\n");
}

TEST(CheckCommand, DamageExitsFourAndIsListed) {
  const ScratchFolder folder;
  std::string content = ScratchFolder::get(volume(folder));
  content[500] = 'x';  // boot code: covered by the checksum
  const std::string image = folder.put("damaged.img", content);
  const Outcome outcome = run({"check", image, "--json", folder.path("out.json")});
  EXPECT_EQ(outcome.exit_code, 4);
  EXPECT_EQ(outcome.out.rfind("boot-checksum <boot>: ", 0), 0U) << outcome.out;
  EXPECT_NE(outcome.out.find("1 problem, cannot be mounted"), std::string::npos) << outcome.out;
  const std::string json = ScratchFolder::get(folder.path("out.json"));
  EXPECT_NE(json.find("\"class\": \"boot-checksum\""), std::string::npos) << json;
}

TEST(CheckCommand, TheImageIsNotWritten) {
  const ScratchFolder folder;
  const std::string image = volume(folder);
  const std::string before = ScratchFolder::get(image);
  EXPECT_EQ(run({"check", image}).exit_code, 0);
  EXPECT_EQ(ScratchFolder::get(image), before);
}

TEST(CheckCommand, TruncatedImageIsBadInput) {
  const ScratchFolder folder;
  const std::string content = ScratchFolder::get(volume(folder)).substr(0, 1 << 20);
  const std::string image = folder.put("short.img", content);
  const Outcome outcome = run({"check", image});
  EXPECT_EQ(outcome.exit_code, 2);
  EXPECT_EQ(outcome.err, "zerotail: " + image +
                             ": truncated: VolumeLength is 4194304 bytes, the image has 1048576\n");
}

TEST(CheckCommand, NoExfatIsBadInput) {
  const ScratchFolder folder;
  const std::string image = folder.put("zeros.img", std::string(4096, '\0'));
  const Outcome outcome = run({"check", image});
  EXPECT_EQ(outcome.exit_code, 2);
  EXPECT_NE(outcome.err.find(image + ": no exFAT volume"), std::string::npos) << outcome.err;
}

TEST(CheckCommand, MissingImageIsBadInput) {
  const ScratchFolder folder;
  const Outcome outcome = run({"check", folder.path("nothing.img")});
  EXPECT_EQ(outcome.exit_code, 2);
  EXPECT_NE(outcome.err.find("nothing.img"), std::string::npos) << outcome.err;
}

TEST(CheckCommand, ExistingJsonIsNotOverwritten) {
  const ScratchFolder folder;
  const std::string json = folder.put("out.json", "mine");
  const Outcome outcome = run({"check", volume(folder), "--json", json});
  EXPECT_EQ(outcome.exit_code, 2);
  EXPECT_EQ(ScratchFolder::get(json), "mine");
}

}  // namespace
}  // namespace zerotail::command
