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

TEST(BadInput, OptionOfACommandGetsItsHint) {
  const Outcome outcome = run({"explore", "--bugdet", "5"});
  EXPECT_EQ(outcome.exit_code, 2);
  EXPECT_EQ(outcome.err, "zerotail: --bugdet: unknown option; did you mean --budget?\n");
}

TEST(BadInput, UnknownOptionComesBeforeWhatIsMissing) {
  const Outcome outcome = run({"mkfs", "--bogus"});
  EXPECT_EQ(outcome.exit_code, 2);
  EXPECT_EQ(outcome.err, "zerotail: --bogus: unknown option; see `zerotail mkfs --help`\n");
}

TEST(BadInput, NumbersMustBeWholeAndFit) {
  for (const char* text : {"-1", "x", "1.5", "99999999999999999999999", ""}) {
    const Outcome outcome = run({"explore", "--budget", text});
    EXPECT_EQ(outcome.exit_code, 2) << text;
    EXPECT_NE(outcome.err.find("--budget"), std::string::npos) << outcome.err;
  }
}

TEST(BadInput, ReproIdSaysWhichFieldIsWrong) {
  const Outcome outcome = run({"repro", "zt1:no-such:vc512:iomap-linux:s1:p1+"});
  EXPECT_EQ(outcome.exit_code, 2);
  EXPECT_NE(outcome.err.find("no-such"), std::string::npos) << outcome.err;
}

TEST(BadInput, UnknownContractIsNamed) {
  const Outcome outcome = run({"explore", "--contract", "perfect"});
  EXPECT_EQ(outcome.exit_code, 2);
  EXPECT_NE(outcome.err.find("--contract: unknown contract 'perfect'"), std::string::npos);
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
