#include "zerotail/exfat/ordering.h"

namespace zerotail::exfat {

namespace {
constexpr std::array<RuleInfo, kRuleCount> kRules{{
    {Rule::kDirtyFirst, "dirty-first",
     "VolumeDirty is set before any other change, also when a file only grows"},
    {Rule::kParentSize, "parent-size",
     "fsync of a file writes the grown DataLength of the directories above it"},
    {Rule::kDataFirst, "data-first",
     "ValidDataLength is stored only as far as the data is durable"},
    {Rule::kFatFirst, "fat-first",
     "the FAT is durable before the set, or the root directory's link, that needs it"},
    {Rule::kBitmapFirst, "bitmap-first",
     "the bitmap is durable before the set that uses the clusters"},
    {Rule::kZerosFirst, "zeros-first",
     "the zeros of a directory's new cluster are durable before anything leads there"},
    {Rule::kNewNameFirst, "new-name-first",
     "the new name of a rename is durable before the old ones go"},
    {Rule::kSetBeforeFree, "set-before-free",
     "FAT and bitmap give clusters up only once the set that had them is durable"},
    {Rule::kLateReuse, "late-reuse",
     "freed clusters are reused and discarded only once the set that had them is durable"},
    {Rule::kSyncFlush, "sync-flush", "sync(2) and an unmount end with a flush"},
    {Rule::kOneSector, "one-sector", "a new set that fits into one sector lies in one"},
    {Rule::kReplaceInPlace, "replace-in-place",
     "a rename onto a name rewrites the set that has the name"},
}};
}  // namespace

const std::array<RuleInfo, kRuleCount>& all_rules() { return kRules; }

const RuleInfo& rule_info(Rule rule) {
  const RuleInfo& info = kRules[static_cast<size_t>(rule)];
  ZT_ASSERT(info.rule == rule);
  return info;
}

std::string print(Ordering ordering) {
  if (ordering == Ordering::kLinux) return "linux";
  if (ordering == Ordering::kCareful) return "careful";
  std::string text;
  for (const RuleInfo& info : kRules) {
    if (!ordering.has(info.rule)) continue;
    if (!text.empty()) text += ',';
    text += info.name;
  }
  return text;
}

sim::Result<Ordering> parse_ordering(std::string_view text) {
  if (text == "linux") return Ordering::kLinux;
  if (text == "careful") return Ordering::kCareful;
  Ordering ordering;
  for (std::string_view rest = text;;) {
    const size_t comma = rest.find(',');
    const std::string_view name = rest.substr(0, comma);
    bool known = false;
    for (const RuleInfo& info : kRules) {
      if (name != info.name) continue;
      known = true;
      ordering = ordering.with(info.rule);
    }
    if (!known) {
      std::string names = "linux, careful";
      for (const RuleInfo& info : kRules) names += std::string(", ") + info.name;
      return sim::Error(sim::Errno::kInval, "ordering: '" + std::string(name) +
                                                "' is no rule (known are " + names + ")");
    }
    if (comma == std::string_view::npos) return ordering;
    rest.remove_prefix(comma + 1);
  }
}

}  // namespace zerotail::exfat
