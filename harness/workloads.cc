#include "zerotail/harness/workloads.h"

#include <fmt/format.h>

namespace zerotail::harness {
namespace {

Workload parse_builtin(const EmbeddedText& text) {
  sim::Result<Trace> trace = parse_trace(text.text, fmt::format("{}.trace", text.name));
  ZT_ASSERT_MSG(trace.ok(), text.name);
  Workload workload = workload_from_trace(std::move(*trace));
  workload.name = text.name;
  return workload;
}

}  // namespace

std::vector<Workload> builtin_workloads() {
  std::vector<Workload> workloads;
  for (const EmbeddedText& text : workload_texts()) workloads.push_back(parse_builtin(text));
  return workloads;
}

std::vector<Workload> contract_operations() {
  std::vector<Workload> operations;
  for (const EmbeddedText& text : operation_texts()) operations.push_back(parse_builtin(text));
  return operations;
}

sim::Result<Workload> builtin_workload(std::string_view name) {
  for (const auto* texts : {&workload_texts(), &operation_texts()}) {
    for (const EmbeddedText& text : *texts) {
      if (name == text.name) return parse_builtin(text);
    }
  }
  return sim::Error(sim::Errno::kNoEnt, fmt::format("no built-in workload '{}'", name));
}

Baseline shipped_baseline(volume::IoPath path) {
  Baseline all;
  for (const EmbeddedText& text : baseline_texts()) {
    const bool other_path =
        std::string_view(text.name) == volume::print(volume::IoPath::kBufferHead);
    if (other_path && path != volume::IoPath::kBufferHead) continue;
    sim::Result<Baseline> baseline = Baseline::parse(text.text, text.name);
    ZT_ASSERT_MSG(baseline.ok(), text.name);
    for (const auto& [print, entry] : baseline->entries()) all.add(entry);
  }
  return all;
}

}  // namespace zerotail::harness
