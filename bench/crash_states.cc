// See crash_states.h.
#include "zerotail/bench/crash_states.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <utility>

#include "zerotail/fault/crash_model.h"
#include "zerotail/harness/recording.h"

namespace zerotail::bench {
namespace {

using harness::Operation;
using harness::OpKind;

constexpr int kDirectories = 10;
constexpr int kFilesPerDirectory = 20;
constexpr int64_t kLargestFile = 34 * 1024;

std::string file_name(int directory, int file) {
  return fmt::format("d{:02}/file-{:02}", directory, file);
}

Operation on(OpKind kind, std::string path) {
  Operation op;
  op.kind = kind;
  op.path = std::move(path);
  return op;
}

// Appends operations to a trace; every write gets a seed of its own.
class Writer {
 public:
  explicit Writer(std::vector<Operation>& ops) : ops_(ops) {}

  void create(const std::string& path) {
    Operation op = on(OpKind::kCreate, path);
    op.mode = harness::kCreateExclusive;
    ops_.push_back(op);
  }
  void write(const std::string& path, int64_t off, int64_t len) {
    Operation op = on(OpKind::kWrite, path);
    op.off = off;
    op.len = len;
    op.seed = ++seed_;
    ops_.push_back(op);
  }
  void append(const std::string& path, int64_t len) {
    Operation op = on(OpKind::kAppend, path);
    op.len = len;
    op.seed = ++seed_;
    ops_.push_back(op);
  }
  void truncate(const std::string& path, int64_t size) {
    Operation op = on(OpKind::kTruncate, path);
    op.size = size;
    ops_.push_back(op);
  }
  void rename(const std::string& path, const std::string& to) {
    Operation op = on(OpKind::kRename, path);
    op.to = to;
    ops_.push_back(op);
  }
  void plain(OpKind kind, const std::string& path) { ops_.push_back(on(kind, path)); }

 private:
  std::vector<Operation>& ops_;
  uint64_t seed_ = 0;
};

void fill_volume(Writer& writer) {
  for (int d = 0; d < kDirectories; ++d) {
    writer.plain(OpKind::kMkdir, fmt::format("d{:02}", d));
    for (int f = 0; f < kFilesPerDirectory; ++f) {
      const std::string path = file_name(d, f);
      writer.create(path);
      // Sizes that look like nothing in particular, small ones more often than large ones.
      const int64_t spread = (d * kFilesPerDirectory + f) * int64_t{7919} % 184;
      writer.write(path, 0, 1 + spread * spread % kLargestFile);
    }
  }
  writer.plain(OpKind::kSync, "");
}

void use_volume(Writer& writer) {
  for (int d = 0; d < kDirectories; ++d) {
    const std::string saved = file_name(d, 3);
    const std::string fresh = fmt::format("d{:02}/file-03.tmp", d);
    writer.create(fresh);
    writer.write(fresh, 0, 9000 + d * 700);
    writer.plain(OpKind::kFsync, fresh);
    writer.rename(fresh, saved);
    writer.append(file_name(d, 7), 3000);
    writer.plain(OpKind::kFsync, file_name(d, 7));
    writer.write(file_name(d, 11), 100, 2000);
    writer.truncate(file_name(d, 12), 1500);
    writer.plain(OpKind::kUnlink, file_name(d, 13));
  }
  writer.plain(OpKind::kSync, "");
}

// The disk as practice would have it: mkfs on a sparse file leaves free space as a hole, where the
// simulated disk has poison.
sim::Snapshot without_poison(const sim::Snapshot& disk, std::byte poison) {
  sim::MemDisk::Options options;
  options.capacity = disk.capacity();
  sim::MemDisk clean(options);
  for (sim::Sector s; s < sim::Sector{0} + disk.capacity(); s += sim::SectorCount{1}) {
    const std::span<const std::byte> content(disk.sector(s), sim::kSectorSize.value());
    const bool poisoned =
        std::all_of(content.begin(), content.end(), [poison](std::byte b) { return b == poison; });
    if (!poisoned) clean.write(sim::dev_pos(s), content);
  }
  return clean.snapshot();
}

Overlay overlay_of(const sim::Snapshot& base, const sim::Snapshot& state) {
  Overlay overlay;
  for (const sim::Sector sector : base.difference(state)) {
    const std::byte* content = state.sector(sector);
    overlay.push_back({sector, {content, content + sim::kSectorSize.value()}});
  }
  return overlay;
}

}  // namespace

harness::Workload two_hundred_files() {
  harness::Trace trace;
  trace.header.trace = "two-hundred-files";
  trace.header.size_mib = 64;
  trace.header.cluster = sim::kib(4).value();
  Writer writer(trace.ops);
  fill_volume(writer);
  trace.header.setup = trace.ops.size();
  use_volume(writer);
  return harness::workload_from_trace(std::move(trace));
}

sim::Result<StateSample> sample_states(const harness::Workload& workload,
                                       const harness::ExploreOptions& options, size_t count) {
  ZT_ASSIGN(const harness::Recording recording,
            harness::record(workload.trace, workload.setup, options.record));
  const fault::CrashModel model(*recording.log, recording.base, {}, recording.promise_marks);
  fault::EnumerationOptions tiers = options.tiers;
  tiers.states_per_point =
      std::max<uint64_t>(8, options.budget / std::max<size_t>(1, model.points().size()));
  std::vector<fault::CrashState> states;
  std::set<sim::Digest> seen;
  fault::CrashImage image(model);
  for (const fault::CrashPoint& point : model.points()) {
    for (fault::CrashState& state : fault::enumerate_states(model, point, tiers).states) {
      image.set(state);
      if (seen.insert(image.digest()).second) states.push_back(std::move(state));
    }
  }
  StateSample sample;
  sample.base = without_poison(recording.base, std::byte{workload.trace.header.poison});
  const size_t step = std::max<size_t>(1, states.size() / std::max<size_t>(1, count));
  for (size_t i = 0; i < states.size(); i += step) {
    image.set(states[i]);
    sample.states.push_back(overlay_of(recording.base, image.materialise()));
  }
  return sample;
}

}  // namespace zerotail::bench
