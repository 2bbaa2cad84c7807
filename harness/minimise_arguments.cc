// Arguments, flags, names and the header made smaller: what is smaller is fixed here.
//
// Round numbers come before others, smaller ones before larger ones, negative ones last. Round are
// those where exFAT and a page cache change their mind: at the boundary of a sector, one byte
// before and one behind. Invariant: a candidate differs from the trace in one place, and is smaller
// there.
#include <algorithm>
#include <array>
#include <limits>
#include <set>
#include <type_traits>

#include "minimise_steps.h"
#include "trace_table.h"

namespace zerotail::harness {
namespace {

// At a boundary of sectors, or one beside it. Pages and clusters are whole sectors.
bool is_round(uint64_t number, uint64_t sector) {
  const uint64_t rest = number % sector;
  return number <= 1 || rest <= 1 || rest == sector - 1;
}

// Numbers that are worth a try in place of one, the first the best: round ones from the smallest
// on (larger ones too, when this one is not round), then, when it is not round, smaller ones.
std::vector<uint64_t> smaller_numbers(uint64_t value, const TraceHeader& header) {
  const bool round = is_round(value, header.sector);
  std::set<uint64_t> round_ones{0, 1};
  std::set<uint64_t> others;
  const auto add_around = [&round_ones](uint64_t number) {
    for (const uint64_t near : {number - 1, number, number + 1}) round_ones.insert(near);
  };
  for (const uint64_t block : {header.sector, header.page, header.cluster}) {
    add_around(block);
    if (value < block) continue;
    add_around(value / block * block);
    if (!round) add_around((value / block + 1) * block);
  }
  for (uint64_t step = value - value / 2; step > 0; step /= 2) {
    others.insert(value - step);
    if (value - step >= header.sector) add_around((value - step) / header.sector * header.sector);
  }
  std::vector<uint64_t> all;
  for (const uint64_t number : round_ones) {
    if (number < value || (!round && number != value)) all.push_back(number);
  }
  if (round) return all;
  for (const uint64_t number : others) {
    if (!round_ones.contains(number)) all.push_back(number);
  }
  return all;
}

// One field's smaller values, by its type; `attempt` makes a candidate and tries it.
template <class Attempt>
struct FieldShrinker {
  const TraceHeader& header;
  FieldId id;
  const Attempt& attempt;

  template <class T>
  bool numbers(T value) const {
    for (const uint64_t number : smaller_numbers(static_cast<uint64_t>(value), header)) {
      if (attempt(static_cast<T>(number))) return true;
    }
    return false;
  }

  // Flags: none of them, or one less.
  bool bits(uint32_t value) const {
    if (value != 0 && attempt(uint32_t{0})) return true;
    for (unsigned bit = 0; bit < 32; ++bit) {
      const uint32_t mask = uint32_t{1} << bit;
      if ((value & mask) != 0 && value != mask && attempt(value & ~mask)) return true;
    }
    return false;
  }

