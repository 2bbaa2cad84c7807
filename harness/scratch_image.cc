#include "zerotail/harness/scratch_image.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>
#include <vector>

namespace zerotail::harness {
namespace {

using sim::DevPos;
using sim::Errno;
using sim::Error;
using sim::Result;
using sim::Sector;
using sim::SectorCount;
using sim::Snapshot;
using sim::Status;

// The modification time that a file gets when it is handed to a checker: one that no clock gives.
constexpr timespec kStamp{.tv_sec = 1, .tv_nsec = 0};

constexpr size_t kPart = size_t{256} << 10;

}  // namespace

Error ScratchImage::failed(const char* what) const {
  const int code = errno;
  return Error(static_cast<Errno>(code), path_ + ": " + what + ": " + std::strerror(code));
}

Result<ScratchImage> ScratchImage::create(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0) {
    const int code = errno;
    return Error(static_cast<Errno>(code), path + ": cannot be made: " + std::strerror(code));
  }
  return ScratchImage(path, fd);
}

ScratchImage::ScratchImage(ScratchImage&& other) noexcept
    : path_(std::move(other.path_)),
      fd_(std::exchange(other.fd_, -1)),
      filled_(other.filled_),
      held_(std::move(other.held_)),
      sectors_written_(other.sectors_written_),
      repairs_(other.repairs_) {}

ScratchImage::~ScratchImage() {
  if (fd_ < 0) return;
  ::close(fd_);
  ::unlink(path_.c_str());
}

Status ScratchImage::hold(const Snapshot& disk, bool fresh) {
  ZT_ASSERT(disk.fill() == std::byte{0});
  if (fresh || !filled_) {
    ZT_TRY(write_all(disk));
  } else {
    ZT_ASSIGN(const bool dirty, touched());
    if (dirty) ZT_TRY(repair());
    ZT_TRY(write_difference(disk));
  }
  held_ = disk;
  filled_ = true;
  return stamp();
}

Status ScratchImage::put(DevPos pos, const std::byte* data, size_t length) {
  while (length > 0) {
    const ssize_t done = ::pwrite(fd_, data, length, static_cast<off_t>(pos.value()));
    if (done < 0 && errno == EINTR) continue;
    if (done < 0) return failed("cannot be written");
    const auto count = static_cast<size_t>(done);
    data += count;
    length -= count;
    pos += sim::ByteCount{count};
  }
  return {};
}

Status ScratchImage::write_all(const Snapshot& disk) {
  const auto size = static_cast<off_t>(sim::bytes(disk.capacity()).value());
  if (::ftruncate(fd_, 0) != 0 || ::ftruncate(fd_, size) != 0) return failed("cannot be sized");
  Status status;
  disk.for_each_chunk([&](DevPos pos, std::span<const std::byte> data) {
    const bool zero =
        std::all_of(data.begin(), data.end(), [](std::byte b) { return b == std::byte{0}; });
    if (status.ok() && !zero) status = put(pos, data.data(), data.size());
  });
  return status;
}

// Runs of sectors that differ are written as one.
Status ScratchImage::write_difference(const Snapshot& disk) {
  const std::vector<Sector> changed = held_.difference(disk);
  std::vector<std::byte> run;
  for (size_t i = 0; i < changed.size();) {
    size_t end = i + 1;
    while (end < changed.size() && changed[end] == changed[end - 1] + SectorCount{1}) ++end;
    run.clear();
    for (size_t k = i; k < end; ++k) {
      const std::byte* content = disk.sector(changed[k]);
      run.insert(run.end(), content, content + sim::kSectorSize.value());
    }
    ZT_TRY(put(sim::dev_pos(changed[i]), run.data(), run.size()));
    i = end;
  }
  sectors_written_ += changed.size();
  return {};
}

