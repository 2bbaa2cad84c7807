#include "zerotail/harness/enumerate.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <unordered_map>

#include "enumerate_state.h"
#include "zerotail/harness/differential.h"
#include "zerotail/harness/workloads.h"
#include "zerotail/sim/assert.h"
#include "zerotail/sim/prng.h"

namespace zerotail::harness {
namespace {

using sim::Errno;
using sim::Error;
using sim::Result;

constexpr std::string_view kPrefix = "enum";
constexpr uint64_t kLeastSector = 512;
constexpr uint64_t kMostSector = 4096;
constexpr uint64_t kMostCluster = uint64_t{1} << 18;  // the setup's files stay small

bool is_power_of_two(uint64_t value) { return value != 0 && (value & (value - 1)) == 0; }

sim::Status check(const EnumerateOptions& options) {
  const auto wrong = [](std::string what) { return Error(Errno::kInval, std::move(what)); };
  if (options.length < 1 || options.length > kMaxEnumeratedLength) {
    return wrong(
        fmt::format("length {} is not between 1 and {}", options.length, kMaxEnumeratedLength));
  }
  if (!is_power_of_two(options.sector) || options.sector < kLeastSector ||
      options.sector > kMostSector) {
    return wrong(fmt::format("sector {} is not a power of two between {} and {}", options.sector,
                             kLeastSector, kMostSector));
  }
  if (!is_power_of_two(options.cluster) || options.cluster < options.sector ||
      options.cluster > kMostCluster) {
    return wrong(fmt::format("cluster {} is not a power of two between {} and {}", options.cluster,
                             options.sector, kMostCluster));
  }
  return {};
}

// "enum2", with the geometry where it is not the default.
std::string prefix_of(const EnumerateOptions& options) {
  const EnumerateOptions normal;
  std::string text = fmt::format("{}{}", kPrefix, options.length);
  if (options.sector != normal.sector) text += fmt::format(".s{}", options.sector);
  if (options.cluster != normal.cluster) text += fmt::format(".c{}", options.cluster);
  return text;
}

bool parse_number(std::string_view text, uint64_t* out) {
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), *out);
  return parsed.ec == std::errc() && parsed.ptr == text.data() + text.size();
}

Result<EnumerateOptions> parse_prefix(std::string_view text) {
  const auto wrong = [&](std::string_view word) {
    return Error(Errno::kInval,
                 fmt::format("'{}' of '{}' is not like enum1 or enum2.s4096.c32768", word, text));
  };
  EnumerateOptions options;
  bool first = true;
  for (std::string_view rest = text; !rest.empty() || first; first = false) {
    const size_t dot = rest.find('.');
    const std::string_view word = rest.substr(0, dot);
    rest.remove_prefix(dot == std::string_view::npos ? rest.size() : dot + 1);
    uint64_t number = 0;
    const size_t letters = first ? kPrefix.size() : 1;
    if (word.size() <= letters || !parse_number(word.substr(letters), &number)) return wrong(word);
    if (first && word.substr(0, letters) == kPrefix) {
      options.length = static_cast<unsigned>(std::min<uint64_t>(number, 100));
    } else if (!first && word[0] == 's') {
      options.sector = number;
    } else if (!first && word[0] == 'c') {
      options.cluster = number;
    } else {
      return wrong(word);
    }
  }
  ZT_TRY(check(options));
  return options;
}

Result<ModelGeometry> geometry_of(const EnumerateOptions& options) {
  TraceHeader header;
  header.sector = options.sector;
  header.cluster = options.cluster;
  return fresh_geometry(header);
}

// Then the same may follow both: only a remount changes what is open.
bool same_but_for_sync(const Step& a, const Step& b) {
  const auto remounts = [](const Step& step) { return step.ops.back().kind == OpKind::kRemount; };
  return a.ops.front() == b.ops.front() && a.needs == b.needs && !remounts(a) && !remounts(b);
}

Workload make_workload(const Beginning& end, size_t steps, const std::string& name) {
  Workload workload;
  workload.name = name;
  workload.trace = end.trace(name);
  workload.setup = workload.trace.header.setup;
  // One step tells what was done last; of more, the baseline would have to list every pair.
  workload.family = fmt::format("{}{}", kPrefix, steps);
  workload.family_tells_touch = steps == 1;
  return workload;
}

}  // namespace