  bool operator()(int64_t value) const {
    if (value >= 0) return numbers(value);
    return attempt(int64_t{0}) || (value < -1 && attempt(int64_t{-1}));
  }
  bool operator()(uint64_t value) const {
    if (id != FieldId::kSeed) return numbers(value);
    for (uint64_t seed = 1; seed < std::min<uint64_t>(value, 4); ++seed) {
      if (attempt(seed)) return true;
    }
    return false;
  }
  bool operator()(uint32_t value) const {
    return id == FieldId::kMode ? bits(value) : numbers(value);
  }
  bool operator()(bool value) const { return value && attempt(false); }
  bool operator()(const std::optional<uint64_t>& value) const {
    return value.has_value() && attempt(std::optional<uint64_t>{});
  }
  bool operator()(const std::optional<uint32_t>& value) const {
    return value.has_value() && attempt(std::optional<uint32_t>{});
  }
  // Words: one less.
  bool operator()(const std::optional<std::vector<std::string>>& value) const {
    if (!value) return false;
    if (attempt(std::optional<std::vector<std::string>>{})) return true;
    for (size_t i = 0; i < value->size(); ++i) {
      std::vector<std::string> fewer = *value;
      fewer.erase(fewer.begin() + static_cast<std::ptrdiff_t>(i));
      if (attempt(std::optional<std::vector<std::string>>(std::move(fewer)))) return true;
    }
    return false;
  }
  // A label; paths and the names of fields and states are no numbers to try.
  bool operator()(const std::string& value) const {
    return id == FieldId::kText && !value.empty() && attempt(std::string{});
  }
};

bool shrink_field(TraceShrinker& shrinker, size_t index, FieldId id) {
  const Operation op = shrinker.best().ops[index];
  const TraceHeader header = shrinker.best().header;
  return visit_field(op, id, [&](const auto& value) {
    using Value = std::decay_t<decltype(value)>;
    const auto attempt = [&](auto smaller) {
      Trace candidate = shrinker.best();
      if constexpr (std::is_same_v<std::decay_t<decltype(smaller)>, Value>) {
        visit_field(candidate.ops[index], id, [&smaller](auto& member) {
          if constexpr (std::is_same_v<std::decay_t<decltype(member)>, Value>) member = smaller;
        });
      }
      return shrinker.attempt(std::move(candidate));
    };
    return FieldShrinker<decltype(attempt)>{header, id, attempt}(value);
  });
}

// Seeds of data: small ones, all different.
bool renumber_seeds(TraceShrinker& shrinker) {
  Trace candidate = shrinker.best();
  uint64_t next = 0;
  bool smaller = true;
  for (Operation& op : candidate.ops) {
    for (const FieldId id : op_spec(op.kind).required) {
      if (id != FieldId::kSeed) continue;
      ++next;
      smaller = smaller && next <= op.seed;
      op.seed = next;
    }
  }
  return smaller && shrinker.attempt(std::move(candidate));
}

std::vector<std::string> components(const std::string& path) {
  std::vector<std::string> names;
  for (size_t begin = 0; begin <= path.size();) {
    const size_t end = std::min(path.find('/', begin), path.size());
    if (end > begin) names.push_back(path.substr(begin, end - begin));
    begin = end + 1;
  }
  return names;
}

std::string renamed(const std::string& path, const std::string& from, const std::string& to) {
  std::string text;
  for (size_t begin = 0; begin <= path.size();) {
    const size_t end = std::min(path.find('/', begin), path.size());
    const std::string name = path.substr(begin, end - begin);
    text += name == from ? to : name;
    if (end < path.size()) text += '/';
    begin = end + 1;
  }
  return text;
}

std::string free_letter(const std::set<std::string>& used) {
  for (char c = 'a'; c <= 'z'; ++c) {
    const std::string name(1, c);
    const std::string upper(1, static_cast<char>(c - 'a' + 'A'));
    if (!used.contains(name) && !used.contains(upper)) return name;
  }
  return {};
}

}  // namespace

bool shrink_names(TraceShrinker& shrinker) {
  std::set<std::string> kept;
  for (const std::string& name : components(shrinker.options().keep_path)) kept.insert(name);
  std::set<std::string> used = kept;
  std::vector<std::string> order;
  for (const Operation& op : shrinker.best().ops) {
    for (const std::string* path : {&op.path, &op.to}) {
      for (const std::string& name : components(*path)) {
        if (used.insert(name).second) order.push_back(name);
      }
    }
  }
  bool taken = false;
  for (const std::string& name : order) {
    if (name.size() <= 1) continue;
    const std::string letter = free_letter(used);
    if (letter.empty()) break;
    Trace candidate = shrinker.best();
    for (Operation& op : candidate.ops) {
      op.path = renamed(op.path, name, letter);
      op.to = renamed(op.to, name, letter);
    }
    if (!shrinker.attempt(std::move(candidate))) continue;
    used.insert(letter);
    taken = true;
  }
  return taken;
}

bool shrink_arguments(TraceShrinker& shrinker) {
  bool taken = renumber_seeds(shrinker);
  for (size_t index = shrinker.best().ops.size(); index-- > 0;) {
    const OpSpec& spec = op_spec(shrinker.best().ops[index].kind);
    for (const auto fields : {spec.required, spec.optional}) {
      for (const FieldId id : fields) {
        while (shrink_field(shrinker, index, id)) taken = true;
      }
    }
  }
  return taken;
}

namespace {

// One member of the header back to its default.
template <class Member>
bool reset(TraceShrinker& shrinker, Member TraceHeader::*member) {
  Trace candidate = shrinker.best();
  candidate.header.*member = TraceHeader{}.*member;
  return shrinker.attempt(std::move(candidate));
}

}  // namespace

bool shrink_header(TraceShrinker& shrinker) {
  bool taken = reset(shrinker, &TraceHeader::about);
  taken = reset(shrinker, &TraceHeader::mkfs) || taken;
  for (size_t i = shrinker.best().header.mount.size(); i-- > 0;) {
    Trace candidate = shrinker.best();
    candidate.header.mount.erase(candidate.header.mount.begin() + static_cast<std::ptrdiff_t>(i));
    taken = shrinker.attempt(std::move(candidate)) || taken;
  }
  taken = reset(shrinker, &TraceHeader::logical) || taken;
  taken = reset(shrinker, &TraceHeader::sector) || taken;
  taken = reset(shrinker, &TraceHeader::cluster) || taken;
  for (const auto member : {&TraceHeader::page, &TraceHeader::seed, &TraceHeader::start_time,
                            &TraceHeader::dirty_expire_ms, &TraceHeader::dirty_writeback_ms,
                            &TraceHeader::dirty_background_bytes, &TraceHeader::dirty_bytes}) {
    taken = reset(shrinker, member) || taken;
  }
  taken = reset(shrinker, &TraceHeader::folios) || taken;
  taken = reset(shrinker, &TraceHeader::keep) || taken;
  // Sizes are tried from the smallest on; mkfs refuses what is too small for it.
  const uint64_t size = shrinker.best().header.size_mib;
  for (uint64_t mib = 1; mib < size && mib <= 16; ++mib) {
    Trace candidate = shrinker.best();
    candidate.header.size_mib = mib;
    if (!shrinker.attempt(std::move(candidate))) continue;
    taken = true;
    break;
  }
  return taken;
}

}  // namespace zerotail::harness