// The blocks of [pos, end) against what the file holds there; `found` is that, or nullptr for
// zeros.
template <class Visit>
bool ScratchImage::compare_blocks(uint64_t pos, uint64_t end, const std::byte* found,
                                  Visit visit) const {
  static constexpr std::array<std::byte, sim::kChunkSize.value()> kZeros{};
  for (const uint64_t begin = pos; pos < end; pos += kZeros.size()) {
    const size_t length = std::min<uint64_t>(kZeros.size(), end - pos);
    // The sectors of one chunk stand side by side.
    const std::byte* expected = held_.sector(sim::sector_at(DevPos{pos}));
    const std::byte* held = found == nullptr ? kZeros.data() : found + (pos - begin);
    if (std::memcmp(expected, held, length) == 0) continue;
    if (!visit(DevPos{pos}, expected, length)) return false;
  }
  return true;
}

template <class Visit>
Status ScratchImage::compare(Visit visit) const {
  const uint64_t size = sim::bytes(held_.capacity()).value();
  const uint64_t block = sim::kChunkSize.value();
  std::vector<std::byte> part(kPart);
  for (uint64_t pos = 0; pos < size;) {
    const off_t data = ::lseek(fd_, static_cast<off_t>(pos), SEEK_DATA);
    if (data < 0 && errno != ENXIO) return failed("cannot be looked through");
    // ENXIO: nothing but a hole from here on.
    const uint64_t begin =
        data < 0 ? size : std::min(size, sim::round_down(static_cast<uint64_t>(data), block));
    if (!compare_blocks(pos, begin, nullptr, visit)) return {};
    pos = std::max(pos, begin);
    if (pos == size) return {};
    const off_t hole = ::lseek(fd_, static_cast<off_t>(data), SEEK_HOLE);
    if (hole < 0) return failed("cannot be looked through");
    const uint64_t end = std::min(size, sim::round_up(static_cast<uint64_t>(hole), block));
    while (pos < end) {
      const size_t length = std::min<uint64_t>(kPart, end - pos);
      ZT_TRY(read_part(pos, {part.data(), length}));
      if (!compare_blocks(pos, pos + length, part.data(), visit)) return {};
      pos += length;
    }
  }
  return {};
}

// What is behind the file's end reads as zeros.
Status ScratchImage::read_part(uint64_t pos, std::span<std::byte> out) const {
  size_t got = 0;
  while (got < out.size()) {
    const ssize_t n =
        ::pread(fd_, out.data() + got, out.size() - got, static_cast<off_t>(pos + got));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return failed("cannot be read");
    if (n == 0) break;
    got += static_cast<size_t>(n);
  }
  std::fill(out.begin() + static_cast<std::ptrdiff_t>(got), out.end(), std::byte{0});
  return {};
}

// What a checker wrote is overwritten again, block by block; the rest stays as it is.
Status ScratchImage::repair() {
  ++repairs_;
  const auto size = static_cast<off_t>(sim::bytes(held_.capacity()).value());
  if (::ftruncate(fd_, size) != 0) return failed("cannot be sized");
  Status status;
  ZT_TRY(compare([&](DevPos pos, const std::byte* expected, size_t length) {
    status = put(pos, expected, length);
    return status.ok();
  }));
  return status;
}

Status ScratchImage::stamp() {
  const std::array<timespec, 2> times{kStamp, kStamp};
  if (::futimens(fd_, times.data()) != 0) return failed("cannot be given a time");
  return {};
}

Result<bool> ScratchImage::touched() const {
  struct stat info {};
  struct stat named {};
  if (::fstat(fd_, &info) != 0) return failed("cannot be looked at");
  if (::stat(path_.c_str(), &named) != 0 || named.st_ino != info.st_ino) {
    return Error(Errno::kIo, path_ + ": the checker has removed or replaced it");
  }
  const auto size = static_cast<off_t>(sim::bytes(held_.capacity()).value());
  return info.st_mtim.tv_sec != kStamp.tv_sec || info.st_mtim.tv_nsec != kStamp.tv_nsec ||
         info.st_size != size;
}

Result<bool> ScratchImage::verify() const {
  bool same = true;
  ZT_TRY(compare([&](DevPos, const std::byte*, size_t) {
    same = false;
    return false;
  }));
  return same;
}

}  // namespace zerotail::harness