const char* describe(DropRule rule) {
  switch (rule) {
    case DropRule::kSymmetricNames:
      return "the same with two names exchanged";
    case DropRule::kSameArguments:
      return "the same offsets and lengths as another";
    case DropRule::kSamePersistence:
      return "a persistence operation that does the same as another there, or nothing";
    case DropRule::kNoEffect:
      return "refused, or changes nothing";
  }
  return "";
}

// The tree of beginnings. Beginnings with the same signature have the same number of continuations,
// so counting visits each signature once.
struct Enumeration::Impl {
  struct Children {
    Beginning at;
    std::vector<Step> steps;
    std::vector<uint64_t> before;  // sequences below the steps before each; one more: all
  };
  struct Below {
    uint64_t sequences = 0;
    std::array<uint64_t, kDropRuleCount> dropped{};
  };

  Impl(const EnumerateOptions& options_in, const ModelGeometry& geometry_in)
      : options(options_in), geometry(geometry_in), path(options_in.length) {
    const Below all = count(Beginning(options, geometry), options.length);
    counts.sequences = all.sequences;
    counts.dropped = all.dropped;
  }

  Below count(const Beginning& at, unsigned left) {
    if (left == 0) return {1, {}};
    const std::string key = fmt::format("{} {}", left, at.signature());
    const auto place = known.find(key);
    if (place != known.end()) return place->second;
    Below sum;
    if (left == 1) {
      sum.sequences = count_steps_after(at, true, &sum.dropped);
    } else {
      const std::vector<Step> steps = steps_after(at, false, &sum.dropped);
      Below below;
      const Step* before = nullptr;
      for (const Step& step : steps) {
        if (before == nullptr || !same_but_for_sync(*before, step)) {
          below = count(at.with(step), left - 1);
        }
        before = &step;
        sum.sequences += below.sequences;
        for (size_t i = 0; i < kDropRuleCount; ++i) sum.dropped[i] += below.dropped[i];
      }
    }
    known.emplace(key, sum);
    return sum;
  }

  // Makes path[depth] the steps after `at`.
  void fill(unsigned depth, Beginning at) {
    std::array<uint64_t, kDropRuleCount> ignored{};
    const unsigned left = options.length - depth;
    Children children{std::move(at), {}, {}};
    children.steps = steps_after(children.at, left == 1, &ignored);
    uint64_t sum = 0;
    uint64_t below = 1;
    const Step* before = nullptr;
    for (const Step& step : children.steps) {
      children.before.push_back(sum);
      if (left > 1 && (before == nullptr || !same_but_for_sync(*before, step))) {
        below = count(children.at.with(step), left - 1).sequences;
      }
      sum += below;
      before = &step;
    }
    children.before.push_back(sum);
    path[depth] = std::make_unique<Children>(std::move(children));
  }

  // Leads path and chosen to the sequence.
  void go_to(uint64_t number) {
    ZT_ASSERT(number < counts.sequences);
    if (path[0] == nullptr) fill(0, Beginning(options, geometry));
    bool same = !chosen.empty();
    chosen.resize(options.length);
    for (unsigned depth = 0; depth < options.length; ++depth) {
      const std::vector<uint64_t>& before = path[depth]->before;
      const auto after = std::upper_bound(before.begin(), before.end(), number);
      const size_t step = static_cast<size_t>(after - before.begin()) - 1;
      same = same && chosen[depth] == step;
      chosen[depth] = step;
      number -= before[step];
      if (!same && depth + 1 < options.length) {
        fill(depth + 1, path[depth]->at.with(path[depth]->steps[step]));
      }
    }
  }

  std::string name() const {
    std::string text = prefix_of(options);
    for (unsigned depth = 0; depth < options.length; ++depth) {
      text += (depth == 0 ? "-" : "_") + path[depth]->steps[chosen[depth]].text;
    }
    return text;
  }

  EnumerateOptions options;
  ModelGeometry geometry;
  EnumerationCounts counts;
  std::unordered_map<std::string, Below> known;
  std::vector<std::unique_ptr<Children>> path;  // of the sequence that was asked for last
  std::vector<size_t> chosen;
};

