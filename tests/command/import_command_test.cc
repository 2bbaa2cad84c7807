// Workload files in J-lang as a caller sees them.
#include <gtest/gtest.h>

#include "command/process.h"

namespace zerotail::command {
namespace {

constexpr const char* kFile =
    "# define\ntest\nA\nA/foo\nbar\n\n# declare\nlocal_checkpoint\n\n# setup\nmkdir A 0777\n\n"
    "# run\nopen Afoo O_RDWR|O_CREAT 0777\nwrite Afoo 0 9000\nlink Afoo bar\nfsync Afoo\n"
    "checkpoint 1\nfalloc Afoo FALLOC_FL_KEEP_SIZE 8192 4096\nclose Afoo\n";

TEST(ImportCommand, ATraceComesOutAndWhatIsLeftOutIsTold) {
  const ScratchFolder folder;
  const std::string file = folder.put("j-lang7", kFile);
  const Outcome printed = run({"import", file});
  EXPECT_EQ(printed.exit_code, 0) << printed.err;
  EXPECT_EQ(printed.out.rfind("{\"trace\":\"j-lang7\"", 0), 0u) << printed.out;
  EXPECT_NE(printed.err.find("j-lang7:16: link: "), std::string::npos) << printed.err;
  const std::string trace = folder.path("t.trace");
  EXPECT_EQ(run({"import", file, trace, "--cluster", "32K", "--size", "32M"}).exit_code, 0);
  EXPECT_NE(ScratchFolder::get(trace).find("\"cluster\":32768,\"size_mib\":32"), std::string::npos)
      << ScratchFolder::get(trace);
  const Outcome again = run({"import", file, trace});
  EXPECT_EQ(again.exit_code, 2);
  EXPECT_NE(again.err.find(trace), std::string::npos) << again.err;
}

TEST(ImportCommand, AFileIsRunAndExploredAsItsTraceIs) {
  const ScratchFolder folder;
  const std::string file = folder.put("j-lang7", kFile);
  const std::string trace = folder.path("t.trace");
  ASSERT_EQ(run({"import", file, trace}).exit_code, 0);
  const Outcome results = run({"run", file});
  EXPECT_EQ(results.exit_code, 0) << results.err;
  EXPECT_EQ(results.out, run({"run", trace}).out);
  EXPECT_NE(results.out.find("\"ret\":9000"), std::string::npos) << results.out;
  EXPECT_NE(results.out.find("\"ret\":-95"), std::string::npos) << results.out;
  const Outcome explored =
      run({"explore", file, "--budget", "300", "--json", folder.path("a.json")});
  EXPECT_EQ(explored.exit_code, 1) << explored.err;
  EXPECT_EQ(run({"explore", trace, "--budget", "300", "--json", folder.path("b.json")}).exit_code,
            1);
  EXPECT_EQ(ScratchFolder::get(folder.path("a.json")), ScratchFolder::get(folder.path("b.json")));
}

TEST(ImportCommand, BadInputIsNamed) {
  const ScratchFolder folder;
  const std::string broken = folder.put("broken", std::string(kFile) + "chmod Afoo 0777\n");
  for (const std::vector<std::string>& call :
       {std::vector<std::string>{"import", broken}, {"explore", broken}, {"run", broken}}) {
    const Outcome outcome = run(call);
    EXPECT_EQ(outcome.exit_code, 2) << outcome.err;
    EXPECT_NE(outcome.err.find("broken:21: 'chmod': unknown statement"), std::string::npos)
        << outcome.err;
  }
  const std::string file = folder.put("j", kFile);
  EXPECT_NE(run({"import", file, "--size", "1000"}).err.find("--size"), std::string::npos);
  EXPECT_EQ(run({"import", folder.path("missing")}).exit_code, 2);
}

}  // namespace
}  // namespace zerotail::command
