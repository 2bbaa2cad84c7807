#include "zerotail/harness/contract_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <utility>

#include "zerotail/fault/device_class.h"
#include "zerotail/harness/circumstances.h"
#include "zerotail/harness/judge.h"
#include "zerotail/harness/workloads.h"

namespace zerotail::harness {
namespace {

using sim::Result;

// The least damage first, then the fewest units of the point that differ from all kept or from all
// lost.
using Size = std::pair<uint64_t, size_t>;

Size size_of(const fault::CrashModel& model, const fault::CrashState& state) {
  const fault::CrashPoint& point = model.points()[state.point];
  const fault::Segment& segment = model.segment(point);
  size_t from_kept = 0;
  size_t from_lost = 0;
  for (size_t i = 0; i < state.picks.size(); ++i) {
    const uint16_t newest = fault::versions_below(segment.units[i], point.version_limit);
    from_kept += state.picks[i] == newest ? 0 : 1;
    from_lost += state.picks[i] == 0 ? 0 : 1;
  }
  return {state.tear ? state.tear.count : 0, std::min(from_kept, from_lost)};
}

class Table {
 public:
  Table(const Workload& operation, const ReproId& id, const Recording& recording,
        const fault::CrashModel& model, ContractRow* row)
      : operation_(operation),
        id_(id),
        recording_(recording),
        model_(model),
        image_(model),
        judge_(recording, model, true),
        row_(*row) {}

  void judge(const ContractOptions& options) {
    row_.exhaustive = true;
    fault::EnumerationOptions tiers;
    const fault::CrashModelOptions& device = model_.options();
    const bool torn = device.tear_word.value() != 0 || device.damage_block.value() != 0;
    tiers.states_per_point = torn ? options.torn_budget : options.budget;
    tiers.seed = options.seed;
    for (const fault::CrashPoint& point : model_.points()) {
      judge_.move_to(point);
      const fault::EnumerationCounts counts =
          fault::for_each_state(model_, point, tiers, [this](const fault::CrashState& state) {
            judge_state(state);
            return true;
          });
      row_.exhaustive = row_.exhaustive && counts.exhaustive;
    }
    if (!row_.exhaustive) {
      for (size_t i = 0; i < kContractCount; ++i) shrink(static_cast<Contract>(i));
    }
    finish();
  }

 private:
  // The smallest state of a contract, and what it shows.
  struct Smallest {
    fault::CrashState state;
    Size size;
    Violation violation;
  };

  // What breaks the contract in a state of the point that is being judged.
  const Violation* broken_by(const fault::CrashState& state, Contract contract) {
    image_.set(state);
    judge_.look_at(image_);
    for (const Violation& violation : judge_.judge()) {
      if (violation.contract == contract) return &violation;
    }
    return nullptr;
  }

  void judge_state(const fault::CrashState& state) {
    image_.set(state);
    judge_.look_at(image_);
    ++row_.states;
    const Size size = size_of(model_, state);
    std::array<bool, kContractCount> counted{};
    for (const Violation& violation : judge_.judge()) {
      const auto index = static_cast<size_t>(violation.contract);
      if (counted[index]) continue;
      counted[index] = true;
      ++row_.cells[index].states;
      std::optional<Smallest>& smallest = smallest_[index];
      if (!smallest || size < smallest->size) smallest = Smallest{state, size, violation};
    }
  }

  // A sample need not hold the smallest: less of the tear, fewer units that differ.
  void shrink(Contract contract) {
    std::optional<Smallest>& smallest = smallest_[static_cast<size_t>(contract)];
    if (!smallest) return;
    const fault::CrashPoint& point = model_.points()[smallest->state.point];
    judge_.move_to(point);
    const auto take = [&](const fault::CrashState& candidate) {
      const Size size = size_of(model_, candidate);
      if (size >= smallest->size || !model_.parse(model_.print(candidate)).ok()) return false;
      const Violation* violation = broken_by(candidate, contract);
      if (violation != nullptr) smallest = Smallest{candidate, size, *violation};
      return violation != nullptr;
    };
    for (bool smaller = true; smaller;) {
      smaller = shrink_tear(*smallest, take) || shrink_picks(point, *smallest, take);
    }
  }

  using Take = std::function<bool(const fault::CrashState&)>;

  static bool shrink_tear(const Smallest& from, const Take& take) {
    if (!from.state.tear) return false;
    fault::CrashState candidate = from.state;
    candidate.tear = {};
    if (take(candidate)) return true;
    const uint32_t first = from.state.tear.first;
    const uint32_t count = from.state.tear.count;
    for (uint32_t part = count / 2; part > 0; part /= 2) {
      candidate = from.state;
      candidate.tear.count = count - part;
      if (take(candidate)) return true;
      candidate.tear.first = first + part;
      if (take(candidate)) return true;
    }
    return false;
  }

  bool shrink_picks(const fault::CrashPoint& point, const Smallest& from, const Take& take) const {
    const fault::Segment& segment = model_.segment(point);
    for (size_t i = 0; i < from.state.picks.size(); ++i) {
      fault::CrashState candidate = from.state;
      for (const uint16_t pick :
           {uint16_t{0}, fault::versions_below(segment.units[i], point.version_limit)}) {
        candidate.picks[i] = pick;
        if (pick != from.state.picks[i] && take(candidate)) return true;
      }
    }
    return false;
  }

  void finish() {
    for (size_t i = 0; i < kContractCount; ++i) {
      if (!smallest_[i]) continue;
      Finding finding;
      finding.violation = smallest_[i]->violation;
      const OpCounts counts =
          op_counts(recording_, model_.points()[smallest_[i]->state.point].event);
      finding.circumstances = circumstances(recording_, counts, finding.violation);
      finding.group = group_of(finding.violation, finding.circumstances);
      finding.workload = operation_.name;
      finding.state = model_.print(smallest_[i]->state);
      id_.state = finding.state;
      finding.repro = "zerotail repro " + print(id_);
      finding.fingerprint = fingerprint(finding.violation, operation_.name);
      row_.cells[i].broken = std::move(finding);
    }
  }

  const Workload& operation_;
  ReproId id_;
  const Recording& recording_;
  const fault::CrashModel& model_;
  fault::CrashImage image_;
  Judge judge_;
  ContractRow& row_;
  std::array<std::optional<Smallest>, kContractCount> smallest_;
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
  record_options.io_path = options.io_path;
  record_options.seed = options.seed;
  row.applies_sync_mount =
      record_options.device.write_through && !operation.trace.header.mount.empty();
  ZT_ASSIGN(const Recording recording, record(operation.trace, operation.setup, record_options));
  const fault::CrashModel model(*recording.log, recording.base, record_options.device,
                                recording.promise_marks);
  ReproId id;
  id.workload = operation.name;
  id.device = record_options.device;
  id.io_path = options.io_path;
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