Enumeration::Enumeration(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Enumeration::~Enumeration() = default;

Result<std::unique_ptr<Enumeration>> Enumeration::create(const EnumerateOptions& options) {
  ZT_TRY(check(options));
  ZT_ASSIGN(const ModelGeometry geometry, geometry_of(options));
  return std::unique_ptr<Enumeration>(new Enumeration(std::make_unique<Impl>(options, geometry)));
}

const EnumerationCounts& Enumeration::counts() const { return impl_->counts; }

std::string Enumeration::name(uint64_t number) const {
  impl_->go_to(number);
  return impl_->name();
}

Workload Enumeration::workload(uint64_t number) const {
  impl_->go_to(number);
  const Impl::Children& last = *impl_->path.back();
  return make_workload(last.at.with(last.steps[impl_->chosen.back()]), impl_->options.length,
                       impl_->name());
}

std::vector<uint64_t> Enumeration::sample(uint64_t count, uint64_t seed) const {
  const uint64_t all = impl_->counts.sequences;
  std::set<uint64_t> drawn;
  sim::Prng prng = sim::Prng(seed).fork("enumeration");
  // Each number of the last `count` stands for itself, or for one below that is still free.
  for (uint64_t limit = all - std::min(count, all); limit < all; ++limit) {
    const uint64_t number = prng.below(limit + 1);
    if (!drawn.insert(number).second) drawn.insert(limit);
  }
  return {drawn.begin(), drawn.end()};
}

bool is_enumerated(std::string_view name) {
  return name.size() > kPrefix.size() && name.substr(0, kPrefix.size()) == kPrefix &&
         name[kPrefix.size()] >= '0' && name[kPrefix.size()] <= '9';
}

Result<Workload> enumerated_workload(std::string_view name) {
  const size_t dash = name.find('-');
  ZT_ASSIGN(const EnumerateOptions options, parse_prefix(name.substr(0, dash)));
  ZT_ASSIGN(const ModelGeometry geometry, geometry_of(options));
  Beginning at(options, geometry);
  std::string_view rest = dash == std::string_view::npos ? "" : name.substr(dash + 1);
  std::array<uint64_t, kDropRuleCount> ignored{};
  for (unsigned depth = 0; depth < options.length; ++depth) {
    const size_t end = rest.find('_');
    const std::string_view text = rest.substr(0, end);
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
    const std::vector<Step> steps = steps_after(at, depth + 1 == options.length, &ignored);
    const auto step =
        std::find_if(steps.begin(), steps.end(), [&](const Step& one) { return one.text == text; });
    if (step == steps.end()) {
      return Error(Errno::kInval, fmt::format("'{}': step {}, '{}', is not enumerated there", name,
                                              depth + 1, text));
    }
    at = at.with(*step);
  }
  if (!rest.empty()) {
    return Error(Errno::kInval, fmt::format("'{}': '{}' is left over", name, rest));
  }
  return make_workload(at, options.length, std::string(name));
}

Result<Workload> workload_by_name(std::string_view name) {
  return is_enumerated(name) ? enumerated_workload(name) : builtin_workload(name);
}

EnumeratedJobs::EnumeratedJobs(const Enumeration& enumeration, EnumerateOptions options,
                               std::optional<std::vector<uint64_t>> numbers, Job pattern)
    : enumeration_(enumeration),
      options_(options),
      numbers_(std::move(numbers)),
      pattern_(std::move(pattern)) {}

size_t EnumeratedJobs::size() const {
  return numbers_ ? numbers_->size() : enumeration_.counts().sequences;
}

Job EnumeratedJobs::job(size_t index) const {
  Job job = pattern_;
  job.workload = enumeration_.workload(numbers_ ? (*numbers_)[index] : index);
  return job;
}

void EnumeratedJobs::describe(CampaignConfig* config) const {
  std::string text = fmt::format("{}, {} of {} sequences", prefix_of(options_), size(),
                                 enumeration_.counts().sequences);
  if (numbers_) {
    const sim::Digest digest =
        sim::bytes_digest(numbers_->data(), numbers_->size() * sizeof(uint64_t), numbers_->size());
    text += ", sample " + digest.hex();
  }
  config->emplace_back("enumeration", text + " on " + harness::describe(pattern_));
  config->emplace_back(kJobCount, std::to_string(size()));
}

}  // namespace zerotail::harness
