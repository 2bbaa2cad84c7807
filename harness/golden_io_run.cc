// The core's side of golden I/O. The disk below takes 20 us a request, so that a request which was
// waited for is told from one that was only submitted first.
#include <algorithm>
#include <array>
#include <optional>

#include "golden_io_decode.h"
#include "zerotail/exfat/ondisk.h"
#include "zerotail/harness/disk_stack.h"
#include "zerotail/harness/executor.h"
#include "zerotail/harness/golden_io.h"

namespace zerotail::harness {
namespace {

constexpr sim::Nanos kRequestTime = sim::micros(20);
constexpr uint64_t kPauseMillis = 30;  // so that exFAT's 10 ms times differ
constexpr uint64_t kMillisPerCentisecond = 10;

// Completes every request a while later.
class SlowDisk final : public sim::BlockDevice {
 public:
  SlowDisk(sim::BlockDevice& below, sim::EventLoop& loop) : below_(below), loop_(loop) {}
  [[nodiscard]] const sim::DeviceInfo& info() const override { return below_.info(); }
  void submit(sim::Bio& bio) override {
    loop_.schedule_after(kRequestTime, [this, &bio] { below_.submit(bio); });
  }

 private:
  sim::BlockDevice& below_;
  sim::EventLoop& loop_;
};

class Runner {
 public:
  Runner(const GoldenIoTrace& trace, sim::MemDisk medium, const exfat::VolumeLayout& layout)
      : trace_(trace),
        header_(trace.header),
        world_(trace.header.seed),
        medium_(std::move(medium)),
        slow_(medium_, world_.loop),
        log_(slow_, world_.loop),
        decoder_(layout, medium_),
        executor_(world_, log_, header_) {
    header_.dirty_writeback_ms = 0;  // the flusher was off unless a trace turned it on
  }

  sim::Result<GoldenIoRun> run();

 private:
  sim::Result<int64_t> perform(const GoldenIoStep& step);
  void sleep(uint64_t millis);
  void set_flusher();
  void set_dirty_by_hand();
  void place_directories();
  std::vector<GoldenEntry> take_entries();

  const GoldenIoTrace& trace_;
  TraceHeader header_;  // with the flusher's settings of the moment
  sim::World world_;
  sim::MemDisk medium_;
  SlowDisk slow_;
  sim::IoLog log_;
  GoldenDecoder decoder_;
  Executor executor_;
  std::set<std::string> paths_{""};  // every path named so far, and the root
  size_t taken_ = 0;                 // records of the log
};

void Runner::sleep(uint64_t millis) {
  Operation op;
  op.kind = OpKind::kSleep;
  op.len = static_cast<int64_t>(millis);
  static_cast<void>(executor_.run(op));
}

void Runner::set_flusher() {
  if (!executor_.mounted()) return;
  volume::WritebackOptions options = executor_.volume().options().writeback;
  options.expire = sim::millis(header_.dirty_expire_ms);
  options.interval = sim::millis(header_.dirty_writeback_ms);
  executor_.volume().set_writeback(options);
}

void Runner::set_dirty_by_hand() {
  std::array<std::byte, 512> sector{};
  medium_.read(sim::DevPos{0}, sector);
  sector[offsetof(exfat::BootSector, volume_flags)] |= std::byte{exfat::kVolumeDirty};
  medium_.write(sim::DevPos{0}, sector);
  decoder_.patch(sim::DevPos{0}, sector);
}

sim::Result<int64_t> Runner::perform(const GoldenIoStep& step) {
  using Kind = GoldenIoStep::Kind;
  switch (step.kind) {
    case Kind::kMount:
      ZT_TRY(executor_.mount());
      return int64_t{0};
    case Kind::kUmount:
      ZT_TRY(executor_.unmount());
      return int64_t{0};
    case Kind::kSetDirty:
      set_dirty_by_hand();
      return int64_t{0};
    case Kind::kFlusherExpire:
      header_.dirty_expire_ms = static_cast<uint64_t>(step.centiseconds) * kMillisPerCentisecond;
      set_flusher();
      return int64_t{0};
    case Kind::kFlusherInterval:
      header_.dirty_writeback_ms = static_cast<uint64_t>(step.centiseconds) * kMillisPerCentisecond;
      set_flusher();
      return int64_t{0};
    case Kind::kOperation:
      break;
  }
  return executor_.run(step.op).ret;
}

// A directory keeps its last known place until the operation that removed it was decoded.
void Runner::place_directories() {
  if (!executor_.mounted()) return;
  for (const std::string& path : paths_) {
    const auto stat = executor_.volume().stat(path);
    if (!stat.ok() || !stat.value().directory) continue;
    const auto state = executor_.volume().inspect(path);
    if (state.ok()) decoder_.place_directory(path, state.value());
  }
}

std::vector<GoldenEntry> Runner::take_entries() {
  place_directories();
  std::vector<GoldenEntry> entries;
  for (; taken_ < log_.records().size(); ++taken_) {
    entries.push_back(decoder_.decode(log_.records()[taken_]));
  }
  if (!executor_.mounted()) return entries;
  for (const std::string& path : paths_) {
    const auto stat = executor_.volume().stat(path);
    if (!stat.ok() || !stat.value().directory) decoder_.forget_directory(path);
  }
  return entries;
}

sim::Result<GoldenIoRun> Runner::run() {
  GoldenIoRun run;
  ZT_TRY(executor_.mount());
  for (const GoldenIoStep& step : trace_.steps) {
    if (executor_.mounted()) sleep(kPauseMillis);
    paths_.insert(step.op.path);
    paths_.insert(step.op.to);
    ZT_ASSIGN(const int64_t ret, perform(step));
    run.ret.push_back(ret);
    run.io.push_back(take_entries());
  }
  if (executor_.mounted()) {
    sleep(kPauseMillis);
    ZT_TRY(executor_.unmount());
  }
  run.io.push_back(take_entries());
  return run;
}

}  // namespace

sim::Result<GoldenIoRun> run_golden_io(const GoldenIoTrace& trace) {
  exfat::MkfsOptions options;
  options.sector_size = sim::ByteCount{trace.header.sector};
  options.cluster_size = sim::ByteCount{trace.header.cluster};
  ZT_ASSIGN(const exfat::VolumeLayout layout,
            exfat::plan_volume(sim::mib(trace.header.size_mib), options));
  ZT_ASSIGN(sim::MemDisk medium, format_disk(trace.header));
  Runner runner(trace, std::move(medium), layout);
  return runner.run();
}

}  // namespace zerotail::harness
