#include "zerotail/harness/recording.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "zerotail/harness/check.h"
#include "zerotail/harness/disk_stack.h"
#include "zerotail/harness/executor.h"
#include "zerotail/harness/fault_regions.h"
#include "zerotail/harness/image_disk.h"
#include "zerotail/harness/power.h"

namespace zerotail::harness {
namespace {

using sim::Errno;
using sim::Error;
using sim::Result;
using sim::Status;

constexpr uint64_t kDentrySize = 32;
constexpr uint8_t kFileEntry = 0x85;
constexpr uint8_t kInUse = 0x80;

Status read_bytes(const sim::SectorReader& disk, const VolumeView& view, const TreeNode& node,
                  const std::string& path, std::vector<std::byte>* out) {
  out->resize(std::min(node.set->valid_data_length, node.set->data_length));
  const sim::ByteCount got = read_file(disk, *view.geometry, node, sim::FilePos{0}, *out);
  if (got.value() == out->size()) return {};
  return Error(Errno::kIo,
               fmt::format("image: '{}' ends at byte {} of {}", path, got.value(), out->size()));
}

Status import_directory(const sim::SectorReader& disk, const VolumeView& view,
                        const DirectoryView& directory, const std::string& prefix, Model* model) {
  std::vector<std::byte> bytes;
  for (const auto& node : directory.nodes) {
    if (!node->set->usable()) continue;
    Model::Import item;
    item.path = prefix + node->set->utf8;
    item.directory = node->set->directory;
    item.size = item.directory ? node->chain->clusters.value() * view.geometry->cluster_size.value()
                               : node->set->data_length;
    item.first_entry = node->set->entry;
    item.entry_count = node->set->entries;
    item.attributes = node->set->attributes;
    bytes.clear();
    if (!item.directory) {
      item.valid_size = std::min(node->set->valid_data_length, node->set->data_length);
      ZT_TRY(read_bytes(disk, view, *node, item.path, &bytes));
      item.bytes = bytes;
    }
    if (!model->import(item)) {
      return Error(Errno::kExist, fmt::format("image: '{}' stands twice", item.path));
    }
    if (node->child != nullptr) {
      ZT_TRY(import_directory(disk, view, *node->child, item.path + "/", model));
    }
  }
  return {};
}

// Entries in use at the start of the root directory that belong to the system.
uint64_t system_entries(const sim::SectorReader& disk, const VolumeView& view) {
  const uint64_t per_sector = sim::kSectorSize.value() / kDentrySize;
  uint64_t count = 0;
  for (const ClusterRun& run : view.root->runs) {
    const sim::Sector first = view.geometry->sector_of(run.first);
    const uint64_t entries =
        view.geometry->cluster_sectors().value() * run.count.value() * per_sector;
    for (uint64_t i = 0; i < entries; ++i) {
      const std::byte* sector = disk.sector(first + sim::SectorCount{i / per_sector});
      const auto type = static_cast<uint8_t>(sector[i % per_sector * kDentrySize]);
      if ((type & kInUse) == 0 || type == kFileEntry) return count;
      ++count;
    }
  }
  return count;
}

Result<Model> import_volume(const sim::SectorReader& disk, const TraceHeader& header,
                            uint64_t clusters_free) {
  const CheckResult check = check_volume(disk);
  if (!check.view->mountable()) {
    const std::string why =
        check.problems.empty() ? std::string("no reason given") : check.problems[0].describe();
    return Error(Errno::kInval, "image: cannot be mounted: " + why);
  }
  ModelGeometry geometry =
      model_geometry(header, check.view->geometry->cluster_count, clusters_free);
  geometry.root_clusters = check.view->root_chain->clusters.value();
  geometry.root_entries = system_entries(disk, *check.view);
  Model model(geometry);
  model.set_keep(header.keep);
  ZT_TRY(import_directory(disk, *check.view, *check.view->root, {}, &model));
  return model;
}

// Runs the operations, telling the history and the log.
class Recorder {
 public:
  Recorder(Recording* recording, Executor* executor, fault::FaultDevice* faults)
      : recording_(*recording), executor_(*executor), faults_(faults) {}

  // `first`: the index of the first operation in the trace.
  void run(const std::vector<Operation>& ops, size_t first, bool marked) {
    for (size_t i = 0; i < ops.size() && !stopped_; ++i) {
      const Operation& op = ops[i];
      const size_t index = recording_.history->op_count();
      if (marked) recording_.log->mark(kMarkIssued, index);
      follow_volume(faults_, *recording_.medium, first + i, &op);
      const OpResult result = executor_.run(op);
      const std::string wrong = recording_.history->record(op, result);
      if (faults_ != nullptr && !wrong.empty() && result.ret < 0) {
        stopped_ = true;
        return;
      }
      if (marked) returned(index);
      if (!wrong.empty()) recording_.wrong_answers.push_back({index, op.path, wrong});
      if (marked) keep_promise_mark(index);
    }
  }

  Status unmount(bool marked) {
    if (stopped_) return {};
    const size_t index = recording_.history->op_count();
    if (marked) recording_.log->mark(kMarkIssued, index);
    follow_volume(faults_, *recording_.medium, std::nullopt, nullptr);
    const Status status = executor_.unmount();
    if (!status.ok() && faults_ == nullptr) return status;
    if (status.ok() && marked) returned(index);
    recording_.history->record_unmount(status.ok());
    if (status.ok() && marked) keep_promise_mark(index);
    return {};
  }

