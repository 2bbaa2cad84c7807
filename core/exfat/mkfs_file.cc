// See mkfs_file.h. Zeroing punches holes where the host can, so that a formatted file stays sparse.
#include "zerotail/exfat/mkfs_file.h"

#include <fcntl.h>
#include <linux/falloc.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <utility>
#include <vector>

namespace zerotail::exfat {

using sim::ByteCount;
using sim::DevPos;
using sim::Errno;
using sim::Error;
using sim::Result;
using sim::Status;

namespace {

constexpr ByteCount kStep = sim::mib(1);

Error host_error(const std::string& path, const char* action, int number) {
  return Error(static_cast<Errno>(number),
               path + ": cannot " + action + ": " + std::strerror(number));
}

// A new file under a temporary name; gone again unless it is put in place.
class NewFile : public FormatTarget {
 public:
  NewFile(std::string path, ByteCount size)
      : path_(std::move(path)),
        temporary_(path_ + "." + std::to_string(::getpid()) + ".partial"),
        size_(size) {}
  NewFile(const NewFile&) = delete;
  NewFile& operator=(const NewFile&) = delete;
  ~NewFile() override {
    if (fd_ < 0) return;
    ::close(fd_);
    ::unlink(temporary_.c_str());
  }

  Status create() {
    fd_ = ::open(temporary_.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (fd_ < 0) return host_error(path_, "create", errno);
    if (::ftruncate(fd_, static_cast<off_t>(size_.value())) != 0) {
      return host_error(path_, "grow to its size", errno);
    }
    return {};
  }

  [[nodiscard]] ByteCount size() const override { return size_; }

  Status write(DevPos pos, std::span<const std::byte> data) override {
    while (!data.empty()) {
      const ssize_t put = ::pwrite(fd_, data.data(), data.size(), static_cast<off_t>(pos.value()));
      if (put < 0) return host_error(path_, "write", errno);
      data = data.subspan(static_cast<size_t>(put));
      pos += ByteCount{static_cast<uint64_t>(put)};
    }
    return {};
  }

  Status zero(DevPos pos, ByteCount length) override {
    if (length == ByteCount{0}) return {};
    const int mode = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE;
    if (::fallocate(fd_, mode, static_cast<off_t>(pos.value()),
                    static_cast<off_t>(length.value())) == 0) {
      return {};
    }
    return fill(pos, length, std::byte{0});
  }

  Status fill(DevPos pos, ByteCount length, std::byte value) {
    const std::vector<std::byte> chunk(kStep.value(), value);
    const DevPos end = pos + length;
    while (pos < end) {
      const ByteCount step = std::min(kStep, end - pos);
      ZT_TRY(write(pos, std::span(chunk).first(step.value())));
      pos += step;
    }
    return {};
  }

  // link() refuses an existing name where rename() would replace it.
  Status put_in_place(bool overwrite) {
    if (overwrite) {
      if (::rename(temporary_.c_str(), path_.c_str()) != 0) {
        return host_error(path_, "put in place", errno);
      }
    } else if (::link(temporary_.c_str(), path_.c_str()) == 0) {
      ::unlink(temporary_.c_str());
    } else if (errno == EEXIST || ::access(path_.c_str(), F_OK) == 0) {
      return Error(Errno::kExist, path_ + ": exists already");
    } else if (::rename(temporary_.c_str(), path_.c_str()) != 0) {  // no hard links there
      return host_error(path_, "put in place", errno);
    }
    const int result = ::close(std::exchange(fd_, -1));
    if (result != 0) return host_error(path_, "write", errno);
    return {};
  }

 private:
  std::string path_;
  std::string temporary_;
  ByteCount size_;
  int fd_ = -1;
};

// A device or a directory must not be renamed over, whatever the caller says.
Status check_place(const std::string& path, bool overwrite) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) return {};
  if (!S_ISREG(info.st_mode)) return Error(Errno::kInval, path + ": is no regular file");
  if (!overwrite) return Error(Errno::kExist, path + ": exists already");
  return {};
}

}  // namespace

Result<VolumeLayout> make_image_file(const std::string& path, const ImageFileOptions& image,
                                     const MkfsOptions& options) {
  ZT_TRY(plan_volume(image.size, options));
  ZT_TRY(check_place(path, image.overwrite));
  NewFile file(path, image.size);
  ZT_TRY(file.create());
  if (image.fill.has_value()) ZT_TRY(file.fill(DevPos{0}, image.size, *image.fill));
  ZT_ASSIGN(const VolumeLayout layout, make_filesystem(file, options));
  ZT_TRY(file.put_in_place(image.overwrite));
  return layout;
}

}  // namespace zerotail::exfat
