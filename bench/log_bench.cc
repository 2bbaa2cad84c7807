// States of imported logs per second and core, judged by the real fsck.exfat and e2fsck: with an
// image that follows the states, and with a fresh one for each state, as the practice makes it
// (here from memory, which is less than a copy costs).
#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>

#include "zerotail/bench/crash_states.h"
#include "zerotail/harness/log_explore.h"
#include "zerotail/sim/mem_disk.h"

namespace zerotail::bench {
namespace {

constexpr uint64_t kStates = 300;

// A recorded file of tests/logs, unpacked; empty when that fails.
std::string unpack(const std::string& name) {
  const std::string command =
      fmt::format("gzip -dc '{}/tests/logs/{}.gz'", ZEROTAIL_SOURCE_DIR, name);
  std::FILE* pipe = ::popen(command.c_str(), "r");
  if (pipe == nullptr) return {};
  std::string content;
  std::array<char, 65536> part;
  while (const size_t got = std::fread(part.data(), 1, part.size(), pipe)) {
    content.append(part.data(), got);
  }
  return ::pclose(pipe) == 0 ? content : std::string();
}

sim::Result<harness::LogSource> recorded(const std::string& name) {
  const std::string image = unpack(name + ".img");
  if (image.empty()) return sim::Error(sim::Errno::kNoEnt, name + ".img.gz: cannot be unpacked");
  sim::MemDisk disk({.capacity = sim::sectors(sim::ByteCount{image.size()})});
  disk.write(sim::DevPos{0}, {reinterpret_cast<const std::byte*>(image.data()), image.size()});
  ZT_ASSIGN(fault::LogWrites log,
            fault::parse_log_writes(unpack(name + ".log"), name, {.capacity = disk.capacity()}));
  return harness::make_log_source(name, name, std::move(log), disk.snapshot());
}

// The volume of 64 MiB with two hundred files that explore_bench.cc judges, as a log.
sim::Result<harness::LogSource> two_hundred() {
  const harness::Workload workload = two_hundred_files();
  ZT_ASSIGN(const harness::Recording recording,
            harness::record(workload.trace, workload.setup, {}));
  size_t failed = 0;
  ZT_ASSIGN(fault::LogWrites log,
            fault::export_log_writes(*recording.log, {}, sim::kSectorSize, &failed));
  // Poison in free space would make the image, and each fresh copy of it, larger than it is.
  ZT_ASSIGN(const StateSample sample, sample_states(workload, {}, 1));
  return harness::make_log_source("two-hundred", "base", std::move(log), sample.base);
}

// A folder for the images, where `explore --log` has it; removed at the end.
class Folder {
 public:
  Folder() : path_("/dev/shm/zerotail-bench-XXXXXX") { made_ = ::mkdtemp(path_.data()) != nullptr; }
  ~Folder() {
    std::error_code ignored;
    if (made_) std::filesystem::remove_all(path_, ignored);
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_;
  bool made_ = false;
};

void judge(benchmark::State& state, sim::Result<harness::LogSource> (*make)(),
           const std::string& checker, bool fresh) {
  const auto source = make();
  const auto command = harness::CheckCommand::parse(checker);
  if (!source.ok() || !command.ok()) {
    const sim::Error& error = source.ok() ? command.error() : source.error();
    state.SkipWithError(error.message().c_str());
    return;
  }
  const Folder folder;
  harness::LogExploreOptions options;
  options.budget = kStates;
  options.device = *fault::parse_device("vc1024");
  options.checker.command = *command;
  options.checker.fresh_images = fresh;
  options.checker.folder = folder.path();
  uint64_t states = 0;
  for (auto _ : state) {
    const auto explored = harness::explore_log(*source, options);
    if (!explored.ok()) {
      state.SkipWithError(explored.error().message().c_str());
      return;
    }
    states += explored->report.states.checked;
  }
  state.SetItemsProcessed(static_cast<int64_t>(states));
}

sim::Result<harness::LogSource> exfat() { return recorded("exfat"); }
sim::Result<harness::LogSource> ext4() { return recorded("ext4"); }

constexpr const char* kFsckExfat = "fsck.exfat -n {image}";
constexpr const char* kE2fsck = "e2fsck -fn {image}";
constexpr const char* kReplay = "e2fsck -E journal_only -y {image} && e2fsck -fn {image}";

// One checker at a time, so that the rate is one core's; by the clock, because the work is done by
// child processes.
#define ZT_LOG_BENCH(name, source, checker)                     \
  BENCHMARK_CAPTURE(judge, name, source, checker, false)        \
      ->Unit(benchmark::kMillisecond)                           \
      ->UseRealTime()                                           \
      ->MinTime(1);                                             \
  BENCHMARK_CAPTURE(judge, name##_fresh, source, checker, true) \
      ->Unit(benchmark::kMillisecond)                           \
      ->UseRealTime()                                           \
      ->MinTime(1)

ZT_LOG_BENCH(log_exfat, exfat, kFsckExfat);
ZT_LOG_BENCH(log_exfat_64m, two_hundred, kFsckExfat);
ZT_LOG_BENCH(log_ext4, ext4, kE2fsck);
ZT_LOG_BENCH(log_ext4_replayed, ext4, kReplay);

}  // namespace
}  // namespace zerotail::bench
