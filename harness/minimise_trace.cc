#include "zerotail/harness/minimise_trace.h"

#include <algorithm>
#include <set>

#include "minimise_steps.h"
#include "zerotail/fault/faults.h"
#include "zerotail/harness/differential.h"

namespace zerotail::harness {
namespace {

size_t setup_of(const Trace& trace) {
  return std::min<size_t>(trace.header.setup, trace.ops.size());
}

// Numbers of operations in a plan, when some operations are gone. A rule about operations that are
// all gone goes with them.
std::string renumbered(const std::string& text, const std::vector<bool>& dropped) {
  if (text.empty()) return text;
  auto plan = fault::parse_fault_plan(text);
  if (!plan.ok()) return text;
  const auto kept_before = [&dropped](uint64_t op) {
    const auto end =
        dropped.begin() + static_cast<std::ptrdiff_t>(std::min<uint64_t>(op, dropped.size()));
    const auto kept = static_cast<uint64_t>(std::count(dropped.begin(), end, false));
    return kept + (op > dropped.size() ? op - dropped.size() : 0);
  };
  std::vector<fault::FaultRule> rules;
  for (fault::FaultRule rule : plan->rules) {
    if (rule.ops) {
      const uint64_t first = kept_before(rule.ops->first);
      const uint64_t behind = kept_before(rule.ops->last + 1);
      if (behind == first) continue;
      rule.ops = fault::NumberSpan{first, behind - 1};
    }
    rules.push_back(std::move(rule));
  }
  plan->rules = std::move(rules);
  return plan->rules.empty() ? std::string() : fault::print(*plan);
}

bool is_at_or_below(const std::string& path, const std::string& top) {
  return path == top || (path.size() > top.size() && path.compare(0, top.size(), top) == 0 &&
                         path[top.size()] == '/');
}

}  // namespace

Trace without_operations(const Trace& trace, const std::vector<bool>& dropped) {
  Trace smaller;
  smaller.header = trace.header;
  smaller.header.faults = renumbered(trace.header.faults, dropped);
  const size_t setup = setup_of(trace);
  smaller.header.setup = 0;
  for (size_t i = 0; i < trace.ops.size(); ++i) {
    if (dropped[i]) continue;
    if (i < setup) ++smaller.header.setup;
    smaller.ops.push_back(trace.ops[i]);
  }
  return smaller;
}

// ---- preconditions

const std::optional<ModelGeometry>& Preconditions::geometry(const TraceHeader& header) {
  TraceHeader bare = header;
  bare.faults.clear();
  bare.setup = 0;
  const auto [place, fresh] = geometries_.try_emplace(print_header(bare));
  if (fresh) {
    if (auto made = fresh_geometry(bare); made.ok()) place->second = *made;
  }
  return place->second;
}

namespace {

// Calls `visit(i, failed)` for each operation; it is performed before. The setup ends unmounted.
template <class Skip, class Visit>
void predict(const Trace& trace, const ModelGeometry& geometry, const Skip& skip,
             const Visit& visit) {
  Model model(geometry);
  model.set_keep(trace.header.keep);
  const size_t setup = setup_of(trace);
  for (size_t i = 0; i < trace.ops.size(); ++i) {
    if (i == setup && i > 0) (void)model.apply({.kind = OpKind::kRemount});
    if (skip(i)) continue;
    const Prediction prediction = model.apply(trace.ops[i]);
    visit(i, !prediction.any && prediction.result.ret < 0);
  }
}

}  // namespace

std::optional<std::vector<bool>> Preconditions::failing(const Trace& trace) {
  const std::optional<ModelGeometry>& volume = geometry(trace.header);
  if (!volume) return std::nullopt;
  std::vector<bool> list(trace.ops.size());
  predict(
      trace, *volume, [](size_t) { return false; },
      [&list](size_t i, bool failed) { list[i] = failed; });
  return list;
}

void Preconditions::drop_dependents(const Trace& trace, const std::vector<bool>& failing_before,
                                    std::vector<bool>* dropped) {
  const std::optional<ModelGeometry>& volume = geometry(trace.header);
  if (!volume) return;
  predict(
      trace, *volume, [dropped](size_t i) { return (*dropped)[i]; },
      [&](size_t i, bool failed) {
        if (failed && !failing_before[i]) (*dropped)[i] = true;
      });
}

// ---- questions

TraceShrinker::TraceShrinker(Trace trace, const TraceQuestion& question,
                             const TraceMinimiseOptions& options)
    : question_(question), options_(options), best_(std::move(trace)) {
  best_.header.setup = setup_of(best_);
  if (!options_.image) failing_ = preconditions_.failing(best_);
}

bool TraceShrinker::attempt(Trace candidate) {
  if (candidate == best_) return false;
  const std::string text = print_trace(candidate);
  if (!asked_.insert(sim::bytes_digest(text.data(), text.size())).second) return false;
  std::optional<std::vector<bool>> failing;
  if (failing_) {
    failing = preconditions_.failing(candidate);
    if (!failing) return false;
    if (std::count(failing->begin(), failing->end(), true) >
        std::count(failing_->begin(), failing_->end(), true)) {
      return false;
    }
  }
  if (tries_ >= options_.tries) {
    exhausted_ = true;
    return false;
  }
  ++tries_;
  if (!question_(candidate)) return false;
  ++steps_;
  best_ = std::move(candidate);
  failing_ = std::move(failing);
  return true;
}

bool TraceShrinker::attempt_without(std::vector<bool> dropped) {
  if (failing_) preconditions_.drop_dependents(best_, *failing_, &dropped);
  return attempt(without_operations(best_, dropped));
}

// ---- operations

namespace {

// Everything about one path, one path after the other; the last ones first, because what depends
// on another comes behind it.
bool drop_paths(TraceShrinker& shrinker) {
  bool taken = false;
  std::set<std::string> asked;
  for (bool again = true; again;) {
    again = false;
    const std::vector<Operation>& ops = shrinker.best().ops;
    for (size_t op = ops.size(); op-- > 0 && !again;) {
      const std::string path = ops[op].path;
      if (path.empty() || !asked.insert(path).second) continue;
      std::vector<bool> dropped(ops.size());
      for (size_t i = 0; i < ops.size(); ++i) {
        dropped[i] = is_at_or_below(ops[i].path, path) ||
                     (!ops[i].to.empty() && is_at_or_below(ops[i].to, path));
      }
      again = shrinker.attempt_without(std::move(dropped));
      taken = taken || again;
    }
  }
  return taken;
}

bool drop_chunks(TraceShrinker& shrinker, size_t size) {
  bool taken = false;
  for (size_t end = shrinker.best().ops.size(); end > 0;) {
    const size_t begin = end > size ? end - size : 0;
    std::vector<bool> dropped(shrinker.best().ops.size());
    std::fill(dropped.begin() + static_cast<std::ptrdiff_t>(begin),
              dropped.begin() + static_cast<std::ptrdiff_t>(end), true);
    taken = shrinker.attempt_without(std::move(dropped)) || taken;
    // Dependents stand behind the chunk: what is before it is as it was.
    end = begin;
  }
  return taken;
}

}  // namespace

bool shrink_operations(TraceShrinker& shrinker) {
  bool taken = drop_paths(shrinker);
  for (size_t size = shrinker.best().ops.size() / 2; size > 1; size /= 2) {
    taken = drop_chunks(shrinker, size) || taken;
  }
  while (drop_chunks(shrinker, 1)) taken = true;
  return taken;
}

// The fewer operations are recorded, the fewer crash points there are to look at.
bool shrink_recorded(TraceShrinker& shrinker) {
  bool taken = false;
  for (size_t setup = shrinker.best().ops.size(); setup > shrinker.best().header.setup; --setup) {
    Trace candidate = shrinker.best();
    candidate.header.setup = setup;
    if (shrinker.attempt(std::move(candidate))) taken = true;
  }
  return taken;
}

MinimisedTrace minimise_trace(Trace trace, const TraceQuestion& question,
                              const TraceMinimiseOptions& options) {
  TraceShrinker shrinker(std::move(trace), question, options);
  for (bool again = true; again && !shrinker.exhausted();) {
    again = shrink_operations(shrinker);
    if (options.setup) again = shrink_recorded(shrinker) || again;
    if (!options.image) again = shrink_header(shrinker) || again;
    again = shrink_faults(shrinker) || again;
    again = shrink_names(shrinker) || again;
    again = shrink_arguments(shrinker) || again;
  }
  return shrinker.result();
}

}  // namespace zerotail::harness
