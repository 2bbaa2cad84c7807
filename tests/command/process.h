// Runs the built command as a process and keeps what a caller sees of it.
#pragma once

#include <string>
#include <vector>

namespace zerotail::command {

struct Outcome {
  int exit_code = -1;  // -1: ended by a signal
  std::string out;
  std::string err;
};

// Runs `zerotail` with these arguments and empty standard input; `stdout_path` replaces its
// standard output.
[[nodiscard]] Outcome run(const std::vector<std::string>& arguments,
                          const std::string& stdout_path = {});

// Starts `zerotail <arguments>`, waits until the file `grows` has `bytes` bytes, then sends the
// signal. Returns the exit code, or minus the signal that ended it.
[[nodiscard]] int run_and_signal(const std::vector<std::string>& arguments,
                                 const std::string& grows, uint64_t bytes, int signal);

// A folder of its own for one test, removed at its end.
class ScratchFolder {
 public:
  ScratchFolder();
  ~ScratchFolder();
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;
  [[nodiscard]] std::string path(const std::string& name) const { return path_ + "/" + name; }
  [[nodiscard]] std::string put(const std::string& name, const std::string& content) const;
  [[nodiscard]] static std::string get(const std::string& path);

 private:
  std::string path_;
};

}  // namespace zerotail::command
