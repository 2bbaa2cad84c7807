// See real_tools.h.
#include "zerotail/support/real_tools.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>

namespace zerotail::support {
namespace {

constexpr int kNotInstalled = 127;

std::string find_program(const std::string& tool) {
  const char* path = std::getenv("PATH");
  std::string folders = path != nullptr ? path : "";
  folders += ":/usr/sbin:/sbin:/usr/local/sbin";  // not in every user's PATH
  size_t begin = 0;
  while (begin <= folders.size()) {
    const size_t end = std::min(folders.find(':', begin), folders.size());
    const std::string candidate = folders.substr(begin, end - begin) + "/" + tool;
    if (end > begin && ::access(candidate.c_str(), X_OK) == 0) return candidate;
    begin = end + 1;
  }
  return {};
}

// What the child becomes; everything it needs was prepared before the fork.
[[noreturn]] void become(const std::string& program, const std::vector<std::string>& arguments,
                         const std::vector<std::pair<std::string, std::string>>& environment,
                         int out) {
  std::vector<char*> argv{const_cast<char*>(program.c_str())};
  for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  ::setenv("LC_ALL", "C.UTF-8", 1);
  for (const auto& [name, value] : environment) ::setenv(name.c_str(), value.c_str(), 1);
  ::dup2(out, STDOUT_FILENO);
  ::dup2(out, STDERR_FILENO);
  ::execv(program.c_str(), argv.data());
  ::_exit(kNotInstalled);
}

std::string read_all(int fd) {
  std::string text;
  std::array<char, 4096> chunk;
  for (;;) {
    const ssize_t got = ::read(fd, chunk.data(), chunk.size());
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return text;
    text.append(chunk.data(), static_cast<size_t>(got));
  }
}

std::vector<std::pair<std::string, std::string>> sector_size_environment(
    sim::ByteCount sector_size) {
  if (sector_size == sim::kSectorSize) return {};  // what the tools take an image file to have
  return {{"LD_PRELOAD", ZEROTAIL_SECTOR_SIZE_SHIM},
          {"ZEROTAIL_SECTOR_SIZE", std::to_string(sector_size.value())}};
}

}  // namespace

ScratchDir::ScratchDir() {
  const bool memory = ::access("/dev/shm", W_OK | X_OK) == 0;
  std::string name = memory ? "/dev/shm" : std::filesystem::temp_directory_path().string();
  name += "/zerotail-test-XXXXXX";
  ZT_ASSERT_MSG(::mkdtemp(name.data()) != nullptr, "no directory for scratch files");
  path_ = name;
}

ScratchDir::~ScratchDir() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

ToolRun run_tool(const std::string& tool, const std::vector<std::string>& arguments,
                 const std::vector<std::pair<std::string, std::string>>& environment) {
  const std::string program = find_program(tool);
  if (program.empty()) return {kNotInstalled, tool + ": not found; install exfatprogs\n"};
  std::array<int, 2> ends{};
  ZT_ASSERT_MSG(::pipe2(ends.data(), O_CLOEXEC) == 0, "no pipe for a tool's output");
  const pid_t child = ::fork();
  ZT_ASSERT_MSG(child >= 0, "no process for a tool");
  if (child == 0) become(program, arguments, environment, ends[1]);
  ::close(ends[1]);
  ToolRun run;
  run.output = read_all(ends[0]);
  ::close(ends[0]);
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  run.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return run;
}

ToolRun real_mkfs(const std::string& image, sim::ByteCount sector_size,
                  const std::vector<std::string>& options) {
  std::vector<std::string> arguments = options;
  arguments.push_back(image);
  return run_tool("mkfs.exfat", arguments, sector_size_environment(sector_size));
}

ToolRun real_fsck(const std::string& image, sim::ByteCount sector_size) {
  return run_tool("fsck.exfat", {"-n", image}, sector_size_environment(sector_size));
}

sim::Status create_image(const std::string& path, sim::ByteCount size, sim::ByteCount poison) {
  const auto failed = [&path] {
    return sim::Error(static_cast<sim::Errno>(errno), path + ": " + std::strerror(errno));
  };
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (fd < 0) return failed();
  bool good = ::ftruncate(fd, static_cast<off_t>(size.value())) == 0;
  const std::vector<char> chunk(sim::mib(1).value(), static_cast<char>(kPoison));
  for (uint64_t left = std::min(poison, size).value(); good && left > 0;) {
    const ssize_t put = ::write(fd, chunk.data(), std::min<uint64_t>(left, chunk.size()));
    good = put > 0;
    if (good) left -= static_cast<uint64_t>(put);
  }
  const sim::Status status = good ? sim::Status() : sim::Status(failed());
  ::close(fd);
  return status;
}

}  // namespace zerotail::support
