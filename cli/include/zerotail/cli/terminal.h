// What a person sees: results on standard output, notes and progress on standard error, errors as
// `zerotail: <file or thing>: <what>`.
//
// Results never depend on this file: colour and the progress bar appear on a terminal only, and
// the clock read here reaches no result.
#pragma once

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <functional>
#include <string>
#include <string_view>

#include "zerotail/sim/result.h"

namespace zerotail::cli {

enum class ExitCode : int;

enum class Style : uint8_t { kPlain, kGood, kBad, kWarning, kStrong };

class Terminal {
 public:
  struct Options {
    bool quiet = false;        // no notes, no progress
    bool interactive = false;  // `err` is a terminal: progress is redrawn in place
    bool colour = false;       // `out` is a terminal that wants colour
    unsigned width = 80;       // columns of `err`
  };
  // Looks at the two streams and at NO_COLOR, TERM and COLUMNS.
  [[nodiscard]] static Options detect(std::FILE* out, std::FILE* err);

  Terminal(std::FILE* out, std::FILE* err, const Options& options)
      : out_(out), err_(err), options_(options) {}

  [[nodiscard]] const Options& options() const { return options_; }
  void set_quiet(bool quiet) { options_.quiet = quiet; }

  // A result: to standard output, also with --quiet. No newline is added.
  void print(std::string_view text);
  // A note for the person who waits: one line on standard error, not with --quiet.
  void note(std::string_view line);
  // `zerotail: <thing>: <what>` on standard error.
  void error(std::string_view thing, std::string_view what);
  // The same from an Error, its errno's name last. Returns ExitCode::kBadInput, so that a
  // sub-command can `return terminal.fail(path, result.error());`
  ExitCode fail(std::string_view thing, const sim::Error& error);
  // The text in a style, where standard output shows colour; otherwise the text.
  [[nodiscard]] std::string styled(Style style, std::string_view text) const;
  // Forces out what was printed. False when standard output could not take all of it.
  [[nodiscard]] bool flush();

 private:
  friend class Progress;
  std::FILE* out_;
  std::FILE* err_;
  Options options_;
};

// Progress of one long run: done, rate, time left, findings so far. On a terminal one line redrawn
// a few times a second; otherwise a plain line every ten seconds; nothing with --quiet.
class Progress {
 public:
  using Duration = std::chrono::nanoseconds;
  using Clock = std::function<Duration()>;  // monotonic
  struct Options {
    std::string what;    // "explore"
    std::string unit;    // "states"
    uint64_t total = 0;  // 0: not known
  };
  Progress(Terminal& terminal, Options options, Clock clock = steady_clock());
  ~Progress() { finish(); }
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  // Cheap: reads the clock and mostly draws nothing. `total` may change while the run goes on.
  void update(uint64_t done, uint64_t findings);
  void set_total(uint64_t total) { options_.total = total; }
  // Removes the line from a terminal. Further updates are ignored.
  void finish();

  // The line for a moment, without colour: what a terminal or a log shows.
  [[nodiscard]] std::string line(uint64_t done, uint64_t findings, Duration elapsed,
                                 unsigned width) const;
  [[nodiscard]] static Clock steady_clock();

 private:
  Terminal& terminal_;
  Options options_;
  Clock clock_;
  Duration start_;
  Duration next_;
  bool drawn_ = false;
  bool finished_ = false;
};

// 1234567 -> "1,234,567".
[[nodiscard]] std::string grouped(uint64_t number);
// Whole seconds as "m:ss" or "h:mm:ss".
[[nodiscard]] std::string clock_text(std::chrono::seconds time);

}  // namespace zerotail::cli
