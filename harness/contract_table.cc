#include "zerotail/harness/contract_table.h"

#include <fmt/format.h>

#include <algorithm>

#include "zerotail/fault/device_class.h"
#include "zerotail/harness/judge.h"
#include "zerotail/harness/workloads.h"

namespace zerotail::harness {
namespace {

using sim::Result;

constexpr size_t kLongestName = 1 << 20;

// How many units of the point a state has other than all kept, or other than all lost.
size_t size_of(const fault::CrashModel& model, const fault::CrashState& state) {
  const fault::CrashPoint& point = model.points()[state.point];
  const fault::Segment& segment = model.segment(point);
  size_t from_kept = 0;
  size_t from_lost = 0;
  for (size_t i = 0; i < state.picks.size(); ++i) {
    const uint16_t newest = fault::versions_below(segment.units[i], point.version_limit);
    from_kept += state.picks[i] == newest ? 0 : 1;
    from_lost += state.picks[i] == 0 ? 0 : 1;
  }
  return std::min(from_kept, from_lost);
}

class Table {
 public:
  Table(const Workload& operation, const ReproId& id, const Recording& recording,
        const fault::CrashModel& model, ContractRow* row)
      : operation_(operation),
        id_(id),
        model_(model),
        image_(model),
        judge_(recording, model, true),
        row_(*row) {}

  void judge(const ContractOptions& options) {
    row_.exhaustive = true;
    fault::EnumerationOptions tiers;
    tiers.states_per_point = options.budget;
    tiers.seed = options.seed;
    for (const fault::CrashPoint& point : model_.points()) {
      const fault::Enumeration states = fault::enumerate_states(model_, point, tiers);
      row_.exhaustive = row_.exhaustive && states.exhaustive;
      judge_.move_to(point);
      for (const fault::CrashState& state : states.states) judge_state(state);
    }
  }

 private:
  void judge_state(const fault::CrashState& state) {
    image_.set(state);
    judge_.look_at(image_);
    ++row_.states;
    std::array<bool, kContractCount> counted{};
    for (const Violation& violation : judge_.judge()) {
      const auto index = static_cast<size_t>(violation.contract);
      ContractCell& cell = row_.cells[index];
      if (!counted[index]) ++cell.states;
      counted[index] = true;
      // A state with a tear has a longer name than the same without.
      const size_t size = size_of(model_, state) * kLongestName + model_.print(state).size();
      if (cell.broken && smallest_[index] <= size) continue;
      smallest_[index] = size;
      keep(violation, state, &cell);
    }
  }

  void keep(const Violation& violation, const fault::CrashState& state, ContractCell* cell) {
    Finding finding;
    finding.violation = violation;
    finding.workload = operation_.name;
    finding.state = model_.print(state);
    id_.state = finding.state;
    finding.repro = "zerotail repro " + print(id_);
    finding.fingerprint = fingerprint(violation, operation_.name);
    cell->broken = std::move(finding);
  }

  const Workload& operation_;
  ReproId id_;
  const fault::CrashModel& model_;
  fault::CrashImage image_;
  Judge judge_;
  ContractRow& row_;
  std::array<size_t, kContractCount> smallest_{};
};

}  // namespace

Result<ContractRow> judge_operation(const Workload& operation, const std::string& device,
                                    const ContractOptions& options) {
  ContractRow row;
  row.operation = operation.name;
  row.about = operation.trace.header.about;
  row.device = device;
  RecordOptions record_options;
  ZT_ASSIGN(record_options.device, parse_device(device));
  record_options.ordering = options.ordering;
  record_options.seed = options.seed;
  row.applies_sync_mount =
      record_options.device.write_through && !operation.trace.header.mount.empty();
  ZT_ASSIGN(const Recording recording, record(operation.trace, operation.setup, record_options));
  const fault::CrashModel model(*recording.log, recording.base, record_options.device,
                                recording.promise_marks);
  ReproId id;
  id.workload = operation.name;
  id.device = record_options.device;
  id.ordering = options.ordering;
  id.seed = options.seed;
  Table(operation, id, recording, model, &row).judge(options);
  return row;
}

Result<std::vector<ContractRow>> contract_table(ContractChoice choice,
                                                const ContractOptions& options,
                                                const ContractHook& hook) {
  if (choice.operations.empty()) choice.operations = contract_operations();
  if (choice.devices.empty()) {
    for (const fault::DeviceClass& device : fault::device_classes()) {
      choice.devices.emplace_back(device.name);
    }
  }
  std::vector<ContractRow> rows;
  for (const Workload& operation : choice.operations) {
    for (const std::string& device : choice.devices) {
      if (hook && !hook(rows.size(), choice.operations.size() * choice.devices.size())) {
        return sim::Error(sim::Errno::kAgain, "stopped");
      }
      ZT_ASSIGN(ContractRow row, judge_operation(operation, device, options));
      rows.push_back(std::move(row));
    }
  }
  return rows;
}

}  // namespace zerotail::harness
