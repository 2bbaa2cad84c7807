#include "zerotail/harness/external_checker.h"

#include <gtest/gtest.h>

#include <chrono>

#include "zerotail/harness/log_explore.h"

namespace zerotail::harness {
namespace {

using Words = std::vector<std::string>;

CheckCommand command(const std::string& text) {
  auto parsed = CheckCommand::parse(text);
  EXPECT_TRUE(parsed.ok()) << text;
  return *parsed;
}

// Runs a shell line in a pool of one.
CheckOutcome outcome_of(const std::string& line) {
  CheckerPool pool({.slots = 1, .timeout = {}, .clock = {}});
  EXPECT_TRUE(pool.start(0, {"/bin/sh", "-c", line}).ok());
  auto ended = pool.wait();
  EXPECT_TRUE(ended.ok() && ended->has_value());
  return (*ended)->outcome;
}

TEST(CheckCommand, PlainWordsNeedNoShell) {
  const Words words = command("  sh -n {image} --x={mark}").words({"/tmp/i", "a b"});
  ASSERT_EQ(words.size(), 4U);
  EXPECT_EQ(words[0].back(), 'h');
  EXPECT_EQ(words[0].front(), '/');
  EXPECT_EQ((Words{words.begin() + 1, words.end()}), (Words{"-n", "/tmp/i", "--x=a b"}));
}

TEST(CheckCommand, AShellGetsQuotedWords) {
  const Words words = command("a {image} && b '{image}' {mark}").words({"/tmp/i", "it's"});
  EXPECT_EQ(words, (Words{"/bin/sh", "-c", "a /tmp/i && b '/tmp/i' 'it'\\''s'"}));
  EXPECT_EQ(command("X=1 sh {image}").words({"i", ""}).front(), "/bin/sh");
}

TEST(CheckCommand, AnImageIsNeededAndAProgram) {
  EXPECT_EQ(CheckCommand::parse("sh -n").code(), sim::Errno::kInval);
  EXPECT_EQ(CheckCommand::parse("no-such-program {image}").code(), sim::Errno::kNoEnt);
  EXPECT_EQ(CheckCommand::parse("/no/such {image}").code(), sim::Errno::kNoEnt);
}

TEST(CheckerPool, EndsAreTold) {
  EXPECT_EQ(outcome_of("exit 4").kind(), "exit-4");
  EXPECT_EQ(outcome_of("kill -KILL $$").kind(), "signal-9");
  const CheckOutcome both = outcome_of("echo out; echo err >&2; cat");
  EXPECT_EQ(both.kind(), "exit-0");
  EXPECT_EQ(both.output, "out\nerr\n");
}

TEST(CheckerPool, LongOutputIsCut) {
  const CheckOutcome outcome = outcome_of("head -c 1000000 /dev/zero | tr '\\0' x; exit 5");
  EXPECT_EQ(outcome.kind(), "exit-5");
  EXPECT_EQ(outcome.output, std::string(kOutputLimit, 'x'));
}

TEST(CheckerPool, WhatIsLeftRunningInTheBackgroundDoesNotHoldItUp) {
  EXPECT_EQ(outcome_of("sleep 600 & exit 3").kind(), "exit-3");
}

TEST(CheckerPool, ATimeoutEndsThatCheckerAlone) {
  // A clock that jumps past the first deadline once both run.
  auto now = std::chrono::nanoseconds{0};
  CheckerPool pool({.slots = 2, .timeout = std::chrono::seconds(10), .clock = [&] { return now; }});
  ASSERT_TRUE(pool.start(0, {"/bin/sleep", "600"}).ok());
  now = std::chrono::seconds(11);
  ASSERT_TRUE(pool.start(1, {"/bin/sh", "-c", "exit 2"}).ok());
  std::vector<std::string> kinds(2);
  for (int i = 0; i < 2; ++i) {
    auto ended = pool.wait();
    ASSERT_TRUE(ended.ok() && ended->has_value());
    kinds[(*ended)->slot] = (*ended)->outcome.kind();
  }
  EXPECT_EQ(kinds, (Words{"timeout", "exit-2"}));
  EXPECT_EQ(pool.running(), 0U);
}

TEST(CheckerPool, AProgramThatIsNotThereIsAnError) {
  CheckerPool pool({.slots = 1, .timeout = {}, .clock = {}});
  const auto status = pool.start(0, {"/no/such/program"});
  ASSERT_FALSE(status.ok());
  EXPECT_NE(status.error().where().find("/no/such/program"), std::string::npos);
  EXPECT_EQ(pool.running(), 0U);
}

TEST(NormaliseOutput, NumbersAndTheImageDoNotCount) {
  EXPECT_EQ(normalise_output("/tmp/i: Inode 13, at 0xfe3\nInode 14, at 0x1\n\n", "/tmp/i"),
            (Words{"{image}: Inode #, at #", "Inode #, at #"}));
  EXPECT_EQ(normalise_output("differences:  -(98--99) +100\rdifferences:  -7\n", "/tmp/i"),
            (Words{"differences:  -(#", "differences:  -#"}));
}

}  // namespace
}  // namespace zerotail::harness
