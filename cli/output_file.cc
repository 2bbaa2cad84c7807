// See output_file.h.
#include "zerotail/cli/output_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <utility>

namespace zerotail::cli {
namespace {

sim::Error host_error(const std::string& path, const char* what, int code) {
  return sim::Error(static_cast<sim::Errno>(code),
                    fmt::format("{}: {}: {}", path, what, std::strerror(code)));
}

std::string directory_of(const std::string& path) {
  const std::string parent = std::filesystem::path(path).parent_path().string();
  return parent.empty() ? "." : parent;
}

}  // namespace

sim::Result<OutputFile> OutputFile::open(const std::string& path, bool force) {
  if (path.empty()) return sim::Error(sim::Errno::kInval, "the output's name is empty");
  struct stat info {};
  if (::lstat(path.c_str(), &info) != 0) {
    if (errno != ENOENT) return host_error(path, "cannot be written", errno);
  } else {
    std::string target = path;
    if (S_ISLNK(info.st_mode)) {
      // Write what the link names, not over the link.
      std::error_code ignored;
      const auto resolved = std::filesystem::canonical(path, ignored);
      if (ignored || ::stat(path.c_str(), &info) != 0) {
        return host_error(path, "is a link that leads nowhere", ENOENT);
      }
      target = resolved.string();
    }
    if (S_ISDIR(info.st_mode)) {
      return sim::Error(sim::Errno::kIsDir, path + ": is a directory, not a file to write");
    }
    if (!S_ISREG(info.st_mode)) return OutputFile(path, force, true);
    if (!force) {
      return sim::Error(sim::Errno::kExist, path + ": exists already; --force overwrites it");
    }
    return OutputFile(target, force, false);
  }
  const std::string directory = directory_of(path);
  if (::access(directory.c_str(), W_OK | X_OK) != 0) {
    return host_error(path, "its directory cannot be written", errno);
  }
  return OutputFile(path, force, false);
}

OutputFile::OutputFile(OutputFile&& other) noexcept
    : path_(std::move(other.path_)),
      temporary_(std::exchange(other.temporary_, {})),
      stream_(std::exchange(other.stream_, nullptr)),
      force_(other.force_),
      in_place_(other.in_place_) {}

OutputFile::~OutputFile() {
  if (stream_ != nullptr) std::fclose(stream_);
  if (!temporary_.empty()) ::unlink(temporary_.c_str());
}

sim::Error OutputFile::failed(const char* what) const { return host_error(path_, what, errno); }

sim::Status OutputFile::create() {
  if (stream_ != nullptr) return {};
  const std::string name =
      in_place_ ? path_ : fmt::format("{}.{}.partial", path_, static_cast<long>(::getpid()));
  const int flags = O_WRONLY | O_CLOEXEC | (in_place_ ? 0 : O_CREAT | O_EXCL);
  const int fd = ::open(name.c_str(), flags, 0666);
  if (fd < 0) return failed("cannot be written");
  if (!in_place_) temporary_ = name;
  stream_ = ::fdopen(fd, "w");
  if (stream_ == nullptr) {
    const auto error = failed("cannot be written");
    ::close(fd);
    return error;
  }
  return {};
}

sim::Status OutputFile::write(std::string_view text) {
  ZT_TRY(create());
  if (std::fwrite(text.data(), 1, text.size(), stream_) != text.size()) {
    return failed("cannot be written");
  }
  return {};
}

sim::Status OutputFile::commit() {
  ZT_TRY(create());
  std::FILE* stream = std::exchange(stream_, nullptr);
  const bool flushed = std::fflush(stream) == 0;
  const int flush_errno = errno;
  if (std::fclose(stream) != 0 || !flushed) {
    if (!flushed) errno = flush_errno;
    return failed("cannot be written");
  }
  if (in_place_) return {};
  // Without --force the name must still be free: link() refuses where rename() would replace.
  if (force_) {
    if (::rename(temporary_.c_str(), path_.c_str()) != 0) return failed("cannot be put in place");
    temporary_.clear();
    return {};
  }
  if (::link(temporary_.c_str(), path_.c_str()) == 0) return {};
  if (errno == EEXIST) {
    return sim::Error(sim::Errno::kExist,
                      path_ + ": has appeared in the meantime; --force overwrites it");
  }
  // No hard links here (FAT, some network mounts): rename is what is left.
  if (::rename(temporary_.c_str(), path_.c_str()) != 0) return failed("cannot be put in place");
  temporary_.clear();
  return {};
}

sim::Status make_directories(const std::string& path) {
  std::error_code code;
  std::filesystem::create_directories(path, code);
  if (code) return host_error(path, "cannot be made", code.value());
  return {};
}

sim::Result<std::string> read_file(const std::string& path) {
  std::FILE* stream = std::fopen(path.c_str(), "re");
  if (stream == nullptr) return host_error(path, "cannot be opened", errno);
  std::string content;
  std::array<char, 65536> chunk;
  size_t length = 0;
  while ((length = std::fread(chunk.data(), 1, chunk.size(), stream)) > 0) {
    content.append(chunk.data(), length);
  }
  const bool bad = std::ferror(stream) != 0;
  const int code = errno;
  std::fclose(stream);
  if (bad) return host_error(path, "cannot be read", code);
  return content;
}

}  // namespace zerotail::cli
