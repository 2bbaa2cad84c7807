// `zerotail mkfs` as a caller sees it.
#include <gtest/gtest.h>

#include <cstdint>
#include <filesystem>

#include "command/process.h"

namespace zerotail::command {
namespace {

TEST(MkfsCommand, MakesAnImageOfThatSizeAndPrintsItsLayout) {
  const ScratchFolder folder;
  const std::string image = folder.path("a.img");
  const Outcome outcome = run({"mkfs", image, "--size", "64M", "--label", "hello"});
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_EQ(std::filesystem::file_size(image), uint64_t{64} << 20);
  EXPECT_EQ(outcome.out, image +
                             ": exFAT, 64 MiB\n"
                             "  sector    512 bytes, 131072 of them\n"
                             "  cluster   4 KiB, 15872 in the heap, 15868 free\n"
                             "  FAT       sector 2048, 128 sectors\n"
                             "  heap      sector 4096\n"
                             "  bitmap    cluster 2, 1984 bytes\n"
                             "  upcase    cluster 3, 5836 bytes\n"
                             "  root      cluster 5\n"
                             "  serial    0x5eed0001\n");
}

TEST(MkfsCommand, PoisonFillsWhatMkfsLeaves) {
  const ScratchFolder folder;
  const std::string image = folder.path("a.img");
  ASSERT_EQ(run({"mkfs", image, "--size", "4M", "--sector", "4096", "--poison"}).exit_code, 0);
  const std::string content = ScratchFolder::get(image);
  ASSERT_EQ(content.size(), size_t{4} << 20);
  EXPECT_EQ(content.back(), static_cast<char>(0xDB));
  EXPECT_EQ(content.substr(3, 8), "EXFAT   ");
}

TEST(MkfsCommand, SameOptionsGiveTheSameBytes) {
  const ScratchFolder folder;
  ASSERT_EQ(run({"mkfs", folder.path("a"), "--size", "4M", "--label", "x"}).exit_code, 0);
  ASSERT_EQ(run({"mkfs", folder.path("b"), "--size", "4M", "--label", "x"}).exit_code, 0);
  EXPECT_TRUE(ScratchFolder::get(folder.path("a")) == ScratchFolder::get(folder.path("b")));
}

TEST(MkfsCommand, AnExistingFileIsKeptWithoutForce) {
  const ScratchFolder folder;
  const std::string image = folder.put("a.img", "mine");
  const Outcome refused = run({"mkfs", image, "--size", "4M"});
  EXPECT_EQ(refused.exit_code, 2);
  EXPECT_EQ(refused.err,
            "zerotail: " + image + ": exists already; --force overwrites it (EEXIST)\n");
  EXPECT_EQ(ScratchFolder::get(image), "mine");
  EXPECT_EQ(run({"mkfs", image, "--size", "4M", "--force"}).exit_code, 0);
  EXPECT_EQ(std::filesystem::file_size(image), uint64_t{4} << 20);
}

TEST(MkfsCommand, BadSizesAreNamedAndMakeNoFile) {
  const ScratchFolder folder;
  const std::string image = folder.path("a.img");
  struct Bad {
    std::vector<std::string> options;
    std::string named;
  };
  for (const Bad& bad :
       {Bad{{"--size", "4Q"}, "--size: \"4Q\""}, Bad{{"--size", "1M"}, "too small"},
        Bad{{"--size", "8M", "--cluster", "3K"}, "cluster size of 3072 bytes"},
        Bad{{"--size", "8M", "--sector", "768"}, "sector size of 768 bytes"},
        Bad{{"--size", "8M", "--label", "twelve chars"}, "12 UTF-16 units"},
        Bad{{}, "--size is required"}}) {
    std::vector<std::string> arguments = {"mkfs", image};
    arguments.insert(arguments.end(), bad.options.begin(), bad.options.end());
    const Outcome outcome = run(arguments);
    EXPECT_EQ(outcome.exit_code, 2);
    EXPECT_EQ(outcome.out, "");
    EXPECT_NE(outcome.err.find(bad.named), std::string::npos) << outcome.err;
    EXPECT_FALSE(std::filesystem::exists(image));
  }
}

TEST(MkfsCommand, ADeviceIsNeverReplaced) {
  const Outcome outcome = run({"mkfs", "/dev/null", "--size", "4M", "--force"});
  EXPECT_EQ(outcome.exit_code, 2);
  EXPECT_EQ(outcome.err, "zerotail: /dev/null: is no regular file (EINVAL)\n");
  EXPECT_TRUE(std::filesystem::is_character_file("/dev/null"));
}

}  // namespace
}  // namespace zerotail::command
