#include "zerotail/harness/differential.h"

#include <algorithm>
#include <utility>

#include "device_reader.h"
#include "zerotail/harness/check.h"
#include "zerotail/harness/disk_stack.h"
#include "zerotail/harness/executor.h"
#include "zerotail/harness/minimise_trace.h"
#include "zerotail/harness/recording.h"

namespace zerotail::harness {

namespace {

// Completes every request a while after it was submitted; at once when the time is 0.
class SlowDisk final : public sim::BlockDevice {
 public:
  SlowDisk(sim::BlockDevice& below, sim::EventLoop& loop, sim::Nanos request_time)
      : below_(below), loop_(loop), request_time_(request_time) {}
  [[nodiscard]] const sim::DeviceInfo& info() const override { return below_.info(); }
  void submit(sim::Bio& bio) override {
    if (request_time_ == sim::Nanos{0}) return below_.submit(bio);
    loop_.schedule_after(request_time_, [this, &bio] { below_.submit(bio); });
  }

 private:
  sim::BlockDevice& below_;
  sim::EventLoop& loop_;
  sim::Nanos request_time_;
};

}  // namespace

sim::Result<ModelGeometry> fresh_geometry(const TraceHeader& header) {
  ZT_ASSIGN(sim::MemDisk disk, format_disk(header));
  sim::World world(header.seed);
  Executor executor(world, disk, header);
  ZT_TRY(executor.mount());
  ZT_ASSIGN(const volume::StatFs stat, executor.volume().statfs());
  return model_geometry(header, stat.blocks, stat.blocks_free);
}

namespace {

// From here on the model knows what the checker finds on the disk, and nothing else.
bool starts_anew(const Operation& op, const Model& model) {
  return op.kind == OpKind::kCrash || op.kind == OpKind::kEdit ||
         (op.kind == OpKind::kRemount && model.lost());
}

// What the trace does on purpose may leave problems on the volume.
bool ends_damaged(const Trace& trace) {
  return std::any_of(trace.ops.begin(), trace.ops.end(), [](const Operation& op) {
    return op.kind == OpKind::kCrash || op.kind == OpKind::kEdit || op.kind == OpKind::kShutdown;
  });
}

// Empty, or what went wrong.
std::string import_again(sim::World& world, DiskStack& stack, const TraceHeader& header,
                         Executor& executor, Model& model) {
  const sim::Result<volume::StatFs> stat = executor.volume().statfs();
  if (!stat.ok()) return "statfs: " + stat.error().message();
  const DeviceReader reader(world, stack.top());
  sim::Result<Model> imported = import_model(reader, header, stat->blocks_free);
  if (!imported.ok()) return imported.error().message();
  model = std::move(*imported);
  model.set_keep(header.keep);
  return {};
}

}  // namespace

std::optional<Disagreement> find_disagreement(const Trace& trace, sim::Nanos request_time) {
  const size_t end = trace.ops.size();
  sim::Result<sim::MemDisk> disk = format_disk(trace.header);
  if (!disk.ok()) return Disagreement{end, "mkfs: " + disk.error().message()};
  sim::World world(trace.header.seed);
  DiskStack stack(world, std::move(disk).value(), {});
  SlowDisk slow(stack.top(), world.loop, request_time);
  Executor executor(world, slow, trace.header);
  executor.set_power(stack.power());
  if (const sim::Status mounted = executor.mount(); !mounted.ok()) {
    return Disagreement{end, "mount: " + mounted.error().message()};
  }
  const sim::Result<volume::StatFs> stat = executor.volume().statfs();
  if (!stat.ok()) return Disagreement{end, "statfs: " + stat.error().message()};
  Model model(model_geometry(trace.header, stat.value().blocks, stat.value().blocks_free));
  model.set_keep(trace.header.keep);
  for (size_t i = 0; i < end; ++i) {
    const Prediction prediction = model.apply(trace.ops[i]);
    const OpResult result = executor.run(trace.ops[i]);
    std::string text = disagreement(prediction, result);
    if (text.empty() && starts_anew(trace.ops[i], model) && executor.mounted()) {
      text = import_again(world, stack, trace.header, executor, model);
    }
    if (text.empty()) continue;
    if (!result.note.empty()) text += " (" + result.note + ")";
    return Disagreement{i, std::move(text)};
  }
  if (!executor.mounted()) return std::nullopt;
  if (const sim::Status unmounted = executor.unmount(); !unmounted.ok()) {
    return Disagreement{end, "umount: " + unmounted.error().message()};
  }
  if (ends_damaged(trace)) return std::nullopt;
  const CheckResult check = check_volume(DeviceReader(world, stack.top()));
  if (check.clean()) return std::nullopt;
  return Disagreement{end, "check: " + check.problems.front().describe()};
}

std::string symptom(const Trace& trace, const Disagreement& disagreement) {
  const std::string where = disagreement.op < trace.ops.size()
                                ? std::string(op_name(trace.ops[disagreement.op].kind))
                                : std::string("umount");
  // "ret: want 0, got -28; map: ...": what differs first, and the error that was got.
  const std::string& text = disagreement.text;
  std::string what = text.substr(0, text.find(':'));
  const size_t got = text.find("got -");
  if (what == "ret" && got != std::string::npos) {
    what += text.substr(got + 4, text.find_first_not_of("0123456789", got + 5) - got - 4);
  }
  return where + " " + what;
}

Trace shrink_disagreement(Trace trace, sim::Nanos request_time) {
  const std::optional<Disagreement> first = find_disagreement(trace, request_time);
  if (!first) return trace;
  const std::string sought = symptom(trace, *first);
  const auto question = [&](const Trace& candidate) {
    const auto now = find_disagreement(candidate, request_time);
    return now && symptom(candidate, *now) == sought;
  };
  // What comes behind it is not needed, if it is a symptom of the operation alone.
  Trace shorter = trace;
  if (first->op < trace.ops.size()) shorter.ops.resize(first->op + 1);
  if (question(shorter)) trace = std::move(shorter);
  TraceMinimiseOptions options;
  options.setup = false;
  return minimise_trace(std::move(trace), question, options).trace;
}

}  // namespace zerotail::harness
