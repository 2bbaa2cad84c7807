// See practice.h.
#include "zerotail/bench/practice.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <utility>

namespace zerotail::bench {
namespace {

constexpr size_t kChunk = size_t{1} << 20;
// What is left out as a hole when it is zero: the usual block of a host file system.
constexpr size_t kHole = 4096;

sim::Error host_error(const std::string& path, const char* what) {
  const int code = errno;
  return sim::Error(static_cast<sim::Errno>(code),
                    fmt::format("{}: {}: {}", path, what, std::strerror(code)));
}

// A file descriptor that closes itself.
class File {
 public:
  File(const std::string& path, int flags) : fd_(::open(path.c_str(), flags | O_CLOEXEC, 0600)) {}
  ~File() {
    if (fd_ >= 0) ::close(fd_);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  [[nodiscard]] bool ok() const { return fd_ >= 0; }
  [[nodiscard]] int fd() const { return fd_; }

 private:
  int fd_;
};

bool write_all(int fd, std::span<const std::byte> data, uint64_t offset) {
  while (!data.empty()) {
    const ssize_t n = ::pwrite(fd, data.data(), data.size(), static_cast<off_t>(offset));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return false;
    data = data.subspan(static_cast<size_t>(n));
    offset += static_cast<uint64_t>(n);
  }
  return true;
}

bool read_all(int fd, std::span<std::byte> out, uint64_t offset) {
  while (!out.empty()) {
    const ssize_t n = ::pread(fd, out.data(), out.size(), static_cast<off_t>(offset));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    out = out.subspan(static_cast<size_t>(n));
    offset += static_cast<uint64_t>(n);
  }
  return true;
}

// fsck.exfat stands in a folder that is often not on a plain user's PATH.
std::string find_program(const std::string& name) {
  const char* path = std::getenv("PATH");
  std::string folders = fmt::format("{}:/usr/sbin:/sbin", path == nullptr ? "" : path);
  for (size_t begin = 0; begin <= folders.size();) {
    const size_t end = std::min(folders.find(':', begin), folders.size());
    const std::string candidate = folders.substr(begin, end - begin) + "/" + name;
    if (end > begin && ::access(candidate.c_str(), X_OK) == 0) return candidate;
    begin = end + 1;
  }
  return {};
}

bool is_zero(std::span<const std::byte> data) {
  return std::all_of(data.begin(), data.end(), [](std::byte b) { return b == std::byte{0}; });
}

}  // namespace

Practice::Practice(std::string folder)
    : folder_(std::move(folder)),
      base_path_(folder_ + "/base.img"),
      state_path_(folder_ + "/state.img"),
      fsck_path_(find_program("fsck.exfat")),
      buffer_(kChunk) {}

Practice::~Practice() {
  std::error_code ignored;
  std::filesystem::remove_all(folder_, ignored);
}

sim::Result<std::unique_ptr<Practice>> Practice::create(const sim::SectorReader& base) {
  std::string folder = (std::filesystem::temp_directory_path() / "zerotail-practice-XXXXXX");
  if (::mkdtemp(folder.data()) == nullptr) return host_error(folder, "cannot be made");
  std::unique_ptr<Practice> practice(new Practice(folder));
  if (practice->fsck_path_.empty()) {
    return sim::Error(sim::Errno::kNoEnt, "fsck.exfat: not installed (package exfatprogs)");
  }
  ZT_TRY(practice->write_base(base));
  return practice;
}

sim::Status Practice::write_base(const sim::SectorReader& base) {
  const File file(base_path_, O_WRONLY | O_CREAT | O_EXCL);
  if (!file.ok()) return host_error(base_path_, "cannot be made");
  const uint64_t size = sim::bytes(base.capacity()).value();
  if (::ftruncate(file.fd(), static_cast<off_t>(size)) != 0) {
    return host_error(base_path_, "cannot be sized");
  }
  for (uint64_t pos = 0; pos < size; pos += kHole) {
    const std::span<std::byte> part(buffer_.data(), std::min<uint64_t>(kHole, size - pos));
    base.read(sim::DevPos{pos}, part);
    if (is_zero(part)) continue;
    if (!write_all(file.fd(), part, pos)) return host_error(base_path_, "cannot be written");
  }
  return {};
}

sim::Status Practice::copy_range(int from, int to, uint64_t begin, uint64_t end) {
  while (begin < end) {
    const std::span<std::byte> part(buffer_.data(), std::min<uint64_t>(kChunk, end - begin));
    if (!read_all(from, part, begin)) return host_error(base_path_, "cannot be read");
    if (!write_all(to, part, begin)) return host_error(state_path_, "cannot be written");
    begin += part.size();
  }
  return {};
}

sim::Status Practice::copy_base(Copy copy) {
  const File from(base_path_, O_RDONLY);
  if (!from.ok()) return host_error(base_path_, "cannot be opened");
  const File to(state_path_, O_WRONLY | O_CREAT | O_TRUNC);
  if (!to.ok()) return host_error(state_path_, "cannot be made");
  const off_t end = ::lseek(from.fd(), 0, SEEK_END);
  const auto size = static_cast<uint64_t>(end);
  if (copy == Copy::kFull) return copy_range(from.fd(), to.fd(), 0, size);
  if (::ftruncate(to.fd(), end) != 0) return host_error(state_path_, "cannot be sized");
  for (off_t data = ::lseek(from.fd(), 0, SEEK_DATA); data >= 0;) {
    const off_t hole = ::lseek(from.fd(), data, SEEK_HOLE);
    ZT_TRY(
        copy_range(from.fd(), to.fd(), static_cast<uint64_t>(data), static_cast<uint64_t>(hole)));
    data = ::lseek(from.fd(), hole, SEEK_DATA);
  }
  // ENXIO: no data after here.
  return errno == ENXIO ? sim::Status() : sim::Status(host_error(base_path_, "cannot be read"));
}

sim::Status Practice::apply(const Overlay& state) {
  const File file(state_path_, O_WRONLY);
  if (!file.ok()) return host_error(state_path_, "cannot be opened");
  for (const SectorWrite& write : state) {
    if (!write_all(file.fd(), write.content, sim::dev_pos(write.sector).value())) {
      return host_error(state_path_, "cannot be written");
    }
  }
  return {};
}

sim::Status Practice::undo(const Overlay& state) {
  const File from(base_path_, O_RDONLY);
  const File to(state_path_, O_WRONLY);
  if (!from.ok()) return host_error(base_path_, "cannot be opened");
  if (!to.ok()) return host_error(state_path_, "cannot be opened");
  for (const SectorWrite& write : state) {
    const uint64_t begin = sim::dev_pos(write.sector).value();
    ZT_TRY(copy_range(from.fd(), to.fd(), begin, begin + write.content.size()));
  }
  return {};
}

sim::Result<int> Practice::run_fsck() const {
  std::array<std::string, 3> words = {fsck_path_, "-n", state_path_};
  std::array<char*, 4> argv = {words[0].data(), words[1].data(), words[2].data(), nullptr};
  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&files, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
  posix_spawn_file_actions_addopen(&files, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
  pid_t child = 0;
  errno = ::posix_spawn(&child, argv[0], &files, nullptr, argv.data(), environ);
  const int spawn_errno = errno;
  posix_spawn_file_actions_destroy(&files);
  errno = spawn_errno;
  if (errno != 0) return host_error(fsck_path_, "cannot be run");
  int status = 0;
  while (::waitpid(child, &status, 0) < 0) {
    if (errno != EINTR) return host_error(fsck_path_, "cannot be waited for");
  }
  if (!WIFEXITED(status)) {
    return sim::Error(sim::Errno::kIo, fsck_path_ + ": ended by a signal on " + state_path_);
  }
  return WEXITSTATUS(status);
}

sim::Result<int> Practice::judge(const Overlay& state, Copy copy) {
  const bool undoing = copy == Copy::kUndo;
  if (!undoing || !undo_copy_ready_) ZT_TRY(copy_base(copy));
  undo_copy_ready_ = undoing;
  ZT_TRY(apply(state));
  ZT_ASSIGN(const int code, run_fsck());
  if (undoing) ZT_TRY(undo(state));
  return code;
}

}  // namespace zerotail::bench
