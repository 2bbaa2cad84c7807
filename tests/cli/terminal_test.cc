#include "zerotail/cli/terminal.h"

#include <gtest/gtest.h>

#include <array>

#include "zerotail/cli/commands.h"

namespace zerotail::cli {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// Two streams in memory (temporary files), and a terminal over them.
class Capture {
 public:
  explicit Capture(const Terminal::Options& options) : terminal(out_, err_, options) {}
  ~Capture() {
    std::fclose(out_);
    std::fclose(err_);
  }
  [[nodiscard]] std::string out() { return content(out_); }
  [[nodiscard]] std::string err() { return content(err_); }

 private:
  static std::string content(std::FILE* stream) {
    std::fflush(stream);
    std::rewind(stream);
    std::array<char, 4096> buffer{};
    const size_t length = std::fread(buffer.data(), 1, buffer.size(), stream);
    return {buffer.data(), length};
  }
  std::FILE* out_ = std::tmpfile();
  std::FILE* err_ = std::tmpfile();

 public:
  Terminal terminal;
};

// A clock that the test turns.
struct HandClock {
  Progress::Duration now{0};
  Progress::Clock clock() {
    return [this] { return now; };
  }
};

TEST(Terminal, ErrorNamesProgramThingAndWhat) {
  Capture capture({});
  capture.terminal.error("disk.img", "is truncated");
  EXPECT_EQ(capture.err(), "zerotail: disk.img: is truncated\n");
  EXPECT_EQ(capture.out(), "");
}

TEST(Terminal, FailGivesErrnoNameLastAndBadInput) {
  Capture capture({});
  const auto code = capture.terminal.fail("a.img", sim::Error(sim::Errno::kIo, "fat: cluster 77"));
  EXPECT_EQ(code, ExitCode::kBadInput);
  EXPECT_EQ(capture.err(), "zerotail: a.img: fat: cluster 77 (EIO)\n");
}

TEST(Terminal, FailDoesNotNameTheFileTwice) {
  Capture capture({});
  capture.terminal.fail("a.img", sim::Error(sim::Errno::kNoEnt, "a.img: cannot be opened"));
  EXPECT_EQ(capture.err(), "zerotail: a.img: cannot be opened (ENOENT)\n");
}

TEST(Terminal, QuietDropsNotesButNotResults) {
  Capture capture({.quiet = true});
  capture.terminal.note("a note");
  capture.terminal.print("a result\n");
  EXPECT_EQ(capture.err(), "");
  EXPECT_EQ(capture.out(), "a result\n");
}

TEST(Terminal, NoColourMeansPlainText) {
  Capture capture({.colour = false});
  EXPECT_EQ(capture.terminal.styled(Style::kBad, "lost"), "lost");
}

TEST(Terminal, ColourIsClosedAgain) {
  Capture capture({.colour = true});
  EXPECT_EQ(capture.terminal.styled(Style::kGood, "ok"), "\033[32mok\033[0m");
}

TEST(Progress, LineHasShareRateTimeLeftAndFindings) {
  Capture capture({});
  HandClock hand;
  const Progress progress(capture.terminal, {.what = "explore", .unit = "states", .total = 4000},
                          hand.clock());
  EXPECT_EQ(progress.line(1000, 3, seconds(10), 100),
            "explore [=====               ] 1,000/4,000 states, 100/s, 0:30 left, 3 findings");
}

TEST(Progress, UnknownTotalGivesNoBarAndNoTimeLeft) {
  Capture capture({});
  HandClock hand;
  const Progress progress(capture.terminal, {.what = "run", .unit = "operations"}, hand.clock());
  EXPECT_EQ(progress.line(50, 1, seconds(5), 100), "run 50 operations, 10/s, 1 finding");
}

TEST(Progress, TimeLeftIsSilentWhenItIsAbsurd) {
  Capture capture({});
  HandClock hand;
  const Progress progress(capture.terminal,
                          {.what = "explore", .unit = "states", .total = uint64_t{1} << 60},
                          hand.clock());
  EXPECT_EQ(progress.line(10, 0, seconds(1), 200).find("left"), std::string::npos);
}

TEST(Progress, LogGetsOnePlainLineEveryTenSeconds) {
  Capture capture({.interactive = false});
  HandClock hand;
  Progress progress(capture.terminal, {.what = "explore", .unit = "states"}, hand.clock());
  for (int second = 1; second <= 25; ++second) {
    hand.now = seconds(second);
    progress.update(static_cast<uint64_t>(second) * 10, 0);
  }
  progress.finish();
  EXPECT_EQ(capture.err(),
            "explore 100 states, 10/s, 0 findings\nexplore 200 states, 10/s, 0 findings\n");
}

TEST(Progress, TerminalLineIsRedrawnInPlaceAndRemoved) {
  Capture capture({.interactive = true});
  HandClock hand;
  Progress progress(capture.terminal, {.what = "run", .unit = "operations"}, hand.clock());
  hand.now = milliseconds(100);
  progress.update(1, 0);  // too early to draw
  hand.now = seconds(1);
  progress.update(20, 0);
  progress.finish();
  EXPECT_EQ(capture.err(), "\rrun 20 operations, 20/s, 0 findings\033[K\r\033[K");
}

TEST(Progress, TerminalLineNeverFillsTheWidth) {
  Capture capture({.interactive = true, .width = 30});
  HandClock hand;
  const Progress progress(capture.terminal, {.what = "explore", .unit = "states", .total = 100},
                          hand.clock());
  EXPECT_EQ(progress.line(10, 0, seconds(1), 30).size(), 29U);
}

TEST(Progress, QuietDrawsNothing) {
  Capture capture({.quiet = true, .interactive = true});
  HandClock hand;
  Progress progress(capture.terminal, {.what = "run", .unit = "operations"}, hand.clock());
  hand.now = seconds(60);
  progress.update(1000, 0);
  progress.finish();
  EXPECT_EQ(capture.err(), "");
}

TEST(Grouped, PutsACommaEveryThreeDigits) {
  EXPECT_EQ(grouped(0), "0");
  EXPECT_EQ(grouped(999), "999");
  EXPECT_EQ(grouped(1000), "1,000");
  EXPECT_EQ(grouped(1234567), "1,234,567");
}

TEST(ClockText, ShowsHoursOnlyWhenThereAreSome) {
  EXPECT_EQ(clock_text(seconds(59)), "0:59");
  EXPECT_EQ(clock_text(seconds(3600 + 62)), "1:01:02");
}

}  // namespace
}  // namespace zerotail::cli
