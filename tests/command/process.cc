#include "command/process.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

namespace zerotail::command {

Outcome run(const std::vector<std::string>& arguments, const std::string& stdout_path) {
  const ScratchFolder scratch;
  const std::string out = stdout_path.empty() ? scratch.path("out") : stdout_path;
  const std::string err = scratch.path("err");
  std::vector<std::string> words = arguments;
  words.insert(words.begin(), ZEROTAIL_COMMAND);
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);

  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&files, STDOUT_FILENO, out.c_str(), O_WRONLY | O_CREAT, 0600);
  posix_spawn_file_actions_addopen(&files, STDERR_FILENO, err.c_str(), O_WRONLY | O_CREAT, 0600);
  pid_t child = 0;
  const int failed = posix_spawn(&child, argv[0], &files, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&files);
  Outcome outcome;
  if (failed != 0) {
    ADD_FAILURE() << "cannot run " << argv[0];
    return outcome;
  }
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (WIFEXITED(status)) outcome.exit_code = WEXITSTATUS(status);
  if (stdout_path.empty()) outcome.out = ScratchFolder::get(out);
  outcome.err = ScratchFolder::get(err);
  return outcome;
}

int run_and_signal(const std::vector<std::string>& arguments, const std::string& grows,
                   uint64_t bytes, int signal) {
  std::vector<std::string> words = arguments;
  words.insert(words.begin(), ZEROTAIL_COMMAND);
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  for (const int stream : {STDOUT_FILENO, STDERR_FILENO}) {
    posix_spawn_file_actions_addopen(&files, stream, "/dev/null", O_WRONLY, 0);
  }
  pid_t child = 0;
  const int failed = posix_spawn(&child, argv[0], &files, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&files);
  if (failed != 0) {
    ADD_FAILURE() << "cannot run " << argv[0];
    return 0;
  }
  int status = 0;
  std::error_code missing;
  while (waitpid(child, &status, WNOHANG) == 0) {
    const auto size = std::filesystem::file_size(grows, missing);
    if (missing || size < bytes) {
      sched_yield();
      continue;
    }
    kill(child, signal);
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    break;
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

ScratchFolder::ScratchFolder() {
  path_ = (std::filesystem::temp_directory_path() / "zerotail-command-XXXXXX").string();
  if (mkdtemp(path_.data()) == nullptr) ADD_FAILURE() << "cannot make " << path_;
}

ScratchFolder::~ScratchFolder() { std::filesystem::remove_all(path_); }

std::string ScratchFolder::put(const std::string& name, const std::string& content) const {
  std::ofstream(path(name), std::ios::binary) << content;
  return path(name);
}

std::string ScratchFolder::get(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

}  // namespace zerotail::command
