// What operations cost, read off the log: each request belongs to the operation that was running.
#include "trace_table.h"
#include "zerotail/harness/ordering_lab.h"
#include "zerotail/harness/workloads.h"

namespace zerotail::harness {
namespace {

IoCost cost_of_record(const sim::IoRecord& record, const CostModel& model) {
  IoCost cost;
  switch (record.op) {
    case sim::BioOp::kRead:
      return cost;
    case sim::BioOp::kFlush:
      cost.flushes = 1;
      cost.nanoseconds = model.flush_ns;
      return cost;
    case sim::BioOp::kWrite:
      cost.bytes = sim::bytes(record.count).value();
      break;
    case sim::BioOp::kDiscard:
      break;
  }
  cost.requests = 1;
  cost.flushes = record.preflush ? 1 : 0;
  cost.nanoseconds = model.request_ns + cost.bytes * model.byte_ns + cost.flushes * model.flush_ns;
  return cost;
}

}  // namespace

std::vector<LabJob> builtin_jobs() {
  std::vector<LabJob> jobs;
  for (Workload& workload : builtin_workloads()) {
    if (!workload.trace.header.mount.empty()) {
      DeviceConfig write_through;
      write_through.write_through = true;
      jobs.push_back({.workload = workload, .device = write_through});
    }
    jobs.push_back({.workload = std::move(workload), .device = {}});
  }
  return jobs;
}

void IoCost::add(const IoCost& other) {
  operations += other.operations;
  requests += other.requests;
  flushes += other.flushes;
  bytes += other.bytes;
  nanoseconds += other.nanoseconds;
}

CostByOperation cost_of(const Recording& recording, const CostModel& model) {
  CostByOperation costs;
  const std::vector<Operation>& ops = recording.trace.ops;
  const auto name = [&ops](size_t op) {
    return op < ops.size() ? std::string(op_name(ops[op].kind)) : std::string("umount");
  };
  auto record = recording.log->records().begin();
  const auto end = recording.log->records().end();
  for (const sim::IoMark& mark : recording.log->marks()) {
    if (mark.kind != kMarkReturned) continue;
    IoCost& cost = costs[name(mark.id)];
    ++cost.operations;
    for (; record != end && record->submit_event < mark.event; ++record) {
      cost.add(cost_of_record(*record, model));
    }
  }
  return costs;
}

IoCost total(const CostByOperation& costs) {
  IoCost sum;
  for (const auto& [name, cost] : costs) sum.add(cost);
  return sum;
}

}  // namespace zerotail::harness
