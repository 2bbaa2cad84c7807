// The fault plan made smaller: rules left out, then narrowed to fewer requests. A rule is narrower
// when it strikes at certain instead of by chance, once instead of always, one kind of request, one
// operation, fewer sectors.
#include <algorithm>
#include <bit>

#include "minimise_steps.h"
#include "zerotail/fault/faults.h"

namespace zerotail::harness {
namespace {

using fault::FaultPlan;
using fault::FaultRule;

bool attempt(TraceShrinker& shrinker, const FaultPlan& plan) {
  Trace candidate = shrinker.best();
  candidate.header.faults = plan.rules.empty() ? std::string() : fault::print(plan);
  return shrinker.attempt(std::move(candidate));
}

// What can only be done once for a rule; each makes it narrower or plainer.
std::vector<FaultRule> plainer(const FaultRule& rule) {
  std::vector<FaultRule> all;
  if (rule.chance_of != rule.chance_in) {
    FaultRule certain = rule;
    certain.chance_of = certain.chance_in = 1;
    all.push_back(std::move(certain));
  }
  const std::vector<fault::FaultPhase> once{{.failing = true, .requests = 1}, {}};
  if (rule.phases.empty()) {
    FaultRule first = rule;
    first.phases = once;
    all.push_back(std::move(first));
  } else if (rule.phases != once) {
    // Only the first run of failures, and of it one.
    FaultRule first = rule;
    first.phases.clear();
    for (const fault::FaultPhase& phase : rule.phases) {
      first.phases.push_back(phase);
      if (!phase.failing) continue;
      first.phases.back().requests = 1;
      first.phases.push_back({});
      break;
    }
    all.push_back(std::move(first));
  }
  if (rule.amount) {
    FaultRule usual = rule;
    usual.amount.reset();
    all.push_back(std::move(usual));
  }
  return all;
}

std::vector<FaultRule> narrower(const FaultRule& rule, size_t op_count) {
  std::vector<FaultRule> all = plainer(rule);
  const fault::EventSet events = rule.events == 0 ? rule.kind->events : rule.events;
  for (unsigned bit = 0; bit < 8 && std::popcount(events) > 1; ++bit) {
    const auto one = static_cast<fault::EventSet>(events & (1U << bit));
    if (one == 0) continue;
    FaultRule fewer = rule;
    fewer.events = one;
    all.push_back(std::move(fewer));
  }
  const fault::NumberSpan ops =
      rule.ops.value_or(fault::NumberSpan{0, op_count == 0 ? 0 : op_count - 1});
  for (uint64_t op = ops.first; op <= ops.last && (!rule.ops || ops.first < ops.last); ++op) {
    FaultRule one = rule;
    one.ops = fault::NumberSpan{op, op};
    all.push_back(std::move(one));
  }
  if (rule.sectors && rule.sectors->first < rule.sectors->last) {
    const uint64_t half = (rule.sectors->last - rule.sectors->first).value() / 2;
    const sim::Sector middle = rule.sectors->first + sim::SectorCount{half};
    FaultRule left = rule;
    left.sectors->last = middle;
    FaultRule right = rule;
    right.sectors->first = middle + sim::SectorCount{1};
    all.push_back(std::move(left));
    all.push_back(std::move(right));
  }
  return all;
}

bool drop_rules(TraceShrinker& shrinker, FaultPlan* plan) {
  bool taken = attempt(shrinker, FaultPlan{});
  if (taken) plan->rules.clear();
  for (size_t i = plan->rules.size(); i-- > 0;) {
    FaultPlan fewer = *plan;
    fewer.rules.erase(fewer.rules.begin() + static_cast<std::ptrdiff_t>(i));
    if (!attempt(shrinker, fewer)) continue;
    *plan = std::move(fewer);
    taken = true;
  }
  return taken;
}

bool narrow_rule(TraceShrinker& shrinker, FaultPlan* plan, size_t index) {
  for (FaultRule& rule : narrower(plan->rules[index], shrinker.best().ops.size())) {
    FaultPlan smaller = *plan;
    smaller.rules[index] = std::move(rule);
    if (!attempt(shrinker, smaller)) continue;
    *plan = std::move(smaller);
    return true;
  }
  return false;
}

}  // namespace

bool shrink_faults(TraceShrinker& shrinker) {
  if (shrinker.best().header.faults.empty()) return false;
  auto plan = fault::parse_fault_plan(shrinker.best().header.faults);
  if (!plan.ok()) return false;
  bool taken = drop_rules(shrinker, &*plan);
  for (size_t i = 0; i < plan->rules.size(); ++i) {
    while (narrow_rule(shrinker, &*plan, i)) taken = true;
  }
  if (!plan->rules.empty() && plan->seed != 1) {
    FaultPlan smaller = *plan;
    smaller.seed = 1;
    taken = attempt(shrinker, smaller) || taken;
  }
  return taken;
}

}  // namespace zerotail::harness
