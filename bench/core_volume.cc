// See core_volume.h.
#include "zerotail/bench/core_volume.h"

#include <fmt/format.h>
#include <time.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "zerotail/exfat/mkfs.h"

#if defined(__SANITIZE_ADDRESS__)
#define ZEROTAIL_ADDRESS_SANITIZER
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ZEROTAIL_ADDRESS_SANITIZER
#endif
#endif
#ifdef ZEROTAIL_ADDRESS_SANITIZER
// From sanitizer/allocator_interface.h, which g++'s package does not have.
extern "C" size_t __sanitizer_get_current_allocated_bytes();
#else
#include <malloc.h>
#endif

namespace zerotail::bench {

void must(const sim::Status& status, std::string_view what) {
  if (status.ok()) return;
  fmt::print(stderr, "benchmark: {}: {}\n", what, status.error().message());
  std::exit(1);
}

CoreVolume::CoreVolume(const VolumeSpec& spec)
    : spec_(spec), disk_({.capacity = sim::sectors(spec.size)}) {
  exfat::MkfsOptions options;
  options.cluster_size = spec.cluster;
  const auto made = exfat::make_filesystem(disk_, options);
  if (!made.ok()) must(made.error(), "mkfs");
  mount();
}

void CoreVolume::mount() {
  auto mounted = volume::Volume::mount(world_, disk_, spec_.mount);
  if (!mounted.ok()) must(mounted.error(), "mount");
  volume_ = std::move(*mounted);
}

void CoreVolume::unmount() {
  must(volume_->unmount(), "unmount");
  volume_.reset();
}

volume::Fd CoreVolume::open(const std::string& path) {
  const auto fd = volume_->open(path, {.write = true, .create = true});
  if (!fd.ok()) must(fd.error(), path);
  return *fd;
}

void CoreVolume::write(volume::Fd fd, uint64_t pos, std::span<const std::byte> data) {
  const auto count = volume_->write(fd, static_cast<int64_t>(pos), {.bytes = data});
  if (!count.ok()) must(count.error(), "write");
  if (*count != data.size()) must(sim::Error(sim::Errno::kNoSpc, "a short write"), "write");
}

void CoreVolume::read(volume::Fd fd, uint64_t pos, std::span<std::byte> out) {
  const auto count = volume_->read(fd, static_cast<int64_t>(pos), out);
  if (!count.ok()) must(count.error(), "read");
  if (*count != out.size()) must(sim::Error(sim::Errno::kIo, "a short read"), "read");
}

void CoreVolume::write_range(volume::Fd fd, uint64_t pos, uint64_t length,
                             std::span<const std::byte> data) {
  for (uint64_t done = 0; done < length; done += data.size()) {
    write(fd, pos + done, data.first(std::min<uint64_t>(data.size(), length - done)));
  }
}

volume::Fd CoreVolume::make_file(const std::string& path, uint64_t size, uint64_t run) {
  const volume::Fd fd = open(path);
  const uint64_t piece = run * spec_.cluster.value();
  if (run > 0) {
    // Another file takes the cluster behind each run, and goes when all runs are there.
    const std::string other = path + "-between";
    const volume::Fd between = open(other);
    for (uint64_t at = 0; at < size; at += piece) {
      must(volume_->truncate(fd, static_cast<int64_t>(std::min(at + piece, size))), "grow");
      const uint64_t clusters = at / piece + 1;
      must(volume_->truncate(between, static_cast<int64_t>(clusters * spec_.cluster.value())),
           "grow");
    }
    must(volume_->close(between), "close");
    must(volume_->unlink(other), "unlink");
  }
  const std::vector<std::byte> data(sim::kib(64).value(), std::byte{7});
  write_range(fd, 0, size, data);
  return fd;
}

void CoreVolume::touch_free_space() {
  const sim::Snapshot used = disk_.snapshot();
  const std::vector<std::byte> data(sim::mib(1).value(), std::byte{1});
  for (uint64_t at = 0; at < spec_.size.value(); at += data.size()) {
    disk_.write(sim::DevPos{at}, data);
  }
  used.for_each_chunk(
      [this](sim::DevPos pos, std::span<const std::byte> chunk) { disk_.write(pos, chunk); });
}

uint64_t CoreVolume::disk_bytes() const {
  uint64_t bytes = 0;
  disk_.snapshot().for_each_chunk(
      [&bytes](sim::DevPos, std::span<const std::byte> chunk) { bytes += chunk.size(); });
  return bytes;
}

double Stopwatch::now() {
  timespec time{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

uint64_t allocated_bytes() {
#ifdef ZEROTAIL_ADDRESS_SANITIZER
  return __sanitizer_get_current_allocated_bytes();
#else
  const struct mallinfo2 info = mallinfo2();
  return info.uordblks + info.hblkhd;
#endif
}

}  // namespace zerotail::bench