 private:
  void returned(size_t index) {
    recording_.log->mark(kMarkReturned, index);
    mark_ = static_cast<uint32_t>(recording_.log->marks().size() - 1);
  }
  void keep_promise_mark(size_t index) {
    if (recording_.history->promises(index)) recording_.promise_marks.push_back(mark_);
  }

  Recording& recording_;
  Executor& executor_;
  fault::FaultDevice* faults_;
  bool stopped_ = false;
  uint32_t mark_ = 0;
};

// A fresh history that begins at the volume as it stands now.
Result<std::unique_ptr<History>> begin_history(const Recording& recording, Executor* executor) {
  Result<volume::StatFs> statfs = executor->volume().statfs();
  if (!statfs.ok()) return statfs.error();
  Result<Model> model =
      import_volume(*recording.medium, recording.trace.header, statfs->blocks_free);
  if (!model.ok()) return model.error();
  return std::make_unique<History>(std::move(*model), recording.trace.header,
                                   recording.device.write_through);
}

void count_requests(Recording* recording) {
  for (const sim::IoRecord& record : recording->log->records()) {
    switch (record.op) {
      case sim::BioOp::kWrite:
      case sim::BioOp::kDiscard:
        ++recording->requests;
        if (record.preflush) ++recording->flushes;
        break;
      case sim::BioOp::kFlush:
        ++recording->flushes;
        break;
      case sim::BioOp::kRead:
        break;
    }
  }
}

// What the history cannot follow: the volume becomes another one.
Status check_explored(const std::vector<Operation>& ops, size_t setup) {
  for (size_t i = setup; i < ops.size(); ++i) {
    const OpKind kind = ops[i].kind;
    if (kind != OpKind::kCrash && kind != OpKind::kEdit && kind != OpKind::kShutdown) continue;
    return Error(Errno::kInval,
                 fmt::format("operation {}: {} can stand in the setup of a workload only", i,
                             harness::op_name(kind)));
  }
  return {};
}

}  // namespace

Result<Model> import_model(const sim::SectorReader& disk, const TraceHeader& header,
                           uint64_t clusters_free) {
  return import_volume(disk, header, clusters_free);
}

Result<Recording> record(const Trace& trace, size_t setup, const RecordOptions& options) {
  ZT_ASSERT(setup <= trace.ops.size());
  ZT_TRY(check_explored(trace.ops, setup));
  Recording recording;
  recording.trace = trace;
  recording.trace.header.io_path = volume::print(options.io_path);
  recording.trace.header.ordering = volume::print(options.ordering);
  apply(options.cache, &recording.trace.header);
  recording.device = options.device;
  ZT_ASSIGN(std::optional<fault::FaultPlan> plan, take_faults(&recording.trace.header));
  if (options.faults) plan = options.faults;
  ZT_ASSIGN(sim::MemDisk disk,
            options.image ? image_disk(*options.image, options.keep_free, &recording.trace.header)
                          : format_disk(recording.trace.header));
  recording.medium = std::make_unique<sim::MemDisk>(std::move(disk));
  recording.world = std::make_unique<sim::World>(options.seed);
  recording.log = std::make_unique<sim::IoLog>(*recording.medium, recording.world->loop);

  sim::BlockDevice* top = recording.log.get();
  std::unique_ptr<fault::FaultDevice> faults;
  if (plan) {
    faults = std::make_unique<fault::FaultDevice>(*top, recording.world->loop, *plan);
    faults->set_armed(false);
    top = faults.get();
  }
  const auto middle = trace.ops.begin() + static_cast<std::ptrdiff_t>(setup);
  Executor executor(*recording.world, *top, recording.trace.header);
  PowerSwitch power(*recording.medium, nullptr, *recording.log);
  executor.set_power(power);
  Recorder recorder(&recording, &executor, faults.get());
  if (setup > 0) {
    ZT_TRY(executor.mount());
    ZT_ASSIGN(recording.history, begin_history(recording, &executor));
    recorder.run({trace.ops.begin(), middle}, 0, false);
    ZT_TRY(recorder.unmount(false));
  }
  recording.log->clear();
  recording.base = recording.medium->snapshot();
  if (faults) faults->set_armed(true);
  follow_volume(faults.get(), *recording.medium, std::nullopt, nullptr);
  ZT_TRY(executor.mount());
  ZT_ASSIGN(recording.history, begin_history(recording, &executor));
  recording.trace.ops.assign(middle, trace.ops.end());
  recorder.run(recording.trace.ops, setup, true);
  ZT_TRY(recorder.unmount(true));
  if (faults) recording.faults_hit = faults->hits().size();
  count_requests(&recording);
  return recording;
}

OpCounts op_counts(const Recording& recording, uint64_t event) {
  OpCounts counts;
  for (const sim::IoMark& mark : recording.log->marks()) {
    if (mark.event > event) break;
    if (mark.kind == kMarkIssued) counts.issued = mark.id + 1;
    if (mark.kind == kMarkReturned) counts.returned = mark.id + 1;
  }
  return counts;
}

}  // namespace zerotail::harness
