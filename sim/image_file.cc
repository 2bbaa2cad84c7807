// POSIX file access. The errors are for a person who mistyped a path, so each names the file.
#include "zerotail/sim/image_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <vector>

namespace zerotail::sim {

namespace {

constexpr size_t kBufferBytes = mib(1).value();

class FileDescriptor {
 public:
  explicit FileDescriptor(int fd) : fd_(fd) {}
  ~FileDescriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  FileDescriptor(const FileDescriptor&) = delete;
  FileDescriptor& operator=(const FileDescriptor&) = delete;
  [[nodiscard]] int get() const { return fd_; }
  [[nodiscard]] bool open() const { return fd_ >= 0; }
  // Errors of the file system may come only now.
  [[nodiscard]] bool close() {
    const int result = ::close(fd_);
    fd_ = -1;
    return result == 0;
  }

 private:
  int fd_;
};

// The error of the last system call.
Error host_error(const std::string& path, const std::string& action) {
  const int number = errno;
  return Error(static_cast<Errno>(number),
               path + ": cannot " + action + ": " + std::strerror(number));
}

Error bad_image(const std::string& path, const std::string& what) {
  return Error(Errno::kInval, path + ": " + what);
}

// Reads [pos, end) into the disk.
Status load_range(const std::string& path, int fd, uint64_t pos, uint64_t end,
                  std::vector<std::byte>& buffer, MemDisk& disk) {
  while (pos < end) {
    const size_t wanted = std::min<uint64_t>(buffer.size(), end - pos);
    const ssize_t got = ::pread(fd, buffer.data(), wanted, static_cast<off_t>(pos));
    if (got < 0) return host_error(path, "read");
    if (got == 0) return bad_image(path, "became shorter while it was read");
    disk.write(DevPos{pos}, {buffer.data(), static_cast<size_t>(got)});
    pos += static_cast<uint64_t>(got);
  }
  return {};
}

// Loads what the host's file system says is data; the rest is zero.
Status load_data(const std::string& path, int fd, uint64_t size, std::byte fill, MemDisk& disk) {
  std::vector<std::byte> buffer(std::min<uint64_t>(size, kBufferBytes));
  if (fill != std::byte{0}) return load_range(path, fd, 0, size, buffer, disk);
  uint64_t pos = 0;
  while (pos < size) {
    const off_t data = ::lseek(fd, static_cast<off_t>(pos), SEEK_DATA);
    if (data < 0 && errno == ENXIO) return {};  // a hole up to the end
    if (data < 0) return host_error(path, "look for data in");
    const off_t hole = ::lseek(fd, data, SEEK_HOLE);
    if (hole < 0) return host_error(path, "look for holes in");
    const uint64_t end = std::min(static_cast<uint64_t>(hole), size);
    ZT_TRY(load_range(path, fd, static_cast<uint64_t>(data), end, buffer, disk));
    pos = static_cast<uint64_t>(hole);
  }
  return {};
}

// Writes the non-zero chunks of the disk; a file that starts as one hole keeps the rest zero.
class ImageWriter {
 public:
  ImageWriter(std::string path, int fd) : path_(std::move(path)), fd_(fd) {}

  Status write(const SectorReader& disk) {
    const uint64_t size = bytes(disk.capacity()).value();
    if (::ftruncate(fd_, static_cast<off_t>(size)) != 0) return host_error(path_, "size");
    Snapshot snapshot;
    if (const auto* shared = dynamic_cast<const Snapshot*>(&disk)) snapshot = *shared;
    if (const auto* medium = dynamic_cast<const MemDisk*>(&disk)) snapshot = medium->snapshot();
    if (snapshot.capacity() == disk.capacity() && snapshot.fill() == std::byte{0}) {
      return write_chunks(snapshot);
    }
    std::vector<std::byte> chunk(kChunkSize.value());
    for (uint64_t pos = 0; pos < size; pos += chunk.size()) {
      const size_t length = std::min<uint64_t>(chunk.size(), size - pos);
      disk.read(DevPos{pos}, {chunk.data(), length});
      ZT_TRY(add(pos, {chunk.data(), length}));
    }
    return put_buffer();
  }

