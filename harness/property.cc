#include "zerotail/harness/property.h"

#include <fmt/format.h>

#include <string_view>

#include "zerotail/harness/differential.h"
#include "zerotail/harness/explore.h"
#include "zerotail/harness/minimise_trace.h"
#include "zerotail/sim/digest.h"

namespace zerotail::harness {

namespace {

std::string hash(const std::string& text) {
  return fmt::format("{:016x}", sim::bytes_digest(text.data(), text.size(), 0).low);
}

// "ret: want 0, got -28; map: want d10, got z10" -> "ret 0 -28; map": the fields that differ, and
// of the return values those that are errors.
std::string shape_of(std::string_view difference) {
  std::string shape;
  while (!difference.empty()) {
    const size_t end = difference.find("; ");
    std::string_view part = difference.substr(0, end);
    difference = end == std::string_view::npos ? std::string_view{} : difference.substr(end + 2);
    const size_t colon = part.find(": ");
    shape += part.substr(0, colon);
    if (part.substr(0, colon) == "ret") {
      for (const char* word : {"want -", "got -"}) {
        const size_t at = part.find(word);
        if (at != std::string_view::npos) shape += part.substr(at, part.find(',', at) - at);
      }
    }
    shape += ';';
  }
  return shape;
}

std::string text_of(const Trace& trace, const Disagreement& found) {
  if (found.op >= trace.ops.size()) return found.text;
  return fmt::format("operation {} {}: {}", found.op, print_operation(trace.ops[found.op]),
                     found.text);
}

PropertyFailure failure_of(const Trace& trace, const Disagreement& found) {
  PropertyFailure failure;
  failure.seed = trace.header.seed;
  failure.trace = trace;
  const bool at_end = found.op >= trace.ops.size();
  const bool check = at_end && found.text.starts_with("check: ");
  failure.property = check ? "check" : "answer";
  // Of a problem its class; of an answer the operation and what differs.
  const std::string shape =
      at_end ? found.text.substr(0, found.text.find(' ', found.text.find(": ") + 2))
             : fmt::format("{} {}", op_name(trace.ops[found.op].kind), shape_of(found.text));
  failure.fingerprint = hash(fmt::format("{} {}", failure.property, shape));
  failure.text = text_of(trace, found);
  return failure;
}

std::optional<PropertyFailure> explore_trace(const Trace& trace, uint64_t budget,
                                             uint64_t* states) {
  Trace ordered = trace;
  ordered.header.ordering = "careful";
  // What stands on the disk when is what an ordering changes.
  std::erase_if(ordered.ops, [](const Operation& op) {
    return op.kind == OpKind::kDirent || op.kind == OpKind::kRawRead;
  });
  if (const auto found = find_disagreement(ordered)) return failure_of(ordered, *found);
  ExploreOptions options;
  options.budget = budget;
  const auto io_path = volume::parse_io_path(trace.header.io_path);
  const auto ordering = volume::parse_ordering(ordered.header.ordering);
  ZT_ASSERT(io_path.ok() && ordering.ok());
  options.record.io_path = *io_path;
  options.record.ordering = *ordering;
  for (size_t i = 0; i < kContractCount; ++i) {
    options.contracts[i] = contract_info(static_cast<Contract>(i)).expected;
  }
  FindingSet findings;
  const auto report = explore(workload_from_trace(ordered), options, &findings);
  PropertyFailure failure;
  failure.seed = trace.header.seed;
  failure.property = "crash";
  failure.trace = ordered;
  if (!report.ok()) {
    failure.text = report.error().message();
    failure.fingerprint = hash("crash cannot be explored");
    return failure;
  }
  *states += report->states.checked;
  if (findings.findings().empty()) return std::nullopt;
  const Finding& finding = findings.findings().front();
  failure.text = fmt::format("{} {}: '{}': {} (state {})",
                             contract_info(finding.violation.contract).name, finding.violation.kind,
                             finding.violation.path, finding.violation.detail, finding.state);
  failure.fingerprint = finding.group;
  return failure;
}

std::optional<PropertyFailure> judge(const Trace& trace, const PropertyOptions& options,
                                     bool crashes, uint64_t* states) {
  if (const auto found = find_disagreement(trace)) return failure_of(trace, *found);
  if (!crashes) return std::nullopt;
  return explore_trace(trace, options.crash_budget, states);
}

}  // namespace

std::optional<PropertyFailure> judge_trace(const Trace& trace, const PropertyOptions& options,
                                           bool crashes) {
  uint64_t states = 0;
  return judge(trace, options, crashes, &states);
}

sim::Result<Trace> draw_trace(uint64_t seed, const PropertyOptions& options) {
  const RandomTraceOptions drawn = swarm(seed, options.operations, options.io_path);
  ZT_ASSIGN(const ModelGeometry fresh, fresh_geometry(drawn.header));
  return random_trace(drawn, fresh, sim::Prng(seed).fork("operations"));
}

PropertyRun run_property(uint64_t seed, const PropertyOptions& options) {
  PropertyRun run;
  const sim::Result<Trace> trace = draw_trace(seed, options);
  if (!trace.ok()) {
    run.failure.emplace();
    run.failure->seed = seed;
    run.failure->property = "answer";
    run.failure->fingerprint = hash("mkfs");
    run.failure->text = trace.error().message();
    return run;
  }
  run.operations = trace->ops.size();
  const bool crashes = options.crash_every != 0 && seed % options.crash_every == 0;
  run.failure = judge(*trace, options, crashes, &run.states);
  return run;
}

PropertyFailure minimise_failure(PropertyFailure failure, const PropertyOptions& options,
                                 const std::function<bool()>& stop) {
  const bool crashes = failure.trace.header.ordering != TraceHeader{}.ordering;
  const std::string fingerprint = failure.fingerprint;
  const TraceQuestion question = [&](const Trace& trace) {
    if (stop && stop()) return false;
    const auto found = judge_trace(trace, options, crashes);
    return found && found->fingerprint == fingerprint;
  };
  if (!question(failure.trace)) return failure;
  const MinimisedTrace small = minimise_trace(failure.trace, question, {.tries = 2000});
  PropertyFailure result = *judge_trace(small.trace, options, crashes);
  result.seed = failure.seed;
  return result;
}

}  // namespace zerotail::harness
