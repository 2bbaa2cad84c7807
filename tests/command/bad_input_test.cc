// What a caller sees of bad input: exit code 2, one line that names the thing, nothing written.
#include <gtest/gtest.h>

#include "command/process.h"

namespace zerotail::command {
namespace {

TEST(BadInput, NoCommandIsAUsageError) {
  const Outcome outcome = run({});
  EXPECT_EQ(outcome.exit_code, 2);
  EXPECT_EQ(outcome.err,
            "zerotail: command line: A subcommand is required; see `zerotail --help`\n");
}

TEST(BadInput, UnknownCommandIsNamed) {
  const Outcome outcome = run({"bogus"});
  EXPECT_EQ(outcome.exit_code, 2);
  EXPECT_EQ(outcome.err, "zerotail: bogus: unknown command; see `zerotail --help`\n");
  EXPECT_EQ(outcome.out, "");
}

TEST(BadInput, UnknownOptionIsNamed) {
  const Outcome outcome = run({"--bogus=3"});
  EXPECT_EQ(outcome.exit_code, 2);
  EXPECT_EQ(outcome.err, "zerotail: --bogus: unknown option; see `zerotail --help`\n");
}

TEST(BadInput, MisspeltOptionGetsAHint) {
  const Outcome outcome = run({"--versoin"});
  EXPECT_EQ(outcome.exit_code, 2);
  EXPECT_EQ(outcome.err, "zerotail: --versoin: unknown option; did you mean --version?\n");
}

TEST(BadInput, FullStandardOutputIsAnError) {
  const Outcome outcome = run({"--help"}, "/dev/full");
  EXPECT_EQ(outcome.exit_code, 2);
  EXPECT_EQ(outcome.err, "zerotail: standard output: could not be written\n");
}

TEST(GoodInput, VersionGoesToStandardOutput) {
  const Outcome outcome = run({"--version"});
  EXPECT_EQ(outcome.exit_code, 0);
  EXPECT_EQ(outcome.out.rfind("zerotail ", 0), 0U);
  EXPECT_EQ(outcome.err, "");
}

TEST(GoodInput, HelpListsTheExitCodes) {
  const Outcome outcome = run({"--help"});
  EXPECT_EQ(outcome.exit_code, 0);
  EXPECT_NE(outcome.out.find("Exit codes:"), std::string::npos);
}

}  // namespace
}  // namespace zerotail::command
