// The built-in workloads (harness/workloads/*.trace: a new one is one file) and the baseline of
// findings that are known for them (harness/baselines/).
#pragma once

#include <string_view>
#include <vector>

#include "zerotail/harness/baseline.h"
#include "zerotail/harness/explore.h"

namespace zerotail::harness {

struct EmbeddedText {
  const char* name;
  std::string_view text;
};
[[nodiscard]] const std::vector<EmbeddedText>& atlas_texts();      // generated
[[nodiscard]] const std::vector<EmbeddedText>& workload_texts();   // generated
[[nodiscard]] const std::vector<EmbeddedText>& operation_texts();  // generated
[[nodiscard]] const std::vector<EmbeddedText>& baseline_texts();   // generated

// All of them, by name.
[[nodiscard]] std::vector<Workload> builtin_workloads();
// The operations of harness/contract_operations (contract_table.h), by name.
[[nodiscard]] std::vector<Workload> contract_operations();
// One of both. ENOENT: no such name.
[[nodiscard]] sim::Result<Workload> builtin_workload(std::string_view name);
// Of the built-in workloads. What only the buffer-head path shows (baselines/buffer-head.baseline)
// is in it when that path is asked for.
[[nodiscard]] Baseline shipped_baseline(volume::IoPath path = volume::IoPath::kIomap);

}  // namespace zerotail::harness
