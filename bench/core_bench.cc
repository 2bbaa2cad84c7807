// The core beside memcpy: sequential and random data, names, mounts. Where a memcpy is given beside
// (`of_memcpy`), slices of both alternate, so that other load on the machine meets both.
#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <cstring>
#include <functional>

#include "zerotail/bench/core_volume.h"

namespace zerotail::bench {
namespace {

constexpr uint64_t kFile = uint64_t{1} << 30;
constexpr uint64_t kPiece = uint64_t{64} << 10;
constexpr uint64_t kSlice = uint64_t{64} << 20;

VolumeSpec disk_for_files(sim::ByteCount cluster = sim::kib(32)) {
  return {.size = sim::mib(2560), .cluster = cluster};
}

// A GiB of memory that memcpy writes or reads in pieces.
class Memory {
 public:
  Memory() : memory_(std::make_unique_for_overwrite<std::byte[]>(kFile)), piece_(kPiece) {}
  // As memory is after its first use.
  void touch() { std::memset(memory_.get(), 1, kFile); }
  void copy_in(uint64_t pos, uint64_t length) {
    for (uint64_t at = pos; at < pos + length; at += kPiece) {
      std::memcpy(memory_.get() + at, piece_.data(), kPiece);
      benchmark::ClobberMemory();
    }
  }
  void copy_out(uint64_t pos, uint64_t length) {
    for (uint64_t at = pos; at < pos + length; at += kPiece) {
      std::memcpy(piece_.data(), memory_.get() + at, kPiece);
      benchmark::ClobberMemory();
    }
  }

 private:
  std::unique_ptr<std::byte[]> memory_;
  std::vector<std::byte> piece_;
};

// Seconds of the subject and of memcpy over one pass of a GiB, slice by slice.
struct Paired {
  double subject = 0;
  double copy = 0;

