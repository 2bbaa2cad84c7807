// Which contract holds for which operation on which kind of device: every operation of
// harness/contract_operations as a workload of its own, explored under every class of
// fault/device_class.h. For each "no" a small state that shows it is kept: the smallest where all
// states were judged, else one from which nothing can be taken away.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "zerotail/harness/explore.h"
#include "zerotail/harness/workloads.h"

namespace zerotail::harness {

struct ContractCell {
  // The smallest state that breaks it: the least damage, then the fewest units that differ from
  // "all kept" or "all lost", then the earliest. Nothing: no state does.
  std::optional<Finding> broken;
  uint64_t states = 0;  // that break it
};

struct ContractRow {
  std::string operation;
  std::string about;
  std::string device;               // its class
  bool applies_sync_mount = false;  // a sync or dirsync mount on a device without a volatile cache
  bool exhaustive = false;          // every state of the model was judged
  uint64_t states = 0;              // judged
  std::array<ContractCell, kContractCount> cells;
};

struct ContractOptions {
  volume::Ordering ordering;
  volume::IoPath io_path = volume::IoPath::kIomap;
  uint64_t budget = 4096;  // states a crash point, at most
  // The same on devices that tear or damage what is being written, of which no budget covers all.
  uint64_t torn_budget = 256;
  uint64_t seed = 1;
};

// One operation on one device. `device`: as fault::parse_device reads it.
[[nodiscard]] sim::Result<ContractRow> judge_operation(const Workload& operation,
                                                       const std::string& device,
                                                       const ContractOptions& options);

// What is judged: empty lists stand for all operations and all classes.
struct ContractChoice {
  std::vector<Workload> operations;
  std::vector<std::string> devices;
};
using ContractHook = std::function<bool(size_t done, size_t all)>;
// The operations on the classes, operation by operation.
[[nodiscard]] sim::Result<std::vector<ContractRow>> contract_table(ContractChoice choice,
                                                                   const ContractOptions& options,
                                                                   const ContractHook& hook = {});

}  // namespace zerotail::harness
