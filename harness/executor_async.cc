// Operations of tasks, and direct writes that are not waited for.

#include <algorithm>

#include "zerotail/harness/executor.h"
#include "zerotail/harness/pattern.h"

namespace zerotail::harness {
namespace {

// What direct I/O asks of memory.
constexpr uint64_t kMemoryAlignment = 512;

}  // namespace

OpResult Executor::run_in_task(const Operation& op) {
  OpResult result;
  sim::Completion ended(world_.scheduler);
  world_.scheduler.spawn("task " + std::to_string(*op.task), [this, &op, &result, &ended] {
    result = dispatch(op);
    ended.complete();
  });
  ended.wait("an operation of a task");
  return result;
}

// 0 when it is on its way, also when it has failed already: that is told by wait.
OpResult Executor::run_submit(const Operation& op) {
  const sim::Result<volume::Fd> fd = handle(op.path, Use::kDirect);
  if (!fd.ok()) return failure(fd.error());
  const std::vector<std::byte> data =
      pattern(op.seed, static_cast<uint64_t>(op.off), static_cast<uint64_t>(op.len));
  const volume::Source source{.bytes = data,
                              .fault_at = op.fault_at,
                              .misalignment = op.moff % kMemoryAlignment,
                              .no_invalidate = op.no_invalidate};
  const sim::Result<volume::WriteId> id = volume_->submit_write(fd.value(), op.off, source);
  if (!id.ok()) return failure(id.error());
  pending_.push_back({id.value(), op.task});
  return {};
}

// Of the task, or of all: what each answered, in the order of submission, and who ended when.
OpResult Executor::run_wait(const Operation& op) {
  std::vector<Pending> mine;
  std::vector<Pending> others;
  for (const Pending& pending : pending_) {
    (!op.task || pending.task == op.task ? mine : others).push_back(pending);
  }
  pending_ = std::move(others);
  std::vector<std::string> done;
  std::vector<std::pair<uint64_t, size_t>> ends;
  for (const Pending& pending : mine) {
    const volume::WriteOutcome outcome = volume_->collect_write(pending.id);
    const int64_t ret = outcome.count.ok() ? static_cast<int64_t>(outcome.count.value())
                                           : outcome.count.error().negative();
    ends.emplace_back(outcome.order, done.size());
    done.push_back(std::to_string(ret));
  }
  std::sort(ends.begin(), ends.end());
  std::vector<std::string> order;
  for (const auto& [when, which] : ends) order.push_back(std::to_string(which));
  OpResult result;
  result.ret = static_cast<int64_t>(done.size());
  result.set("done", std::move(done));
  result.set("order", std::move(order));
  return result;
}

}  // namespace zerotail::harness
