#include "zerotail/fault/fault_plan.h"

#include <array>
#include <charconv>

#include "zerotail/fault/faults.h"
#include "zerotail/sim/assert.h"

namespace zerotail::fault {

namespace {

using sim::Errno;
using sim::Error;
using sim::Status;

struct EventName {
  EventSet event;
  std::string_view name;
};
constexpr std::array kEventNames{
    EventName{kOnRead, "read"},       EventName{kOnWrite, "write"}, EventName{kOnFlush, "flush"},
    EventName{kOnDiscard, "discard"}, EventName{kOnFua, "fua"},
};

std::string print_events(EventSet events) {
  std::string text;
  for (const EventName& known : kEventNames) {
    if ((events & known.event) == 0) continue;
    if (!text.empty()) text += ",";
    text += known.name;
  }
  return text;
}

std::string span_text(uint64_t first, uint64_t last) {
  return std::to_string(first) + (last > first ? "-" + std::to_string(last) : std::string());
}

std::string print_phases(const std::vector<FaultPhase>& phases) {
  using Phases = std::vector<FaultPhase>;
  if (phases == Phases{{true, 1}, {false, 0}}) return " once";
  if (phases.size() == 3 && !phases[0].failing && phases[0].requests > 0 &&
      phases[1] == FaultPhase{true, 1} && phases[2] == FaultPhase{false, 0}) {
    return " nth=" + std::to_string(phases[0].requests + 1);
  }
  std::string text;
  for (const FaultPhase& phase : phases) {
    text += text.empty() ? " phases=" : ",";
    text += phase.failing ? "fail" : "ok";
    if (phase.requests > 0) text += "*" + std::to_string(phase.requests);
  }
  return text;
}

std::string print_amount(AmountUnit unit, uint64_t amount) {
  constexpr uint64_t kMilli = sim::millis(1).value();
  constexpr uint64_t kMicro = sim::micros(1).value();
  if (unit != AmountUnit::kTime) return std::to_string(amount);
  const bool whole = amount % kMilli == 0;
  return std::to_string(amount / (whole ? kMilli : kMicro)) + (whole ? "ms" : "us");
}

bool read_number(std::string_view text, uint64_t* out) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), *out);
  return error == std::errc() && end == text.data() + text.size();
}

bool read_span(std::string_view text, uint64_t* first, uint64_t* last) {
  const size_t dash = text.find('-');
  if (!read_number(text.substr(0, dash), first)) return false;
  *last = *first;
  if (dash != std::string_view::npos && !read_number(text.substr(dash + 1), last)) return false;
  return *first <= *last;
}

// The next word before `separator`, taken off the text.
std::string_view take(std::string_view* text, char separator) {
  const size_t end = text->find(separator);
  const std::string_view word = text->substr(0, end);
  text->remove_prefix(end == std::string_view::npos ? text->size() : end + 1);
  return word;
}

std::string_view trim(std::string_view text) {
  constexpr std::string_view kBlank = " \t\r";
  const size_t begin = text.find_first_not_of(kBlank);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kBlank) - begin + 1);
}

class RuleParser {
 public:
  explicit RuleParser(std::string_view text) : text_(text) {}

  sim::Result<FaultRule> parse() {
    std::string_view left = text_;
    const std::string_view name = take(&left, ' ');
    rule_.kind = fault_kind(name);
    if (rule_.kind == nullptr) {
      std::string known;
      for (const FaultKind* kind : fault_kinds()) known += " " + std::string(kind->name);
      return wrong("there is no fault '" + std::string(name) + "'; the faults are" + known);
    }
    for (left = trim(left); !left.empty(); left = trim(left)) {
      const std::string_view clause = take(&left, ' ');
      std::string_view value = clause;
      const std::string_view key = take(&value, '=');
      if (seen_.find(" " + std::string(key) + " ") != std::string::npos) {
        return wrong("'" + std::string(key) + "' comes twice");
      }
      seen_ += " " + std::string(key) + " ";
      ZT_TRY(parse_clause(clause, key, value));
    }
    return std::move(rule_);
  }

 private:
  Status parse_clause(std::string_view clause, std::string_view key, std::string_view value) {
    bool good = true;
    if (key == "on") return parse_events(value);
    if (key == "phases" || clause == "once" || clause == "always" || key == "nth") {
      if (phased_) return wrong("only one of once, nth, always and phases can be said");
      phased_ = true;
      if (key == "phases") return parse_phases(value);
      uint64_t nth = 1;
      if (key == "nth") good = read_number(value, &nth) && nth > 0;
      if (clause != "always") {
        if (nth > 1) rule_.phases.push_back({false, nth - 1});
        rule_.phases.push_back({true, 1});
        rule_.phases.push_back({false, 0});
      }
    } else if (key == "at") {
      uint64_t first = 0;
      uint64_t last = 0;
      good = read_span(value, &first, &last);
      rule_.sectors = SectorSpan{sim::Sector{first}, sim::Sector{last}};
    } else if (key == "op") {
      NumberSpan span;
      good = read_span(value, &span.first, &span.last);
      rule_.ops = span;
    } else if (key == "in") {
      good = !value.empty();
      rule_.region = std::string(value);
    } else if (key == "p") {
      const std::string_view of = take(&value, '/');
      good = read_number(of, &rule_.chance_of) && read_number(value, &rule_.chance_in) &&
             rule_.chance_in > 0 && rule_.chance_of <= rule_.chance_in;
    } else if (key == "by") {
      return parse_amount(value);
    } else {
      return wrong("'" + std::string(clause) + "' is not understood");
    }
    return good ? Status() : wrong("'" + std::string(clause) + "' has no such value");
  }

