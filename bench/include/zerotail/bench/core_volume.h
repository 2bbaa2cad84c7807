// What the benchmarks of the core run on: a formatted disk in memory with a volume mounted on it,
// a stopwatch, and how much memory is in use.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "zerotail/sim/mem_disk.h"
#include "zerotail/sim/world.h"
#include "zerotail/volume/volume.h"

namespace zerotail::bench {

// Ends the program with a message: a benchmark of calls that fail measures nothing.
void must(const sim::Status& status, std::string_view what);

struct VolumeSpec {
  sim::ByteCount size;
  sim::ByteCount cluster{4096};
  volume::MountOptions mount{};
};

class CoreVolume {
 public:
  explicit CoreVolume(const VolumeSpec& spec);

  void mount();
  // Unmounts; the disk stays.
  void unmount();
  [[nodiscard]] volume::Volume& operator*() { return *volume_; }
  volume::Volume* operator->() { return volume_.get(); }
  [[nodiscard]] sim::MemDisk& disk() { return disk_; }

  // Opens for writing, and creates what is not there.
  [[nodiscard]] volume::Fd open(const std::string& path);
  void write(volume::Fd fd, uint64_t pos, std::span<const std::byte> data);
  void read(volume::Fd fd, uint64_t pos, std::span<std::byte> out);
  // Writes [pos, pos + length) from pieces of `data`'s size.
  void write_range(volume::Fd fd, uint64_t pos, uint64_t length, std::span<const std::byte> data);
  // A file of `size` bytes whose clusters stand in runs of `run` clusters; 0: in one run.
  [[nodiscard]] volume::Fd make_file(const std::string& path, uint64_t size, uint64_t run);
  // What the disk holds of its chunks.
  [[nodiscard]] uint64_t disk_bytes() const;
  // Makes the disk hold memory for all of its free space, as a disk that was full once.
  void touch_free_space();

 private:
  VolumeSpec spec_;
  sim::World world_{1};
  sim::MemDisk disk_;
  std::unique_ptr<volume::Volume> volume_;
};

// Processor time of this thread: what others do on the machine counts little.
class Stopwatch {
 public:
  Stopwatch() : start_(now()) {}
  [[nodiscard]] double seconds() const { return now() - start_; }

 private:
  [[nodiscard]] static double now();
  double start_;
};

// Bytes that the program has allocated and not given back, as the allocator counts them.
[[nodiscard]] uint64_t allocated_bytes();

}  // namespace zerotail::bench
