// The layers under a crash state: the medium, the locks, the crash model and its images.
#include <benchmark/benchmark.h>

#include <cstring>
#include <memory>
#include <vector>

#include "zerotail/fault/crash_model.h"
#include "zerotail/sim/lock.h"
#include "zerotail/sim/world.h"

namespace zerotail {
namespace {

constexpr sim::ByteCount kDiskSize = sim::mib(64);

void memcpy_64_mib(benchmark::State& state) {
  const std::vector<std::byte> data(kDiskSize.value(), std::byte{1});
  std::vector<std::byte> disk(kDiskSize.value());
  for (auto _ : state) {
    std::memcpy(disk.data(), data.data(), data.size());
    benchmark::ClobberMemory();
  }
  state.SetBytesProcessed(state.iterations() * static_cast<int64_t>(kDiskSize.value()));
}
BENCHMARK(memcpy_64_mib);

void mem_disk_write_64_mib(benchmark::State& state) {
  const std::vector<std::byte> data(kDiskSize.value(), std::byte{1});
  sim::MemDisk disk({.capacity = sim::sectors(kDiskSize)});
  for (auto _ : state) disk.write(sim::DevPos{0}, data);
  state.SetBytesProcessed(state.iterations() * static_cast<int64_t>(kDiskSize.value()));
}
BENCHMARK(mem_disk_write_64_mib);

void fork_write_a_sector_and_digest(benchmark::State& state) {
  sim::MemDisk disk({.capacity = sim::sectors(kDiskSize)});
  disk.write(sim::DevPos{0}, std::vector<std::byte>(kDiskSize.value(), std::byte{1}));
  const sim::Snapshot base = disk.snapshot();
  benchmark::DoNotOptimize(base.digest());
  const std::vector<std::byte> sector(sim::kSectorSize.value(), std::byte{2});
  for (auto _ : state) {
    disk.restore(base);
    disk.write(sim::dev_pos(sim::Sector{77777}), sector);
    benchmark::DoNotOptimize(disk.digest());
  }
}
BENCHMARK(fork_write_a_sector_and_digest);

void uncontended_mutex(benchmark::State& state) {
  sim::World world(1);
  sim::Mutex mutex(world.scheduler, "m");
  for (auto _ : state) {
    mutex.lock();
    benchmark::ClobberMemory();
    mutex.unlock();
  }
}
BENCHMARK(uncontended_mutex);

void task_switch_and_back(benchmark::State& state) {
  sim::World world(1);
  world.scheduler.spawn("spinner", [&] {
    while (true) world.scheduler.yield();
  });
  for (auto _ : state) world.scheduler.yield();
  world.scheduler.abandon();
}
BENCHMARK(task_switch_and_back);

// A disk with 64 MiB written, then 500 bios of 4 KiB pending.
struct Pending {
  Pending() : medium({.capacity = sim::sectors(kDiskSize)}), log(medium, world.loop) {
    medium.write(sim::DevPos{0}, std::vector<std::byte>(kDiskSize.value(), std::byte{1}));
    base = medium.snapshot();
    sim::Prng prng(1);
    for (int i = 0; i < 500; ++i) {
      const sim::Sector sector{8 * prng.below(sim::sectors(kDiskSize).value() / 8)};
      const std::vector<std::byte> data(4096, static_cast<std::byte>(i));
      if (write_sectors(world.scheduler, log, sector, data) != sim::Errno::kOk) std::abort();
    }
    model = std::make_unique<fault::CrashModel>(log, base, fault::CrashModelOptions{},
                                                std::vector<uint32_t>{});
  }
  sim::World world{1};
  sim::MemDisk medium;
  sim::IoLog log;
  sim::Snapshot base;
  std::unique_ptr<fault::CrashModel> model;
};

void crash_model_of_4000_versions(benchmark::State& state) {
  const Pending pending;
  for (auto _ : state) {
    const fault::CrashModel model(pending.log, pending.base, {}, std::vector<uint32_t>{});
    benchmark::DoNotOptimize(model.points().size());
  }
}
BENCHMARK(crash_model_of_4000_versions)->Unit(benchmark::kMillisecond);

void enumerate_64_states(benchmark::State& state) {
  const Pending pending;
  for (auto _ : state) {
    benchmark::DoNotOptimize(enumerate_states(*pending.model, pending.model->points().back(), {}));
  }
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations() * 64));
}
BENCHMARK(enumerate_64_states);

void set_image_and_digest(benchmark::State& state) {
  const Pending pending;
  const fault::Enumeration some =
      enumerate_states(*pending.model, pending.model->points().back(), {});
  fault::CrashImage image(*pending.model);
  size_t next = 0;
  for (auto _ : state) {
    image.set(some.states[next++ % some.states.size()]);
    benchmark::DoNotOptimize(image.digest());
  }
}
BENCHMARK(set_image_and_digest);

void read_image_sector(benchmark::State& state) {
  const Pending pending;
  fault::CrashImage image(*pending.model);
  image.set(enumerate_states(*pending.model, pending.model->points().back(), {}).states[0]);
  const uint64_t capacity = image.capacity().value();
  uint64_t sector = 0;
  for (auto _ : state) {
    sector = (sector + 4099) % capacity;
    benchmark::DoNotOptimize(image.sector(sim::Sector{sector}));
  }
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations()));
}
BENCHMARK(read_image_sector);

}  // namespace
}  // namespace zerotail