  Status parse_events(std::string_view value) {
    while (!value.empty()) {
      const std::string_view word = take(&value, ',');
      EventSet event = 0;
      for (const EventName& known : kEventNames) {
        if (known.name == word) event = known.event;
      }
      if (event == 0) return wrong("'" + std::string(word) + "' is no event");
      if ((rule_.kind->allowed & event) == 0) {
        return wrong(std::string(rule_.kind->name) + " does not happen to a " + std::string(word));
      }
      rule_.events = static_cast<EventSet>(rule_.events | event);
    }
    if (rule_.events == 0) return wrong("'on=' names no event");
    return {};
  }

  Status parse_phases(std::string_view value) {
    while (!value.empty()) {
      std::string_view word = take(&value, ',');
      const std::string all(word);
      const std::string_view state = take(&word, '*');
      FaultPhase phase{.failing = state == "fail"};
      const bool counted = all.find('*') != std::string::npos;
      if ((state != "fail" && state != "ok") ||
          (counted && (!read_number(word, &phase.requests) || phase.requests == 0))) {
        return wrong("phase '" + all + "' is not ok or fail, or has no number behind *");
      }
      if (!counted && !value.empty()) return wrong("phase '" + all + "' lasts for ever");
      rule_.phases.push_back(phase);
    }
    if (rule_.phases.empty()) return wrong("'phases=' names no phase");
    return {};
  }

  Status parse_amount(std::string_view value) {
    const AmountUnit unit = rule_.kind->unit;
    if (unit == AmountUnit::kNone) {
      return wrong(std::string(rule_.kind->name) + " takes no 'by='");
    }
    uint64_t factor = 1;
    if (unit == AmountUnit::kTime) {
      const bool milli = value.size() > 2 && value.substr(value.size() - 2) == "ms";
      const bool micro = value.size() > 2 && value.substr(value.size() - 2) == "us";
      if (!milli && !micro) return wrong("'by=' takes a time in ms or us");
      value.remove_suffix(2);
      factor = milli ? sim::millis(1).value() : sim::micros(1).value();
    }
    constexpr uint64_t kMost = uint64_t{1} << 40;
    uint64_t number = 0;
    if (!read_number(value, &number) || number == 0 || number > kMost) {
      return wrong("'by=' takes a number from 1");
    }
    rule_.amount = number * factor;
    return {};
  }

  [[nodiscard]] Error wrong(const std::string& what) const {
    return Error(Errno::kInval, "fault rule '" + std::string(text_) + "': " + what);
  }

  std::string_view text_;
  std::string seen_;
  bool phased_ = false;
  FaultRule rule_;
};

}  // namespace

EventSet events_of(const sim::Bio& bio) {
  switch (bio.op) {
    case sim::BioOp::kRead:
      return kOnRead;
    case sim::BioOp::kWrite:
      return static_cast<EventSet>(kOnWrite | (bio.preflush ? kOnFlush : 0) |
                                   (bio.fua ? kOnFua : 0));
    case sim::BioOp::kFlush:
      return kOnFlush;
    case sim::BioOp::kDiscard:
      return kOnDiscard;
  }
  return 0;
}

std::string print(const FaultRule& rule) {
  std::string text(rule.kind->name);
  if (rule.events != 0) text += " on=" + print_events(rule.events);
  if (rule.sectors) {
    text += " at=" + span_text(rule.sectors->first.value(), rule.sectors->last.value());
  }
  if (!rule.region.empty()) text += " in=" + rule.region;
  if (rule.ops) text += " op=" + span_text(rule.ops->first, rule.ops->last);
  if (rule.chance_of != 1 || rule.chance_in != 1) {
    text += " p=" + std::to_string(rule.chance_of) + "/" + std::to_string(rule.chance_in);
  }
  text += print_phases(rule.phases);
  if (rule.amount) text += " by=" + print_amount(rule.kind->unit, *rule.amount);
  return text;
}

std::string print(const FaultPlan& plan) {
  std::string text;
  if (plan.seed != 1) text = "seed=" + std::to_string(plan.seed);
  for (const FaultRule& rule : plan.rules) {
    if (!text.empty()) text += "; ";
    text += print(rule);
  }
  return text;
}

sim::Result<FaultPlan> parse_fault_plan(std::string_view text) {
  FaultPlan plan;
  bool first = true;
  while (!text.empty()) {
    std::string_view line = take(&text, '\n');
    line = line.substr(0, line.find('#'));
    while (!line.empty()) {
      const std::string_view rule = trim(take(&line, ';'));
      if (rule.empty()) continue;
      if (rule.substr(0, 5) == "seed=") {
        if (!first || !read_number(rule.substr(5), &plan.seed)) {
          return Error(Errno::kInval, "fault plan: '" + std::string(rule) +
                                          "': a seed is a number and comes first");
        }
      } else {
        ZT_ASSIGN(FaultRule parsed, RuleParser(rule).parse());
        plan.rules.push_back(std::move(parsed));
      }
      first = false;
    }
  }
  if (plan.rules.empty()) return Error(Errno::kInval, "fault plan: it has no rule");
  return plan;
}

}  // namespace zerotail::fault
