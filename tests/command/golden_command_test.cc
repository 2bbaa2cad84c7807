// zerotail golden as a caller sees it: a folder of either kind, what differs, broken input.
#include <gtest/gtest.h>

#include "command/process.h"

namespace zerotail::command {
namespace {

constexpr const char* kAnswers =
    R"({"trace":"one","sector":512,"cluster":4096,"size_mib":16,"kernel":"mine",)"
    R"("ops":[{"op":"create","path":"a"},{"op":"write","path":"a","off":0,"len":10,"seed":1}],)"
    R"("results":[{"ret":0},{"ret":10}],"differs":{"older":{"1":{"ret":-28}}}})";
constexpr const char* kIo =
    R"({"trace":"two","sector":512,"cluster":4096,"size_mib":16,)"
    R"("ops":[{"op":"create","path":"a"},{"op":"unlink","path":"a"},{"op":"sync"}],)"
    R"("kernels":{"mine":{"ret":[0,0,0],"io":[[{"barrier":2}],[],)"
    R"([{"at":4120,"n":1}],[{"barrier":0}]]}}})";

std::string folder_of(const ScratchFolder& scratch, const std::string& content) {
  const std::string file = scratch.put("set.jsonl", content + "\n");
  return file.substr(0, file.rfind('/'));
}

TEST(GoldenCommand, AnswersThatAgreeExitWithZero) {
  const ScratchFolder scratch;
  const Outcome outcome = run({"golden", folder_of(scratch, kAnswers), "--kernel", "mine"});
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_EQ(outcome.out, "agree 2 of 2\n");
}

TEST(GoldenCommand, AnAnswerThatDiffersIsShown) {
  const ScratchFolder scratch;
  const Outcome outcome = run({"golden", folder_of(scratch, kAnswers), "--kernel", "older"});
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_EQ(outcome.out.rfind("one\n  operation 1 ", 0), 0U) << outcome.out;
  EXPECT_NE(outcome.out.find("want -28, got 10"), std::string::npos) << outcome.out;
  EXPECT_NE(outcome.out.find("\nagree 1 of 2\n"), std::string::npos) << outcome.out;
}

TEST(GoldenCommand, RequestsThatDifferAreShownOnBothSides) {
  const ScratchFolder scratch;
  std::string wrong = kIo;
  wrong.replace(wrong.find(R"({"barrier":2})"), 13, R"({"flush":1})");
  const Outcome outcome = run({"golden", folder_of(scratch, wrong)});
  EXPECT_EQ(outcome.exit_code, 1) << outcome.err;
  EXPECT_NE(outcome.out.find("the kernel (1)\n      FLUSH\n"), std::string::npos) << outcome.out;
  EXPECT_NE(outcome.out.find("the core (1)\n      PREFLUSH+FUA"), std::string::npos);
  EXPECT_NE(outcome.out.find("\nagree 0 of 1\n"), std::string::npos) << outcome.out;
}

TEST(GoldenCommand, RequestsThatAgreeExitWithZero) {
  const ScratchFolder scratch;
  const Outcome outcome = run({"golden", folder_of(scratch, kIo)});
  EXPECT_EQ(outcome.exit_code, 0) << outcome.out << outcome.err;
  EXPECT_EQ(outcome.out, "agree 1 of 1\n");
}

TEST(GoldenCommand, BrokenInputIsNamed) {
  const ScratchFolder scratch;
  EXPECT_EQ(run({"golden", scratch.path("nothing")}).exit_code, 2);
  const std::string folder = folder_of(scratch, std::string(kAnswers) + "\n{\"trace\":");
  const Outcome outcome = run({"golden", folder});
  EXPECT_EQ(outcome.exit_code, 2);
  EXPECT_NE(outcome.err.find("set.jsonl:2"), std::string::npos) << outcome.err;
}

TEST(GoldenCommand, BothKindsInOneFolderAreRefused) {
  const ScratchFolder scratch;
  const std::string folder = folder_of(scratch, std::string(kAnswers) + "\n" + kIo);
  EXPECT_EQ(run({"golden", folder}).exit_code, 2);
}

TEST(GoldenCommand, UnknownKernelIsRefused) {
  const ScratchFolder scratch;
  const Outcome outcome = run({"golden", folder_of(scratch, kIo), "--kernel", "1.0"});
  EXPECT_EQ(outcome.exit_code, 2);
  EXPECT_NE(outcome.err.find("there are mine"), std::string::npos) << outcome.err;
}

}  // namespace
}  // namespace zerotail::command