  using Slice = std::function<void(uint64_t pos, uint64_t length)>;
  void run(const Slice& subject_slice, const Slice& copy_slice) {
    for (uint64_t at = 0; at < kFile; at += kSlice) {
      const Stopwatch copying;
      copy_slice(at, kSlice);
      copy += copying.seconds();
      time([&] { subject_slice(at, kSlice); });
    }
  }
  template <class Work>
  void time(Work&& work) {
    const Stopwatch watch;
    work();
    subject += watch.seconds();
  }
};

void report(benchmark::State& state, const Paired& total) {
  const auto bytes = static_cast<double>(state.iterations()) * static_cast<double>(kFile);
  state.SetBytesProcessed(state.iterations() * static_cast<int64_t>(kFile));
  state.counters["memcpy_bytes_per_second"] = bytes / total.copy;
  state.counters["of_memcpy"] = total.copy / total.subject;
}

enum class FileMemory : uint8_t { kFirstUse, kReused };
enum class End : uint8_t { kInCache, kOnDisk };

// A new file of a GiB. The memory of its pages is new to the process, or was used by a file before
// it; that of memcpy as well.
void new_file(benchmark::State& state, FileMemory memory, End end,
              volume::Folios folios = volume::Folios::kSingle) {
  const std::vector<std::byte> data(kPiece, std::byte{3});
  std::unique_ptr<CoreVolume> volume;
  std::unique_ptr<Memory> beside;
  Paired total;
  for (auto _ : state) {
    if (memory == FileMemory::kFirstUse || volume == nullptr) {
      volume.reset();
      beside.reset();
      VolumeSpec spec = disk_for_files();
      spec.mount.folios = folios;
      volume = std::make_unique<CoreVolume>(spec);
      beside = std::make_unique<Memory>();
      if (memory == FileMemory::kReused) {
        beside->touch();
        if (end == End::kOnDisk) volume->touch_free_space();
        const volume::Fd before = volume->make_file("before", kFile, 0);
        must((*volume)->fsync(before, false), "fsync");
        must((*volume)->close(before), "close");
        must((*volume)->unlink("before"), "unlink");
      }
    }
    const volume::Fd fd = volume->open("a");
    Paired pass;
    pass.run([&](uint64_t pos, uint64_t length) { volume->write_range(fd, pos, length, data); },
             [&](uint64_t pos, uint64_t length) { beside->copy_in(pos, length); });
    if (end == End::kOnDisk) pass.time([&] { must((*volume)->fsync(fd, false), "fsync"); });
    must((*volume)->close(fd), "close");
    must((*volume)->unlink("a"), "unlink");
    state.SetIterationTime(pass.subject);
    total.subject += pass.subject;
    total.copy += pass.copy;
  }
  report(state, total);
}

void cached_read(benchmark::State& state) {
  CoreVolume volume(disk_for_files());
  Memory beside;
  beside.touch();
  std::vector<std::byte> data(kPiece);
  const volume::Fd fd = volume.make_file("a", kFile, 0);
  Paired total;
  for (auto _ : state) {
    Paired pass;
    pass.run(
        [&](uint64_t pos, uint64_t length) {
          for (uint64_t at = pos; at < pos + length; at += kPiece) volume.read(fd, at, data);
        },
        [&](uint64_t pos, uint64_t length) { beside.copy_out(pos, length); });
    state.SetIterationTime(pass.subject);
    total.subject += pass.subject;
    total.copy += pass.copy;
  }
  report(state, total);
}

BENCHMARK_CAPTURE(new_file, cache_first_use, FileMemory::kFirstUse, End::kInCache)
    ->Unit(benchmark::kMillisecond)
    ->UseManualTime()
    ->Iterations(3);
BENCHMARK_CAPTURE(new_file, cache, FileMemory::kReused, End::kInCache)
    ->Unit(benchmark::kMillisecond)
    ->UseManualTime()
    ->Iterations(3);
BENCHMARK_CAPTURE(new_file, cache_large_folios, FileMemory::kReused, End::kInCache,
                  volume::Folios::kLarge)
    ->Unit(benchmark::kMillisecond)
    ->UseManualTime()
    ->Iterations(3);
BENCHMARK_CAPTURE(new_file, disk_first_use, FileMemory::kFirstUse, End::kOnDisk)
    ->Unit(benchmark::kMillisecond)
    ->UseManualTime()
    ->Iterations(2);
BENCHMARK_CAPTURE(new_file, disk, FileMemory::kReused, End::kOnDisk)
    ->Unit(benchmark::kMillisecond)
    ->UseManualTime()
    ->Iterations(3);
BENCHMARK(cached_read)->Unit(benchmark::kMillisecond)->UseManualTime()->Iterations(4);

// `run`: clusters of 4 KiB a fragment; 0: one run.
void random_overwrite(benchmark::State& state, uint64_t run) {
  constexpr uint64_t kPage = 4096;
  CoreVolume volume(disk_for_files(sim::ByteCount{kPage}));
  const volume::Fd fd = volume.make_file("a", kFile, run);
  must(volume->sync(), "sync");
  const auto placed = volume->inspect("a");
  if (!placed.ok()) must(placed.error(), "inspect");
  state.counters["runs"] = static_cast<double>(placed->runs.size());
  const std::vector<std::byte> data(kPage, std::byte{9});
  sim::Prng prng(1);
  for (auto _ : state) volume.write(fd, prng.below(kFile / kPage) * kPage, data);
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK_CAPTURE(random_overwrite, contiguous, 0);
BENCHMARK_CAPTURE(random_overwrite, single_clusters, 1);

void create_and_unlink(benchmark::State& state) {
  constexpr int kFiles = 10'000;
  CoreVolume volume({.size = sim::gib(1), .cluster = sim::kib(32)});
  must(volume->mkdir("d"), "mkdir");
  std::vector<std::string> paths;
  for (int i = 0; i < kFiles; ++i) paths.push_back(fmt::format("d/file-{:05}", i));
  double creating = 0;
  double unlinking = 0;
  for (auto _ : state) {
    const Stopwatch created;
    for (const std::string& path : paths) must(volume->close(volume.open(path)), "close");
    const double creation = created.seconds();
    const Stopwatch unlinked;
    for (const std::string& path : paths) must(volume->unlink(path), "unlink");
    const double removal = unlinked.seconds();
    state.SetIterationTime(creation + removal);
    creating += creation;
    unlinking += removal;
  }
  const double files = static_cast<double>(state.iterations()) * kFiles;
  state.SetItemsProcessed(state.iterations() * kFiles);
  state.counters["create_per_second"] = files / creating;
  state.counters["unlink_per_second"] = files / unlinking;
}
BENCHMARK(create_and_unlink)->UseManualTime()->Unit(benchmark::kMillisecond);

void mount_and_unmount(benchmark::State& state) {
  CoreVolume volume({.size = sim::mib(16), .cluster = sim::kib(4)});
  volume.unmount();
  for (auto _ : state) {
    volume.mount();
    volume.unmount();
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(mount_and_unmount);

}  // namespace
}  // namespace zerotail::bench
