// Options of the commands that work on dm-log-writes logs and outside checkers.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "zerotail/cli/commands.h"
#include "zerotail/harness/log_explore.h"

namespace zerotail::cli {

// The log and the disk that it began with.
struct LogInput {
  std::string log;
  bool scan = false;
  std::vector<size_t> without;
  void add_to(CLI::App& command);
  // Errors name the file and, in the log, the entry and its byte. Notes entries not counted.
  [[nodiscard]] sim::Result<harness::LogSource> load(const std::string& base,
                                                     Terminal& terminal) const;
};

// A folder for scratch files, in memory where the host has /dev/shm; removed with all its files.
// One that a killed run has left behind is removed by the next run: nobody holds its lock.
class ScratchFolder {
 public:
  // `parent` empty: the default. Errors name the folder.
  [[nodiscard]] static sim::Result<ScratchFolder> create(const std::string& parent);
  ScratchFolder(ScratchFolder&& other) noexcept
      : path_(std::exchange(other.path_, {})), lock_(std::exchange(other.lock_, -1)) {}
  ScratchFolder& operator=(ScratchFolder&&) = delete;
  ScratchFolder(const ScratchFolder&) = delete;
  ~ScratchFolder();
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  ScratchFolder(std::string path, int lock) : path_(std::move(path)), lock_(lock) {}
  std::string path_;
  int lock_;
};

struct CheckOptions {
  std::string command;
  std::vector<int> ok{0};
  uint64_t timeout = 300;  // seconds
  std::string scratch;
  void add_to(CLI::App& command);
  // Without jobs and images. EINVAL, ENOENT: the command.
  [[nodiscard]] sim::Result<harness::CheckerOptions> checker(const ScratchFolder& folder) const;
};

}  // namespace zerotail::cli
