// A checker of any file system, as a program that is run on image files: its command, and the
// processes that run it.
//
// One thread starts and awaits all of them. Each process is the leader of a process group of its
// own, which is killed as a whole when the leader has ended, at a timeout and when the run is given
// up, so that nothing is left behind. Standard input is empty; standard output and error are kept
// together, up to a limit.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "zerotail/sim/result.h"

namespace zerotail::harness {

// A command with `{image}` and perhaps `{mark}` in it. Without characters that a shell would look
// at it is run as it is, its words cut at blanks; otherwise by `/bin/sh -c`, with what is put in
// quoted where it has such characters.
class CheckCommand {
 public:
  // EINVAL: no `{image}`. ENOENT: a program that is nowhere in PATH or the system's sbin folders.
  [[nodiscard]] static sim::Result<CheckCommand> parse(const std::string& text);

  [[nodiscard]] const std::string& text() const { return text_; }
  [[nodiscard]] bool uses_mark() const;
  struct Arguments {
    std::string image;
    std::string mark;
  };
  // What is executed: the program's path, then its arguments.
  [[nodiscard]] std::vector<std::string> words(const Arguments& arguments) const;

 private:
  std::string text_;
  std::vector<std::string> words_;  // empty: run by a shell
};

// A word of a shell's command line: in quotes where it needs them.
[[nodiscard]] std::string shell_word(std::string_view text);

// How a checker ended.
struct CheckOutcome {
  enum class End : uint8_t { kExit, kSignal, kTimeout };
  End end = End::kExit;
  int code = 0;                            // kExit: the exit code; kSignal: the signal
  std::string output;                      // as it came, at most kOutputLimit bytes
  [[nodiscard]] std::string kind() const;  // "exit-4", "signal-11", "timeout"
};
inline constexpr size_t kOutputLimit = size_t{64} << 10;
// Exit codes with which a shell, or this program, says that a command cannot be run.
inline constexpr int kCannotExecute = 126;
inline constexpr int kNotFound = 127;

// Up to so many checkers at a time, each in a numbered slot.
class CheckerPool {
 public:
  using Clock = std::function<std::chrono::nanoseconds()>;  // monotonic
  struct Options {
    size_t slots = 1;
    std::chrono::nanoseconds timeout{};  // 0: none
    Clock clock;                         // needed for timeouts
  };
  explicit CheckerPool(const Options& options);
  ~CheckerPool();  // kills what still runs
  CheckerPool(const CheckerPool&) = delete;
  CheckerPool& operator=(const CheckerPool&) = delete;

  // Starts a program in a free slot. EINVAL and others: it cannot be started.
  sim::Status start(size_t slot, const std::vector<std::string>& words);
  struct Ended {
    size_t slot = 0;
    CheckOutcome outcome;
  };
  // Waits until one has ended. Nothing: a signal came in, or nothing runs. EIO: the host refuses.
  [[nodiscard]] sim::Result<std::optional<Ended>> wait();
  [[nodiscard]] size_t running() const;

 private:
  struct Slot;
  [[nodiscard]] CheckOutcome finish(Slot* slot);
  std::vector<std::unique_ptr<Slot>> slots_;
  Options options_;
};

}  // namespace zerotail::harness
