// How the core's costs grow: with the size of a file, the number of names in a directory, the
// fragmentation of a file and the size of the volume. Each table has one variable.
#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include "zerotail/bench/core_volume.h"

namespace zerotail::bench {
namespace {

constexpr uint64_t kPage = 4096;
constexpr double kMib = 1 << 20;

uint64_t arg(const benchmark::State& state) { return static_cast<uint64_t>(state.range(0)); }

// A file of so many MiB: one 4 KiB overwrite at a random place of its cache.
void overwrite_by_file_size(benchmark::State& state) {
  const uint64_t size = sim::mib(arg(state)).value();
  CoreVolume volume({.size = sim::mib(1600), .cluster = sim::kib(32)});
  const volume::Fd fd = volume.make_file("a", size, 0);
  must(volume->sync(), "sync");
  const std::vector<std::byte> data(kPage, std::byte{9});
  sim::Prng prng(1);
  for (auto _ : state) volume.write(fd, prng.below(size / kPage) * kPage, data);
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(overwrite_by_file_size)->Arg(1)->Arg(16)->Arg(256)->Arg(1024);

// The same file of 64 MiB, appended in 64 KiB, whatever stands before it in the file.
void append_by_file_size(benchmark::State& state) {
  const uint64_t size = sim::mib(arg(state)).value();
  CoreVolume volume({.size = sim::mib(1600), .cluster = sim::kib(32)});
  const std::vector<std::byte> data(sim::kib(64).value(), std::byte{9});
  const volume::Fd fd = volume.make_file("a", size, 0);
  for (auto _ : state) {
    for (uint64_t at = size; at < size + sim::mib(16).value(); at += data.size()) {
      volume.write(fd, at, data);
    }
    state.PauseTiming();
    must(volume->truncate(fd, static_cast<int64_t>(size)), "truncate");
    state.ResumeTiming();
  }
  state.SetBytesProcessed(state.iterations() * static_cast<int64_t>(sim::mib(16).value()));
}
BENCHMARK(append_by_file_size)->Arg(1)->Arg(16)->Arg(256)->Arg(1024);

// Create and unlink one more name in a directory of so many; look one of them up.
std::unique_ptr<CoreVolume> volume_with_names(uint64_t names) {
  auto volume =
      std::make_unique<CoreVolume>(VolumeSpec{.size = sim::gib(1), .cluster = sim::kib(32)});
  must((*volume)->mkdir("d"), "mkdir");
  for (uint64_t i = 0; i < names; ++i) {
    must((*volume)->close(volume->open(fmt::format("d/file-{:06}", i))), "close");
  }
  return volume;
}

void create_and_unlink_by_names(benchmark::State& state) {
  const auto volume = volume_with_names(arg(state));
  for (auto _ : state) {
    must((*volume)->close(volume->open("d/one-more")), "close");
    must((*volume)->unlink("d/one-more"), "unlink");
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(create_and_unlink_by_names)->Arg(100)->Arg(1000)->Arg(10'000)->Arg(100'000);

void stat_by_names(benchmark::State& state) {
  const uint64_t names = arg(state);
  const auto volume = volume_with_names(names);
  sim::Prng prng(1);
  for (auto _ : state) {
    const auto stat = (*volume)->stat(fmt::format("d/file-{:06}", prng.below(names)));
    if (!stat.ok()) must(stat.error(), "stat");
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(stat_by_names)->Arg(100)->Arg(1000)->Arg(10'000)->Arg(100'000);

// A file of 256 MiB in runs of so many 4 KiB clusters; 0: in one run.
void overwrite_by_run(benchmark::State& state) {
  const uint64_t size = sim::mib(256).value();
  CoreVolume volume({.size = sim::mib(640), .cluster = sim::ByteCount{kPage}});
  const volume::Fd fd = volume.make_file("a", size, arg(state));
  must(volume->sync(), "sync");
  const std::vector<std::byte> data(kPage, std::byte{9});
  sim::Prng prng(1);
  for (auto _ : state) volume.write(fd, prng.below(size / kPage) * kPage, data);
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(overwrite_by_run)->Arg(0)->Arg(256)->Arg(16)->Arg(1);

// The first read of all of it after a mount: the chain is walked, the data comes from the disk.
void cold_read_by_run(benchmark::State& state) {
  const uint64_t size = sim::mib(256).value();
  CoreVolume volume({.size = sim::mib(640), .cluster = sim::ByteCount{kPage}});
  must(volume->close(volume.make_file("a", size, arg(state))), "close");
  std::vector<std::byte> data(sim::kib(64).value());
  for (auto _ : state) {
    state.PauseTiming();
    volume.unmount();
    volume.mount();
    const volume::Fd fd = volume.open("a");
    state.ResumeTiming();
    for (uint64_t at = 0; at < size; at += data.size()) volume.read(fd, at, data);
  }
  state.SetBytesProcessed(state.iterations() * static_cast<int64_t>(size));
}
BENCHMARK(cold_read_by_run)->Arg(0)->Arg(256)->Arg(16)->Arg(1)->Unit(benchmark::kMillisecond);

// A sparse volume of so many GiB with 128 KiB clusters: mount and umount, and what it takes of
// memory with a file in it, the disk's own included.
void mount_by_volume_size(benchmark::State& state) {
  const uint64_t before = allocated_bytes();
  CoreVolume volume({.size = sim::gib(arg(state)), .cluster = sim::kib(128)});
  must(volume->close(volume.make_file("a", sim::mib(1).value(), 0)), "close");
  must(volume->sync(), "sync");
  const uint64_t after = allocated_bytes();
  volume.unmount();
  for (auto _ : state) {
    volume.mount();
    volume.unmount();
  }
  state.SetItemsProcessed(state.iterations());
  state.counters["allocated_mib"] = static_cast<double>(after - before) / kMib;
  state.counters["disk_mib"] = static_cast<double>(volume.disk_bytes()) / kMib;
}
BENCHMARK(mount_by_volume_size)
    ->Arg(1)
    ->Arg(16)
    ->Arg(128)
    ->Arg(1024)
    ->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace zerotail::bench