 private:
  Status write_chunks(const Snapshot& snapshot) {
    Status status;
    snapshot.for_each_chunk([&](DevPos pos, std::span<const std::byte> data) {
      if (status.ok()) status = add(pos.value(), data);
    });
    ZT_TRY(status);
    return put_buffer();
  }

  Status add(uint64_t pos, std::span<const std::byte> data) {
    const bool zero =
        std::all_of(data.begin(), data.end(), [](std::byte b) { return b == std::byte{0}; });
    if (zero) return {};
    if (pos != buffer_pos_ + buffer_.size() || buffer_.size() >= kBufferBytes) {
      ZT_TRY(put_buffer());
      buffer_pos_ = pos;
    }
    buffer_.insert(buffer_.end(), data.begin(), data.end());
    return {};
  }

  Status put_buffer() {
    size_t done = 0;
    while (done < buffer_.size()) {
      const ssize_t wrote = ::pwrite(fd_, buffer_.data() + done, buffer_.size() - done,
                                     static_cast<off_t>(buffer_pos_ + done));
      if (wrote < 0) return host_error(path_, "write");
      done += static_cast<size_t>(wrote);
    }
    buffer_.clear();
    return {};
  }

  std::string path_;
  int fd_;
  uint64_t buffer_pos_ = 0;
  std::vector<std::byte> buffer_;
};

// Opens a new file beside `path`; -1 with errno set when that cannot be done.
int open_temporary(const std::string& path, std::string& temporary) {
  constexpr int kMostNames = 100;  // left behind by runs that were killed
  int fd = -1;
  for (int i = 0; i < kMostNames; ++i) {
    temporary = path + ".part" + std::to_string(i);
    fd = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (fd >= 0 || errno != EEXIST) break;
  }
  return fd;
}

// Gives the finished temporary file its name. Without `overwrite` it is not taken from a file that
// has come up in the meantime, where the host's file system can tell.
Status publish(const std::string& temporary, const std::string& path, bool overwrite) {
  const unsigned flags = overwrite ? 0 : RENAME_NOREPLACE;
  int result = ::renameat2(AT_FDCWD, temporary.c_str(), AT_FDCWD, path.c_str(), flags);
  if (result != 0 && flags != 0 && (errno == EINVAL || errno == ENOSYS)) {
    result = ::rename(temporary.c_str(), path.c_str());
  }
  if (result == 0) return {};
  Error error = host_error(path, "write");
  ::unlink(temporary.c_str());
  return error;
}

}  // namespace

Result<MemDisk> load_image(const std::string& path, const MemDisk::Options& options) {
  FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.open()) return host_error(path, "open");
  struct stat info {};
  if (::fstat(file.get(), &info) != 0) return host_error(path, "look at");
  if (S_ISDIR(info.st_mode)) return Error(Errno::kIsDir, path + ": is a directory");
  if (!S_ISREG(info.st_mode)) return bad_image(path, "is not a regular file");
  const auto size = static_cast<uint64_t>(info.st_size);
  if (size == 0) return bad_image(path, "is empty");
  if (size % options.logical_block.value() != 0) {
    return bad_image(path, "its size of " + std::to_string(size) + " bytes is no multiple of the " +
                               std::to_string(options.logical_block.value()) +
                               "-byte logical block");
  }
  MemDisk::Options sized = options;
  sized.capacity = sectors(ByteCount{size});
  MemDisk disk(sized);
  ZT_TRY(load_data(path, file.get(), size, options.fill, disk));
  return disk;
}

Status save_image(const std::string& path, const SectorReader& disk, bool overwrite) {
  struct stat info {};
  if (::stat(path.c_str(), &info) == 0) {
    if (S_ISDIR(info.st_mode)) return Error(Errno::kIsDir, path + ": is a directory");
    if (!overwrite) return Error(Errno::kExist, path + ": exists already");
    if (!S_ISREG(info.st_mode)) return bad_image(path, "is not a regular file");
  }
  std::string temporary;
  FileDescriptor file(open_temporary(path, temporary));
  if (!file.open()) return host_error(path, "write");
  Status status = ImageWriter(path, file.get()).write(disk);
  if (status.ok() && !file.close()) status = host_error(path, "write");
  if (!status.ok()) {
    ::unlink(temporary.c_str());
    return status;
  }
  return publish(temporary, path, overwrite);
}

}  // namespace zerotail::sim
